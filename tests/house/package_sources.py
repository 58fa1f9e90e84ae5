"""The package's own source, read as text and as syntax."""

import ast
from functools import cache
from pathlib import Path

import skhpo

PACKAGE = Path(skhpo.__file__).parent

# The rooms by floor, from the ground up.
FLOORS = [
    ["_nested", "_durable", "_descriptions", "exceptions", "_compat", "_callbacks"],
    ["datasets", "preprocessing", "_training", "networks"],
    ["model_selection", "estimators"],
    ["inspection", "tracking"],
]


@cache
def sources():
    """Return the syntax trees of the package by module, as "estimators._mlp"."""
    return {name_of(path): ast.parse(path.read_text()) for path in paths()}


def paths():
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts)


def imports_of(name):
    """Yield what a module imports: absolute dotted names, and where they stand."""
    tree = sources()[name]
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        is_late = id(node) in inside
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, is_late
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(name, node)
            for alias in node.names:
                yield f"{base}.{alias.name}", is_late


def _absolute(name, node):
    if node.level == 0:
        return node.module
    package = ["skhpo", *name.split(".")][: -node.level]
    return ".".join([*package, *filter(None, [node.module])])


def names_in(name):
    """Yield the attributes and names that a module makes up itself."""
    for node in ast.walk(sources()[name]):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.ImportFrom) and node.level > 0:
            for alias in node.names:
                yield alias.asname or alias.name
