"""The page: what a search found, as HTML that needs nothing else."""

import base64
import inspect
import os
from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from ..._descriptions import one_line
from ..._durable import write_atomically
from .._canvas import pyplot
from .._trials import Trials, read_trials
from ._facts import failures_of, summary_of, versions_of
from ._pictures import Picture, pictures_of
from ._table import table_of

LONGEST_TRACEBACK = 20_000
# A picture in a narrow window shrinks to this share of itself, and then scrolls.
READABLE = 0.7


def report(search: Any, path: str | os.PathLike, *, metric: str | None = None) -> Path:
    """Write a page about a fitted search: one file, which opens in any browser.

    It has a summary, the best settings, pictures, all trials in a table that sorts and
    filters, the space, what failed, and the versions of the packages. It loads nothing
    from elsewhere, can be read without scripts, and follows the reader's choice of a
    light or a dark screen. Of a search over a function of ``hp``, trials and pictures
    have what it asked for, the best settings what it returned.

    Parameters
    ----------
    search : estimator
        A fitted search, ours or any of scikit-learn's.

    path : path-like
        The file, as "report.html". One that is there is replaced.

    metric : str or None, default=None
        Which of several metrics. None takes the one that the search went by.

    Returns
    -------
    path : pathlib.Path
        The file.

    Raises
    ------
    FileNotFoundError
        If the folder of `path` is not there.

    ImportError
        If matplotlib is not installed.

    sklearn.exceptions.NotFittedError
        If the search was not fitted.

    TypeError
        If it is no search.

    ValueError
        If there is no such metric, or if all trials failed.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpo.inspection import report
    >>> X, y = load_iris(return_X_y=True)
    >>> grid = {"max_depth": [1, 2, 3], "criterion": ["gini", "entropy"]}
    >>> search = GridSearchCV(DecisionTreeClassifier(random_state=0), grid).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = report(search, f"{folder}/report.html")
    ...     "max_depth" in page.read_text()
    True
    """
    pyplot("report")
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"path must be in a folder that is there, got {path}. Make the folder "
            "first."
        )
    trials = read_trials(search, metric)
    if not hasattr(search, "cv_results_"):
        raise TypeError(
            f"search must be a fitted search, got its results: {type(search).__name__}."
        )
    summary = summary_of(search, trials)
    title = f"{type(search).__name__}: {summary['best score']}"
    sections = [
        _section("Summary", _definitions(summary)),
        _section("Best settings", _definitions(_settings(search, trials))),
        _section("Pictures", _figures(pictures_of(search, metric))),
        _section("Trials", table_of(search, trials)),
        _section("Space", f"<pre>{escape(_space(search))}</pre>"),
        _section("Failures", _failures(failures_of(search, trials))),
        _section("Versions", _definitions(versions_of())),
    ]
    parts = files(__package__)
    page = Template((parts / "page.html").read_text("utf-8")).substitute(
        title=escape(title),
        style=(parts / "page.css").read_text("utf-8"),
        script=(parts / "page.js").read_text("utf-8"),
        sections="\n".join(sections),
    )
    write_atomically(path, page.encode())
    return path


def _section(title: str, content: str) -> str:
    name = title.lower().replace(" ", "-")
    return f'<section id="{name}">\n<h2>{title}</h2>\n{content}\n</section>'


def _definitions(values: dict[str, str]) -> str:
    rows = (
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in values.items()
    )
    return "<dl>\n" + "\n".join(rows) + "\n</dl>"


def _settings(search: Any, trials: Trials) -> dict[str, str]:
    """Return what the best trial set: of a function as a space, what it returned."""
    params = search.cv_results_["params"][trials.best]
    return {name: one_line(value) for name, value in params.items()}


def _figures(pictures: Iterable[Picture]) -> str:
    """Return figures, each in a light and a dark form."""
    return "\n".join(
        f"<figure>\n<figcaption>{escape(picture.caption)}</figcaption>\n"
        + (
            f'<picture><source media="(prefers-color-scheme: dark)" '
            f'srcset="{_data(picture.dark)}">'
            f'<img src="{_data(picture.light)}" alt="{escape(picture.caption)}" '
            f'width="{picture.width}" '
            f'style="min-width: {READABLE * picture.width:.0f}px"></picture>'
            if picture.reason is None
            else f"<p>There is none: {escape(picture.reason)}</p>"
        )
        + "\n</figure>"
        for picture in pictures
    )


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _space(search: Any) -> str:
    """Return what the search was given to search in, a dimension in a line."""
    names = ("search_spaces", "param_grid", "param_distributions")
    space = next((getattr(search, n) for n in names if hasattr(search, n)), None)
    if callable(space):
        try:
            return inspect.getsource(space)
        except (OSError, TypeError):
            return one_line(space)
    spaces = space if isinstance(space, list | tuple) else [space]
    return "\n\n".join(
        "\n".join(f"{name}: {one_line(values)}" for name, values in one.items())
        if isinstance(one, Mapping)
        else one_line(one)
        for one in spaces
    )


def _failures(failures: list[tuple[str, str]]) -> str:
    if not failures:
        return "<p>No fit failed.</p>"
    return "\n".join(
        f"<details><summary>{escape(what)}</summary>"
        f"<pre>{escape(error[-LONGEST_TRACEBACK:])}</pre></details>"
        for what, error in failures
    )
