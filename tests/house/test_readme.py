"""What the README and the documentation show runs as it stands."""

import doctest
import importlib
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_first_example_can_be_pasted(capsys):
    (example,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S
    )
    exec(compile(example, "README.md", "exec"), {})
    scores = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert len(scores) == 3
    assert min(scores) > 0.95
    # What its comments say of grid and search.
    assert scores[:2] == pytest.approx([0.965, 0.975], abs=0.005)


def test_there_are_two_commands():
    commands = re.findall(r"^pip install .*$", (ROOT / "README.md").read_text(), re.M)
    assert commands == [
        'pip install ".[plot]" && python examples/quickstart.py',
        'pip install ".[test]" && pytest',
    ]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert extras.keys() >= {"plot", "tracking", "dask", "test", "docs", "all"}


PAGES = [
    str(path.relative_to(ROOT))
    for path in sorted((ROOT / "docs").rglob("*.md"))
    if "\n>>> " in path.read_text()
]


@pytest.mark.parametrize("page", PAGES)
def test_sessions_in_the_documentation_run(page, tmp_path, monkeypatch):
    # One of them writes a report.
    monkeypatch.chdir(tmp_path)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    results = doctest.testfile(
        str(ROOT / page), module_relative=False, optionflags=flags
    )
    assert results.attempted > 0
    assert results.failed == 0


def test_all_blocks_of_python_in_the_documentation_are_sessions():
    for path in (ROOT / "docs").rglob("*.md"):
        blocks = re.findall(r"^```(.+)\n(.*)", path.read_text(), re.MULTILINE)
        for language, first in blocks:
            assert language == "pycon" or language.startswith("{"), path
            assert first.startswith(">>> ") == (language == "pycon"), path


def test_the_tables_of_samplers_are_those_of_the_benchmark(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "examples" / "benchmarks")
    page = (ROOT / "docs" / "user_guide" / "performance.md").read_text()
    assert importlib.import_module("tables").tables() in page


def test_links_within_the_documentation_lead_somewhere():
    links = [
        (path, link)
        for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
        for link in re.findall(r"\]\(([^)#]+)", path.read_text())
        if not link.startswith("http")
    ]
    assert links
    for path, link in links:
        assert (path.parent / link).exists(), f"{path}: {link}"
