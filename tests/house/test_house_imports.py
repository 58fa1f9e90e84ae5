"""Importing the package is cheap, and its rooms know only the floors below."""

import ast
import importlib
import subprocess
import sys
from importlib.resources import files

import pytest
from package_sources import FLOORS, PACKAGE, imports_of, names_in, sources

import skhpo

# The lazy surface


def run(code):
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    ).stdout.split()


def test_importing_the_package_imports_nothing_heavy():
    modules = run(
        "import sys; before = set(sys.modules); import skhpo; dir(skhpo); "
        "print(*(set(sys.modules) - before))"
    )
    roots = {module.split(".")[0] for module in modules}
    assert "skhpo" in roots
    assert not roots - {"skhpo"} - set(sys.stdlib_module_names)


def test_rooms_without_networks_do_without_tensorflow():
    modules = run(
        "import sys, skhpo; from skhpo import ArrayScaler, exceptions; "
        "from skhpo.datasets import fetch_mnist; skhpo.preprocessing; "
        "print(*{module.split('.')[0] for module in sys.modules})"
    )
    assert "sklearn" in modules
    assert not {"tensorflow", "keras", "scikeras", "keras_tuner"} & set(modules)


def test_names_are_imported_on_first_use():
    loaded = "print('skhpo.preprocessing' in sys.modules)"
    found = run(f"import sys, skhpo; {loaded}; skhpo.ArrayScaler; {loaded}")
    assert found == ["False", "True"]


@pytest.mark.parametrize("name", skhpo.__all__)
def test_every_public_name_can_be_imported(name):
    module = importlib.import_module("skhpo")
    value = getattr(module, name)
    assert vars(module)[name] is value
    assert name in dir(skhpo)
    scope = {}
    exec(f"from skhpo import {name}", scope)
    assert scope[name] is value


def test_all_names_of_a_star_import():
    scope = {}
    exec("from skhpo import *", scope)
    assert set(skhpo.__all__) <= set(scope)
    public = {name for name in dir(skhpo) if not name.startswith("_")}
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir()}
    assert public == set(skhpo.__all__) - {"__version__"} | (public & rooms)


def test_unknown_names_are_an_attribute_error():
    with pytest.raises(
        AttributeError, match="module 'skhpo' has no attribute 'KerasR'"
    ):
        skhpo.KerasR  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'KerasR' from 'skhpo'"):
        from skhpo import KerasR  # noqa: F401


def test_type_checkers_see_the_same_names():
    (block,) = (
        node
        for node in ast.walk(sources()["__init__"])
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
    )
    seen = {
        alias.asname: node.module
        for node in block.body
        for alias in node.names
        if alias.asname == alias.name
    }
    assert seen == skhpo._HOMES
    assert files("skhpo").joinpath("py.typed").is_file()


# The floors

GROUND, FIRST_FLOOR = map(set, FLOORS[:2])
MAY_IMPORT = {
    **dict.fromkeys(GROUND, GROUND),
    **dict.fromkeys(FIRST_FLOOR, GROUND),
    "estimators": GROUND | FIRST_FLOOR,
    "model_selection": GROUND,
    "inspection": GROUND,
    "tracking": GROUND,
}
MODULES = sorted(set(sources()) - {"__init__"})
OUTSIDE_COMPAT = sorted(set(MODULES) - {"_compat"})


def room_of(name):
    return name.split(".")[0]


def test_every_room_has_its_floor():
    rooms = {room for floor in FLOORS for room in floor}
    assert {room_of(name) for name in MODULES} == rooms == set(MAY_IMPORT)


@pytest.mark.parametrize("name", MODULES)
def test_rooms_import_only_from_the_floors_below(name):
    rooms = {module.split(".")[1] for module, _ in imports_of(name) if is_ours(module)}
    assert rooms - {room_of(name)} <= MAY_IMPORT[room_of(name)]


def is_ours(module):
    return module.split(".")[0] == "skhpo"


