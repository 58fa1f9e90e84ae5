"""The documentation has every public name."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

import skhpo
from skhpo import inspection

ROOT = Path(__file__).parents[2]


def listed():
    """Return what the tables of the API's page name."""
    page = (ROOT / "docs" / "api" / "index.md").read_text()
    module, values = None, []
    lines = r"^(?:\.\. currentmodule:: (\S+)|   (\w+))$"
    for room, name in re.findall(lines, page, re.MULTILINE):
        if room:
            module = importlib.import_module(room)
        else:
            values.append(getattr(module, name))
    return values


@pytest.mark.parametrize("room", ["skhpo", *(f"skhpo.{room}" for room in skhpo._ROOMS)])
def test_every_public_name_is_on_the_page_of_the_api(room):
    module = importlib.import_module(room)
    names = getattr(module, "__all__", vars(module))
    public = {name: getattr(module, name) for name in names if not name.startswith("_")}
    values = listed()
    missing = {
        name
        for name, value in public.items()
        if value not in values and not inspect.ismodule(value)
    }
    assert missing == set()


DISPLAYS = [name for name in inspection.__all__ if name.endswith("Display")]


@pytest.mark.parametrize("name", DISPLAYS)
def test_every_display_is_in_the_gallery(name):
    scripts = (ROOT / "examples" / "displays").glob("plot_*.py")
    assert any(f"{name}.from_" in script.read_text() for script in scripts)
