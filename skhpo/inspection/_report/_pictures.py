"""The pictures of a search, each for a light and for a dark screen."""

import io
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .._canvas import pyplot
from .._contour import ContourDisplay
from .._history import SearchHistoryDisplay
from .._importance import HyperparameterImportanceDisplay
from .._parallel import ParallelCoordinatesDisplay
from .._rungs import RungDisplay
from .._slice import SliceDisplay

DOTS_PER_INCH = 144
PIXELS_PER_INCH = 96  # CSS's


class Picture(NamedTuple):
    """A picture as two PNG files, or why there is none.

    The width is in pixels as CSS counts them.
    """

    caption: str
    light: bytes = b""
    dark: bytes = b""
    width: int = 0
    reason: str | None = None


def pictures_of(search: Any, metric: str | None) -> Iterator[Picture]:
    """Yield what can be drawn of a search."""
    plt = pyplot("report")
    results = search.cv_results_
    drawn = {
        "Score by trial, and the best so far": SearchHistoryDisplay,
        "Trials as lines through their hyperparameters": ParallelCoordinatesDisplay,
        "How much each hyperparameter matters": HyperparameterImportanceDisplay,
        "Score by each hyperparameter": SliceDisplay,
        "Score by the two that matter most": ContourDisplay,
    }
    if "n_resources" in results:
        drawn["Rung by rung, what was stopped when"] = RungDisplay
    for caption, display in drawn.items():
        yield _picture(plt, caption, display.from_search, search, metric)


def _picture(
    plt: Any, caption: str, draw: Callable, search: Any, metric: str | None
) -> Picture:
    """Draw one in both styles."""
    before = set(plt.get_fignums())
    try:
        with plt.style.context("default"):
            display = draw(search, metric=metric)
            light = _png(display.figure_)
        with plt.style.context("dark_background"):
            dark = _png(display.plot().figure_)
    except ValueError as error:
        # Too few trials for a model, or nothing that differs.
        return Picture(caption, reason=str(error))
    finally:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)
    width = round(display.figure_.get_figwidth() * PIXELS_PER_INCH)
    return Picture(caption, light, dark, width)


def _png(figure: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DOTS_PER_INCH, transparent=True)
    return file.getvalue()
