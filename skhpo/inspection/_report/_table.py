"""All trials as a table of HTML, which sorts and filters by a script."""

import math
from collections.abc import Iterator
from html import escape
from typing import Any, NamedTuple

import numpy as np

from ..._descriptions import one_line
from .._labels import short_number
from .._trials import Trials, is_number, metrics_of

LONGEST_CELL = 40
# For the script.
GREATEST_FIRST = ' data-first="descending"'
ABSENT = "\N{EN DASH}"


class Column(NamedTuple):
    """A column: its head, and for each trial a number to sort by or None, and text.

    Of scores the greatest come first when it is sorted.
    """

    head: str
    cells: list[tuple[float | None, str]]
    are_scores: bool = False


def table_of(search: Any, trials: Trials) -> str:
    """Return the table, in which the best trial is marked."""
    columns = list(_columns(search, trials))
    heads = "".join(
        f'<th scope="col" aria-sort="none"{GREATEST_FIRST * column.are_scores}>'
        f"{escape(column.head)}</th>"
        for column in columns
    )
    rows = []
    for row in range(len(trials.scores)):
        kinds = ["best"] if row == trials.best else []
        kinds += [] if trials.has_score[row] else ["failed"]
        kind = f' class="{" ".join(kinds)}"' if kinds else ""
        cells = "".join(_cell(*column.cells[row]) for column in columns)
        rows.append(f"<tr{kind}>{cells}</tr>")
    return (
        '<div class="scrolled">\n<table id="table">\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n"
        + "\n".join(rows)
        + "\n</tbody>\n</table>\n</div>"
    )


def _cell(number: float | None, text: str) -> str:
    if number is None:
        # What does not fit is cut off, and shown when it is pointed at.
        title = f' title="{escape(text)}"' if len(text) > LONGEST_CELL else ""
        return f"<td{title}>{escape(text)}</td>"
    return f'<td class="number" data-number="{number!r}">{escape(text)}</td>'


def _columns(search: Any, trials: Trials) -> Iterator[Column]:
    results = search.cv_results_
    n_trials = len(trials.scores)
    yield Column("trial", [(float(row), str(row)) for row in range(n_trials)])
    for metric in metrics_of(results):
        name = trials.score_name if metric == "score" else metric
        for head, which in ((name, "mean"), (f"± {name}", "std")):
            values = results[f"{which}_test_{metric}"]
            cells = [_number(value) for value in values]
            yield Column(head, cells, are_scores=which == "mean")
    for name in ("bracket", "rung", "iter", "n_resources"):
        if name in results:
            yield Column(name, [_number(value) for value in results[name]])
    for name, values in trials.columns.items():
        if name in results:
            continue
        absent = np.ma.getmaskarray(values)
        yield Column(
            trials.labels[name],
            [
                (None, ABSENT) if absent[row] else _value(values.data[row])
                for row in range(n_trials)
            ],
        )
    if trials.seconds is not None:
        yield Column("seconds", [_number(value) for value in trials.seconds])
    states = ["" if has_score else "failed" for has_score in trials.has_score]
    yield Column("state", [(None, state) for state in states])


def _value(value: Any) -> tuple[float | None, str]:
    return _number(value) if is_number(value) else (None, one_line(value))


def _number(value: Any) -> tuple[float | None, str]:
    number = float(value)
    if not math.isfinite(number):
        return None, ABSENT
    whole = number.is_integer() and abs(number) < 1e15
    return number, str(int(number)) if whole else short_number(number)
