"""Every public class and function is documented and typed."""

import importlib
import inspect

import numpy as np
import pytest
from numpydoc.docscrape import FunctionDoc, NumpyDocString
from numpydoc.validate import validate

import skhpo

ROOMS = list(skhpo._ROOMS)

# As scikit-learn: the Returns section names what is returned, and docstrings begin and
# end as the formatter has them.
IGNORED = {"RT02", "GL01", "GL02"}
# As scikit-learn: asked of classes only. A summary may say it all, and examples stand
# on the class.
OF_CLASSES_ONLY = {"EX01", "SA01", "ES01"}
# Of a property there are no parameters to be found.
OF_PROPERTIES = {"PR02", "GL08"}
EXCEPTIONS = {
    # Errors and warnings have neither examples nor what else to see.
    **{
        name: {"ES01", "EX01", "SA01", "PR01"}
        for name in vars(importlib.import_module("skhpo.exceptions"))
    },
    # SciKeras repeats the description of each parameter in every class; ours refer to
    # KerasClassifier, which has them all.
    "BaseWrapper": {"PR01", "PR03", "ES01", "EX01"},
    "KerasRegressor": {"PR01", "PR03"},
}


def public_objects():
    """Yield what users can import, by the path of the room that shows it."""
    in_private_rooms = ("GaussianProcessOracle", "clear_caches", "get_cache_size")
    for name in (*in_private_rooms, "set_cache_size"):
        yield f"skhpo.{name}", getattr(skhpo, name)
    for room in ROOMS:
        module = importlib.import_module(f"skhpo.{room}")
        for name, value in sorted(vars(module).items()):
            if not name.startswith("_") and inspect.isclass(value) | inspect.isfunction(
                value
            ):
                yield f"skhpo.{room}.{name}", value


def members_of(cls):
    """Yield the public methods and properties that are written in this package."""
    for name in dir(cls):
        member = inspect.getattr_static(cls, name)
        function = getattr(member, "fget", None) or getattr(member, "__func__", member)
        written_here = (getattr(function, "__module__", None) or "").startswith(
            "skhpo."
        )
        if not name.startswith("_") and inspect.isfunction(function) and written_here:
            yield name, member, function


OBJECTS = dict(public_objects())
CLASSES = {path: value for path, value in OBJECTS.items() if inspect.isclass(value)}
MEMBERS = {
    f"{path}.{name}": (member, function)
    for path, cls in CLASSES.items()
    for name, member, function in members_of(cls)
}


def test_all_public_names_are_covered():
    names = {path.rsplit(".", 1)[1] for path in OBJECTS}
    assert set(skhpo.__all__) - set(ROOMS) - {"__version__"} <= names


def problems_of(path, allowed):
    return [error for error in validate(path)["errors"] if error[0] not in allowed]


@pytest.mark.parametrize("path", OBJECTS)
def test_docstrings(path):
    is_class = inspect.isclass(OBJECTS[path])
    allowed = IGNORED | EXCEPTIONS.get(path.rsplit(".", 1)[1], set())
    if not is_class:
        allowed |= OF_CLASSES_ONLY
    assert problems_of(path, allowed) == []


@pytest.mark.parametrize("path", MEMBERS)
def test_docstrings_of_methods(path):
    allowed = IGNORED | OF_CLASSES_ONLY
    if isinstance(MEMBERS[path][0], property):
        # A property is documented as an attribute of its class.
        allowed |= OF_PROPERTIES | {"RT01", "RT03"}
    assert problems_of(path, allowed) == []


def names_in(documentation):
    """Return the parameters that are documented, some of them two in one line."""
    return [name for p in documentation["Parameters"] for name in p.name.split(", ")]


def parameters_of(function):
    return [
        f"{'*' * (p.kind is p.VAR_POSITIONAL)}{'**' * (p.kind is p.VAR_KEYWORD)}{name}"
        for name, p in inspect.signature(function).parameters.items()
        if name not in ("self", "cls")
    ]


@pytest.mark.parametrize("path", CLASSES)
def test_exactly_the_constructors_parameters_are_documented(path):
    cls = CLASSES[path]
    if issubclass(cls, Exception | Warning):
        assert "Parameters" not in cls.__doc__
        return
    documented = names_in(NumpyDocString(inspect.getdoc(cls)))
    if cls.__name__ in ("BaseWrapper", "KerasRegressor"):
        assert documented == ["model", "**kwargs"]
        return
    assert documented == parameters_of(cls)


def functions_with_defaults():
    for path, cls in CLASSES.items():
        if not issubclass(cls, Exception):
            yield pytest.param(cls, NumpyDocString(inspect.getdoc(cls)), id=path)
    for path, (_, function) in MEMBERS.items():
        yield pytest.param(function, FunctionDoc(function), id=path)


@pytest.mark.parametrize(("function", "documentation"), list(functions_with_defaults()))
def test_defaults_are_documented(function, documentation):
    signature = inspect.signature(function).parameters
    for parameter in documentation["Parameters"]:
        for name in parameter.name.split(", "):
            default = getattr(signature.get(name), "default", inspect.Parameter.empty)
            if default is inspect.Parameter.empty:
                assert "default=" not in parameter.type, name
                continue
            _, said = parameter.type.split("default=")
            # As in an expression; nan is not equal to itself.
            assert repr(eval(said, {"np": np})) == repr(default), name


@pytest.mark.parametrize(
    "path", [p for p in MEMBERS if inspect.isfunction(MEMBERS[p][0])]
)
def test_exactly_the_parameters_of_methods_are_documented(path):
    function = MEMBERS[path][1]
    documented = names_in(FunctionDoc(function))
    assert documented == parameters_of(function)


TYPED = {
    **{path: value for path, value in OBJECTS.items() if inspect.isfunction(value)},
    **{path: function for path, (_, function) in MEMBERS.items()},
    **{
        f"{path}.__init__": cls.__init__
        for path, cls in CLASSES.items()
        if getattr(cls.__init__, "__module__", "").startswith("skhpo")
    },
}


@pytest.mark.parametrize("path", TYPED)
def test_signatures_are_typed(path):
    signature = inspect.signature(TYPED[path])
    untyped = [
        name
        for name, parameter in signature.parameters.items()
        if name not in ("self", "cls") and parameter.annotation is parameter.empty
    ]
    assert untyped == []
    # A constructor returns nothing.
    if not path.endswith(".__init__"):
        assert signature.return_annotation is not signature.empty
