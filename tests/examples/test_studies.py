"""Each study in its quick form.

In this process: each would import TensorFlow anew. The build of the documentation runs
all of them, for its gallery; here it is one, and with `-m slow` the others.
"""

import re
import runpy
import sys
from pathlib import Path

import matplotlib.image
import pytest
import sklearn
from matplotlib import pyplot as plt

EXAMPLES = Path(__file__).parents[2] / "examples"
STUDIES = [
    script.stem
    for script in sorted(EXAMPLES.glob("*.py"))
    if "from study import Study" in script.read_text()
]
QUICKEST = "search_budgets"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return what runs a study as its command does, and leaves the process alone."""

    def run(name, *options):
        monkeypatch.syspath_prepend(EXAMPLES)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [str(EXAMPLES / f"{name}.py"), *options])
        with sklearn.config_context():
            runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")

    yield run
    plt.close("all")


# Some networks are too deep for digits of 8 x 8 pixels.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
@pytest.mark.parametrize(
    "name",
    [
        name if name == QUICKEST else pytest.param(name, marks=pytest.mark.slow)
        for name in STUDIES
    ],
)
def test_study_writes_its_page(name, run, tmp_path):
    run(name, "--quick", "--out", str(tmp_path))
    page = (tmp_path / f"{name}.md").read_text()
    assert page.startswith("# ")
    assert f"python examples/{name}.py --quick" in page
    tables = re.findall(r"(?:^\|.*\|\n)+", page, re.MULTILINE)
    assert tables
    for table in tables:
        heads, _, *rows = table.splitlines()
        assert rows
        assert {row.count("|") for row in rows} == {heads.count("|")}
        assert "nan" not in table
    pictures = re.findall(r"!\[.+\]\((.+)\)", page)
    assert pictures
    for picture in pictures:
        pixels = matplotlib.image.imread(tmp_path / picture)
        assert pixels.std() > 0.01
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.md", *pictures}


@pytest.mark.parametrize("name", STUDIES)
def test_study_can_be_read_as_a_tutorial(name):
    lines = (EXAMPLES / f"{name}.py").read_text().splitlines()
    assert len(lines) < 150


SMALL_STUDY = '''"""A title
=======

A question?
"""
from study import Study

study = Study()
study.say("The answer is {}.")
study.write()
'''


def test_what_it_taught_is_kept_and_told_to_be_old(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(EXAMPLES)
    script, page = tmp_path / "small.py", tmp_path / "small.md"
    monkeypatch.setattr(sys, "argv", [str(script), "--quick", "--out", str(tmp_path)])

    def told(answer):
        script.write_text(SMALL_STUDY.format(answer))
        runpy.run_path(str(script))
        return "What it taught was written for other tables" in capsys.readouterr().out

    assert not told(42)
    lessons = "\n## What it taught\n\nMuch.\n"
    page.write_text(page.read_text() + lessons)
    assert not told(42)
    assert told(43)
    assert "The answer is 43." in page.read_text()
    assert page.read_text().endswith(lessons)


@pytest.mark.parametrize("seed", [None, 7])
def test_a_page_tells_its_seed_if_there_is_one(seed, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    script = tmp_path / "small.py"
    monkeypatch.setattr(sys, "argv", [str(script), "--quick", "--out", str(tmp_path)])
    script.write_text(SMALL_STUDY.replace("Study()", f"Study(seed={seed})"))
    runpy.run_path(str(script))
    page = (tmp_path / "small.md").read_text()
    assert ("seed 7; Python" in page) == (seed == 7)
    assert ("seed" in page) == (seed == 7)


def test_a_tuple_of_one_keeps_its_comma(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    from study import in_words

    settings = {"filters": (32,), "dropout": (0.1, 0.2)}
    assert in_words(settings) == "`filters=(32,)`, `dropout=(0.1, 0.2)`"
