"""Where Displays draw, and how they mark what has no place on an axis of scores."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from ._scales import GAP, Scale
from ._trials import floor_of

# Shades from poor to good that colour-blind readers can tell apart.
COLORMAP = "viridis"
PANELS_IN_A_ROW = 3


def pyplot(user: Any) -> Any:
    """Import `matplotlib.pyplot` for a Display, or say how to get it."""
    try:
        return import_module("matplotlib.pyplot")
    except ImportError as error:
        name = user if isinstance(user, str) else type(user).__name__
        raise ImportError(
            f"{name} needs matplotlib to draw. Install it with "
            '`pip install "skhpo[plot]"`.'
        ) from error


def ink() -> Any:
    """Return the colour of text in the style that is set, dark or light."""
    return import_module("matplotlib").rcParams["text.color"]


def paper() -> Any:
    """Return the colour behind what is drawn."""
    return import_module("matplotlib").rcParams["axes.facecolor"]


def axes_for(display: Any, ax: Any, **settings: Any) -> Any:
    """Return the axes that were given, or new ones; and take over their figure."""
    plt = pyplot(display)
    if ax is None:
        _, ax = plt.subplots(**({"layout": "constrained"} | settings))
    display.ax_ = ax
    display.figure_ = ax.figure
    return ax


def draw_scores(
    ax: Any, x: np.ndarray, scores: np.ndarray, **settings: Any
) -> tuple[Any, list[Any]]:
    """Draw trials as points, and those without a place as marks at the lower edge.

    Returns
    -------
    points : PathCollection
        One point for each trial with a score that is not far below all others.

    marks : list of Line2D
        One for the trials far below, and one for those that failed.
    """
    floor = floor_of(scores)
    shown = scores >= floor
    points = ax.scatter(x[shown], scores[shown], **settings)
    return points, mark_unshown(ax, x, scores, floor)


def mark_unshown(ax: Any, x: np.ndarray, scores: np.ndarray, floor: float) -> list[Any]:
    """Mark at the lower edge which trials have no score, or one below `floor`."""
    failed, below = np.isnan(scores), scores < floor
    marks = []
    for rows, marker, text in (
        (below, "v", f"{below.sum()} below {floor:.3g}"),
        (failed, "x", f"{failed.sum()} failed"),
    ):
        if rows.any():
            (mark,) = ax.plot(
                x[rows],
                np.full(rows.sum(), 0.02),
                marker=marker,
                linestyle="none",
                color="tab:red",
                markersize=5,
                label=text,
                transform=ax.get_xaxis_transform(),
                clip_on=False,
                zorder=3,
            )
            marks.append(mark)
    return marks


def colors_of(scores: np.ndarray) -> tuple[Any, str]:
    """Return a norm of colours for scores, and to which side it is open."""
    colors = import_module("matplotlib.colors")
    floor, best = floor_of(scores), np.nanmax(scores)
    if floor == best:
        floor, best = floor - 0.5, best + 0.5
    is_open = bool((scores < floor).any())
    return colors.Normalize(floor, best), "min" if is_open else "neither"


def panels_for(
    display: Any,
    ax: Any,
    n_panels: int,
    *,
    way_out: str,
    n_columns: int = PANELS_IN_A_ROW,
    mosaic: list[list[int]] | None = None,
    **settings: Any,
) -> list[Any]:
    """Return the axes that were given, or new ones, and take over their figure.

    New ones stand in rows of `n_columns`, or as the mosaic of their numbers says;
    `settings` are for `pyplot.subplot_mosaic`.
    """
    plt = pyplot(display)
    if ax is not None:
        panels = _check_axes(ax, n_panels, way_out)
    else:
        if mosaic is None:
            n_columns = min(n_panels, n_columns)
            numbers = np.arange(-(-n_panels // n_columns) * n_columns)
            mosaic = np.where(numbers < n_panels, numbers, -1)
            mosaic = mosaic.reshape(-1, n_columns).tolist()
        size = (max(6.4, 3.6 * len(mosaic[0])), max(4.0, 3.0 * len(mosaic)))
        settings = {"layout": "constrained", "figsize": size} | settings
        _, axes = plt.subplot_mosaic(mosaic, empty_sentinel=-1, **settings)
        panels = [axes[number] for number in range(n_panels)]
    display.axes_ = np.array(panels, dtype=object)
    if n_panels == 1:
        display.ax_ = panels[0]
    display.figure_ = panels[0].figure
    return panels


def _check_axes(ax: Any, n_panels: int, way_out: str) -> list[Any]:
    """Return given axes in a list, of which there must be one for each panel."""
    found = list(np.ravel(ax)) if isinstance(ax, Sequence | np.ndarray) else [ax]
    if len(found) != n_panels:
        raise ValueError(
            f"ax must be one Axes for each of the {n_panels} panels, got {len(found)}. "
            f"{way_out}"
        )
    return found


def dress(ax: Any, which: str, scale: Scale, label: str) -> None:
    """Give an axis, "x" or "y", the scale, marks and name of a hyperparameter."""
    axis = getattr(ax, f"{which}axis")
    axis.set_label_text(label)
    if scale.is_log:
        getattr(ax, f"set_{which}scale")("log")
    # On a narrow one, matplotlib writes out so many marks that they overlap.
    if not scale.places and not scale.is_narrow:
        return
    positions, _, labels = scale.ticks(5)
    axis.set_ticks(positions, labels)
    axis.set_ticks([], minor=True)
    # What stands beside the line is near its end.
    is_crowded = bool(scale.is_numeric and scale.places) or sum(map(len, labels)) > 32
    if which == "x" and is_crowded:
        axis.set_tick_params(rotation=25)
        for text in axis.get_ticklabels():
            text.set(ha="right", rotation_mode="anchor")
    if scale.has_absence or (scale.is_numeric and scale.places):
        # Between the line, or the categories, and what lies beside it.
        edge = scale.from_unit(np.array([-GAP / 2]))[0] if scale.is_numeric else -0.5
        draw = ax.axvline if which == "x" else ax.axhline
        draw(edge, color="0.7", linewidth=0.8, linestyle="dotted", zorder=0)


def spread(values: np.ma.MaskedArray, scale: Scale, which: str = "x") -> np.ndarray:
    """Return positions on an axis, of which those of one place lie side by side.

    So that of thousands of trials with one category more than one is seen.
    """
    offsets = evenly_spread(len(values), which)
    if not scale.is_numeric:
        return scale.positions(values) + 0.5 * offsets
    units = scale.unit_positions(values)
    return scale.from_unit(units + np.where(units < 0, GAP / 2 * offsets, 0.0))


def evenly_spread(n: int, which: str = "x") -> np.ndarray:
    """Return numbers from -0.5 to 0.5, the first of which are as even as all.

    Those of "x" and of "y" together fill a square: they are multiples of the powers of
    the real root of ``r**3 = r + 1``, as those of the golden ratio fill an interval.
    """
    root = 1.3247179572447460
    step = 1 / root if which == "x" else 1 / root**2
    return np.arange(n) * step % 1 - 0.5