@pytest.mark.parametrize(
    "name", [module for module in MODULES if module.split(".")[0] in GROUND]
)
def test_the_ground_imports_only_numpy_and_scikit_learn_at_once(name):
    at_once = {
        module.split(".")[0] for module, is_late in imports_of(name) if not is_late
    }
    assert at_once - {"skhpo"} <= {"numpy", "sklearn", *sys.stdlib_module_names}


# One door for each foreign vocabulary


def modules_that_mention(word):
    """Return the modules that import something, by a statement or by its name."""
    return {
        name
        for name in MODULES
        if any(module.split(".")[0] == word for module, _ in imports_of(name))
        or any(
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.split(".")[0] == word
            and " " not in node.value
            for node in ast.walk(sources()[name])
        )
    }


@pytest.mark.parametrize(
    ("library", "doors"),
    [
        (
            "keras_tuner",
            {
                # Whose sampler of that name goes through the door.
                "model_selection._bayes_search",
                "model_selection._keras_tuner._gaussian_process",
                "model_selection._keras_tuner._hyperparameters",
                "model_selection._keras_tuner._oracles",
            },
        ),
        # Imported by `_compat.scikeras_wrappers`, which undoes what the import does.
        ("scikeras", {"_compat"}),
    ],
)
def test_only_one_module_imports(library, doors):
    assert modules_that_mention(library) == doors


def test_only_one_room_imports_callbacks_of_scikit_learn():
    found = {
        name
        for name in MODULES
        if any(module.startswith("sklearn.callback") for module, _ in imports_of(name))
    }
    assert found == {"_callbacks._fit_task"}


@pytest.mark.parametrize(
    ("name", "users"),
    [
        ("skhpo._compat.scikeras_wrappers", {"estimators._repairs"}),
        ("skhpo.estimators._repairs.scikeras", {"estimators._wrappers"}),
    ],
)
def test_only_the_wrappers_know_scikeras(name, users):
    importers = {
        module for module in MODULES if name in {n for n, _ in imports_of(module)}
    }
    assert importers == users


# Private names of other libraries

# Subclasses of SciKeras's classes override its hooks and read its attributes.
OF_SCIKERAS = {"estimators._repairs", "estimators._inputs", "estimators._wrappers"}
HOOKS_OF_SCIKERAS = {
    "_ensure_compiled_model",
    "_fit_kwargs",
    "_keras_build_fn",
    "_predict_kwargs",
    "_target_type",
    "_type_of_target",
}
ASKING = ("getattr", "hasattr", "setattr", "delattr")
PRIVATE_MODULES = ("keras.src", "tensorflow.python")


def is_private(part):
    return part.startswith("_") and not part.startswith("__")


@pytest.mark.parametrize("name", OUTSIDE_COMPAT)
def test_private_modules_are_imported_by_compat_only(name):
    foreign = [module for module, _ in imports_of(name) if not is_ours(module)]
    private = [
        module
        for module in foreign
        if any(map(is_private, module.split("."))) or module.startswith(PRIVATE_MODULES)
    ]
    assert private == []


@pytest.mark.parametrize("name", OUTSIDE_COMPAT)
def test_private_modules_are_named_by_compat_only(name):
    named = [
        f"line {node.lineno}: {node.value}"
        for node in ast.walk(sources()[name])
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith(PRIVATE_MODULES)
    ]
    assert named == []


def attributes_asked_for(name):
    """Yield every attribute that a module reads, by a dot or by its name."""
    for node in ast.walk(sources()[name]):
        if isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ASKING:
            wanted = node.args[1]
            if isinstance(wanted, ast.Constant):
                yield node.lineno, wanted.value


@pytest.mark.parametrize("name", OUTSIDE_COMPAT)
def test_private_attributes_are_our_own(name):
    own = {made for module in MODULES for made in names_in(module)}
    if name in OF_SCIKERAS:
        own |= HOOKS_OF_SCIKERAS
    foreign = [
        f"line {line}: {attribute}"
        for line, attribute in attributes_asked_for(name)
        if is_private(attribute) and attribute not in own
    ]
    assert foreign == []
