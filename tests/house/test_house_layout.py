"""Nothing grows too large, and everything stands where it belongs."""

import ast
import shutil
import subprocess

import pytest
from package_sources import PACKAGE, name_of, paths, sources

LONGEST_FILE = 450
LARGEST_CLASS = 18
ALLOWED_AT_THE_TOP = {
    "pyproject.toml",
    "skhpo",
    "tests",
    "examples",
    "docs",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
}


@pytest.mark.parametrize("path", paths(), ids=name_of)
def test_files_are_short(path):
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


def classes():
    for name, tree in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                yield pytest.param(node, id=f"{name}.{node.name}")


@pytest.mark.parametrize("node", list(classes()))
def test_classes_are_small(node):
    # A property is an attribute that is worked out.
    methods = [
        child
        for child in node.body
        if isinstance(child, ast.FunctionDef)
        and "property" not in map(ast.unparse, child.decorator_list)
    ]
    assert len(methods) <= LARGEST_CLASS


ROOMS = [
    path for path in paths() if path.name == "__init__.py" and path.parent != PACKAGE
]


@pytest.mark.parametrize("path", ROOMS, ids=name_of)
def test_rooms_only_show_what_is_in_them(path):
    docstring, *statements = ast.parse(path.read_text()).body
    assert isinstance(docstring, ast.Expr)
    imports = [node for node in statements if isinstance(node, ast.ImportFrom)]
    others = [ast.unparse(node) for node in statements if node not in imports]
    # Seen as exported by type checkers: by its alias or by `__all__`.
    exported = {a.asname for node in imports for a in node.names if a.asname == a.name}
    if others and others[0].startswith("__all__ = "):
        exported |= set(ast.literal_eval(others.pop(0).removeprefix("__all__ = ")))
    if path.parent.name == "_training":
        # In a worker, threads are settled before TensorFlow's first operation.
        assert others.pop() == "_settle_into_worker()"
    assert others == []
    for node in imports:
        assert node.level == 1
        names = {alias.asname or alias.name for alias in node.names}
        assert {name for name in names if not name.startswith("_")} <= exported


def test_the_top_level_holds_only_what_belongs_there():
    root = PACKAGE.parent
    if not (root / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not in a checkout")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(
        command, cwd=root, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    top = {line.split("/")[0] for line in listed}
    assert {name for name in top if not name.startswith(".")} <= ALLOWED_AT_THE_TOP


def test_test_files_have_names_of_their_own():
    # pytest imports them by their base names.
    names = [
        path.name
        for path in (PACKAGE.parent / "tests").rglob("*.py")
        if path.name != "conftest.py"
    ]
    assert sorted(names) == sorted(set(names))
