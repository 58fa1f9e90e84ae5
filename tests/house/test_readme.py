"""What the README and the guide show runs as it stands."""

import doctest
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
    assert len(scores) == 2
    assert min(scores) > 0.95


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


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=str)
def test_the_guide_runs(page, tmp_path, monkeypatch):
    # It writes a report.
    monkeypatch.chdir(tmp_path)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    results = doctest.testfile(str(page), module_relative=False, optionflags=flags)
    assert results.attempted > 0
    assert results.failed == 0
