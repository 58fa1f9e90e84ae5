"""Each study in its quick form, as a user runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import pytest

ROOT = Path(__file__).parents[2]
STUDIES = [
    script.stem
    for script in sorted((ROOT / "examples").glob("*.py"))
    if "from study import Study" in script.read_text()
]


def run(name, folder):
    command = [sys.executable, ROOT / "examples" / f"{name}.py", "--quick"]
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    return subprocess.run(
        [*command, "--out", folder],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
    )


@pytest.mark.parametrize("name", STUDIES)
def test_study_writes_its_page(name, tmp_path):
    ended = run(name, tmp_path)
    assert ended.returncode == 0, ended.stderr[-3000:]
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
    lines = (ROOT / "examples" / f"{name}.py").read_text().splitlines()
    assert len(lines) < 150
