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


def test_each_page_for_those_who_come_from_elsewhere_has_a_session():
    pages = {str(p.relative_to(ROOT)) for p in ROOT.glob("docs/coming_from/*.md")}
    assert pages - {*PAGES} == {"docs/coming_from/index.md"}


def blocks_of(page):
    """Yield the language of each fenced block, which may be none, and its text."""
    text = page.read_text()
    blocks = r"^( *)(`{3,})([^`\n]*)\n(.*?)^\1\2 *$"
    for _, _, language, block in re.findall(blocks, text, re.MULTILINE | re.DOTALL):
        yield language.strip(), block


def test_all_blocks_of_python_in_the_documentation_are_sessions():
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for language, block in blocks_of(path):
            if path.name == "README.md" and language == "python":
                continue
            # Commands, or what a program prints, sessions, and directives.
            is_plain = language in ("", "text")
            assert is_plain or language == "pycon" or language.startswith("{"), path
            assert block.startswith(">>> ") == (language == "pycon"), path
            if is_plain:
                python = re.search(r">>>|^\s*(import|from) ", block, re.MULTILINE)
                assert python is None, f"{path}: {block}"


def test_the_tables_of_samplers_are_those_of_the_benchmark(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "examples" / "benchmarks")
    page = (ROOT / "docs" / "user_guide" / "performance.md").read_text()
    assert importlib.import_module("tables").tables() in page


def links_of(page):
    """Yield where each link within the documentation leads, and to what heading."""
    for link in re.findall(r"\]\(([^)\s]+)", page.read_text()):
        if not link.startswith(("http://", "https://")):
            path, _, anchor = link.partition("#")
            yield (page.parent / path if path else page), anchor


def anchors_of(page):
    """Return what links to headings end in, on GitHub and by `myst_heading_anchors`."""
    text = re.sub(r"^(`{3,}).*?^\1", "", page.read_text(), flags=re.M | re.S)
    anchors = []
    for heading in re.findall(r"^#{1,3} +(.+)$", text, re.MULTILINE):
        shown = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading.strip().lower())
        slug = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        names = [slug, *(f"{slug}-{i}" for i in range(1, len(anchors) + 1))]
        anchors.append(next(name for name in names if name not in anchors))
    return anchors


def test_links_within_the_documentation_lead_somewhere():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    links = [(page, *link) for page in pages for link in links_of(page)]
    assert any(anchor for *_, anchor in links)
    for page, target, anchor in links:
        assert target.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in anchors_of(target), f"{page}: {target}#{anchor}"
