"""What stands on a page: printed text, tables, handwritten digits and stamps."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.datasets import load_digits

from ._page_canvas import BACKGROUND, DIGIT, FINE, NUMBER, REACH, STAMP, TABLE, Canvas
from ._page_fonts import BORDER, LETTERS, Font, draw_glyph

LINE = 1.0  # The thickness of a ruled line, in pixels.


@dataclass(frozen=True)
class Print:
    """How a page is printed.

    Parameters
    ----------
    font : Font
        The font of all that is printed.
    height : float
        Of a character, in pixels.
    darkness : float
        Of the ink, from 0 to 1.
    """

    font: Font
    height: float
    darkness: float


def print_text(
    canvas: Canvas,
    text: str,
    top: float,
    left: float,
    style: Print,
    kind: int = BACKGROUND,
) -> float:
    """Print text, and return where it ends."""
    for character in text:
        if character == " ":
            left += 0.45 * style.height
            continue
        glyph = draw_glyph(style.font, character, style.height)
        ink = style.darkness * glyph.ink
        place = (top - BORDER, left - BORDER)
        canvas.lay_ink(ink, *place, kind=kind, where=glyph.where if kind else None)
        left += glyph.advance
    return left


def print_number(
    canvas: Canvas, text: str, top: float, left: float, style: Print
) -> float:
    """Print an ordering number, and return where it ends."""
    return print_text(canvas, text, top, left, style, NUMBER)


def print_words(
    canvas: Canvas,
    top: float,
    left: float,
    right: float,
    style: Print,
    rng: np.random.Generator,
) -> None:
    """Print words of random letters, as many as there is room for."""
    while True:
        word = "".join(rng.choice(list(LETTERS), rng.integers(2, 8)))
        width = sum(draw_glyph(style.font, c, style.height).advance for c in word)
        if left + width > right:
            return
        left = print_text(canvas, word + " ", top, left, style)


def rule(
    canvas: Canvas,
    top: float,
    left: float,
    height: float,
    width: float,
    darkness: float,
    dash: int = 0,
) -> None:
    """Draw a line, of dashes as long as `dash` squares if that is not 0."""
    ink = np.full((round(FINE * height), round(FINE * width)), darkness, np.float32)
    if dash:
        length = max(ink.shape)
        is_gap = np.arange(length) // dash % 2 == 1
        ink[is_gap if ink.shape[0] == length else (slice(None), is_gap)] = 0
    canvas.lay_ink(ink, top, left)


def draw_grid(
    canvas: Canvas,
    rows: NDArray,
    columns: NDArray,
    lines: str,
    style: Print,
) -> None:
    """Draw the lines of a table, and mark all within.

    Parameters
    ----------
    canvas : Canvas
        Where to draw.
    rows, columns : ndarray
        The places of the lines, in pixels.
    lines : {"all", "dashed", "rows", "frame"}
        Which of them are drawn: all, all in dashes, those between rows only, or those
        around the table and between columns.
    style : Print
        For its darkness.
    """
    height, width = (
        np.ptp(rows) + LINE * (1 + (lines == "rows")),
        np.ptp(columns) + LINE,
    )
    dash = 4 if lines == "dashed" else 0
    for top in rows if lines != "frame" else rows[[0, 1, -1]]:
        # Without lines between columns, thick ones tell where the table ends.
        is_thick = lines == "rows" and top in rows[[0, -1]]
        thickness = (1 + is_thick) * LINE
        rule(canvas, top, columns[0], thickness, width, style.darkness, dash)
    for left in columns if lines != "rows" else ():
        rule(canvas, rows[0], left, height, LINE, style.darkness, dash)
    where = np.ones((round(FINE * height), round(FINE * width)), bool)
    canvas.lay_ink(np.zeros(where.shape), rows[0], columns[0], kind=TABLE, where=where)


def write_digit(
    canvas: Canvas,
    middle: tuple[float, float],
    size: float,
    subset: str,
    darkness: float,
    rng: np.random.Generator,
) -> None:
    """Write a digit by hand, of so many pixels, around a place (row, column)."""
    images = handwritten(subset)
    squares = round(FINE * size)
    enlarge = _enlargement(squares)
    grey = enlarge @ images[rng.integers(len(images))] @ enlarge.T
    # Steeper edges than an image of 8 x 8 pixels has when enlarged.
    ink = np.pad(np.clip((grey - 0.35) / 0.2, 0, 1), FINE * REACH)
    where = ndimage.binary_dilation(ink > 0.5, _disk(FINE * REACH))
    top, left = (place - ink.shape[0] / FINE / 2 for place in middle)
    canvas.lay_ink(darkness * ink, top, left, kind=DIGIT, where=where)


@cache
def handwritten(subset: str) -> NDArray:
    """Return the digits of a subset, from 0 to 1.

    scikit-learn lists the writers one after the other, so that those at the two ends
    of the set are by different hands.
    """
    images = load_digits().images / 16
    split = len(images) * 9 // 13  # Of 13 writers.
    return images[:split] if subset == "train" else images[split:]


@cache
def _enlargement(squares: int) -> NDArray:
    """Return the matrix that interpolates 8 values at so many places."""
    return ndimage.zoom(
        np.eye(8), (squares / 8, 1), order=3, mode="nearest", grid_mode=True
    )


@cache
def _disk(radius: int) -> NDArray[np.bool_]:
    offsets = np.arange(-radius, radius + 1)
    return offsets[:, None] ** 2 + offsets**2 <= radius**2


@dataclass(frozen=True)
class Stamp:
    """The design of a stamp.

    Parameters
    ----------
    power : float
        Of the outline `|x| ** power + |y| ** power = 1`: 2 is an ellipse, and more is
        ever more of a rectangle.
    aspect : float
        Its height by its width.
    rings : tuple of (float, float)
        From where to where there is ink, by the distance from the middle to the
        outline. The last ends at 1.
    motif : {"words", "bars", "star", "cross"}
        What is in the middle.
    """

    power: float
    aspect: float
    rings: tuple[tuple[float, float], ...]
    motif: str


STAMPS = {
    "train": (
        Stamp(2, 1.0, ((0.68, 0.74), (0.9, 1.0)), "bars"),
        Stamp(2, 1.0, ((0.86, 1.0),), "words"),
        Stamp(2, 0.7, ((0.86, 1.0),), "words"),
        Stamp(2, 0.8, ((0.76, 0.82), (0.92, 1.0)), "star"),
        Stamp(20, 0.6, ((0.86, 1.0),), "words"),
        Stamp(20, 0.9, ((0.74, 0.8), (0.9, 1.0)), "bars"),
        Stamp(1.3, 1.0, ((0.86, 1.0),), "star"),
    ),
    "test": (
        Stamp(2, 0.9, ((0.7, 0.76), (0.88, 1.0)), "cross"),
        Stamp(4, 0.7, ((0.87, 1.0),), "words"),
        Stamp(3, 1.0, ((0.8, 0.85), (0.92, 1.0)), "star"),
        Stamp(8, 0.75, ((0.78, 0.83), (0.91, 1.0)), "bars"),
    ),
}


_FILM = 0.22  # Of the darkness of a stamp's lines.


def press_stamp(
    canvas: Canvas,
    middle: tuple[float, float],
    width: float,
    design: Stamp,
    style: Print,
    rng: np.random.Generator,
) -> None:
    """Press a stamp, turned and worn, around a place (row, column)."""
    angle = np.deg2rad(rng.uniform(-30, 30))
    half = round(FINE * 0.62 * width) + 2
    squares = (np.arange(-half, half) + 0.5) / (FINE * width / 2)
    down, right = np.meshgrid(squares, squares, indexing="ij")
    x = np.cos(angle) * right + np.sin(angle) * down
    y = (np.cos(angle) * down - np.sin(angle) * right) / design.aspect
    radius = (np.abs(x) ** design.power + np.abs(y) ** design.power) ** (
        1 / design.power
    )
    ink = _motif(design.motif, x, y, rng)
    for start, end in design.rings:
        ink |= (radius > start) & (radius < end)
    grain = rng.standard_normal(ink.shape, np.float32)
    # Worn in places, but what is left still tells the outline; and between its lines
    # rubber leaves a film of ink.
    worn = np.clip(0.9 - 1.5 * ndimage.uniform_filter(grain, 5), 0.4, 1)
    where = radius <= 1
    shade = style.darkness * np.where(ink, worn, _FILM * where)
    top, left = (place - half / FINE for place in middle)
    canvas.lay_ink(shade, top, left, kind=STAMP, where=where)


def _motif(name: str, x: NDArray, y: NDArray, rng: np.random.Generator) -> NDArray:
    is_inside = np.maximum(np.abs(x), np.abs(y)) < 0.5
    if name == "bars":
        return is_inside & (np.abs(np.abs(y) - 0.25) < 0.07)
    if name == "cross":
        return is_inside & (np.minimum(np.abs(x), np.abs(y)) < 0.1)
    if name == "star":
        return np.hypot(x, y) < 0.35 + 0.15 * np.cos(5 * np.arctan2(x, -y))
    # Words too small to be read: blocks with gaps.
    letters = rng.random((2, 9)) < 0.75
    row = (y > 0).astype(int)
    column = np.clip((x + 0.6) / 1.2 * 9, 0, 8).astype(int)
    is_line = (np.abs(x) < 0.6) & (np.abs(np.abs(y) - 0.25) < 0.14)
    return is_line & letters[row, column]
