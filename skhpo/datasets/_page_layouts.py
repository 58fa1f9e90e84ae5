"""Where things stand on a page: blocks below each other, and a stamp over them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, cycle, pairwise

import numpy as np

from ._page_canvas import Canvas
from ._page_fonts import FONTS
from ._page_objects import (
    STAMPS,
    Print,
    draw_grid,
    press_stamp,
    print_number,
    print_words,
    rule,
    write_digit,
)

LAYOUTS = {
    "train": (
        ("words", "table", "list"),
        ("list", "table", "words"),
        ("table", "field", "list"),
        ("words", "field", "table"),
        ("list", "field", "table"),
        ("field", "list", "table"),
        ("table", "words", "field"),
    ),
    "test": (
        ("words", "list", "table"),
        ("table", "list", "field"),
        ("field", "table", "words"),
        ("list", "table", "field"),
    ),
}
_MARGIN = 4
_GAP = 4  # Between blocks.


@dataclass(frozen=True)
class _Sheet:
    """What the blocks of one page share."""

    canvas: Canvas
    subset: str
    style: Print
    pen: float  # The darkness of what is written by hand.
    numbers: Iterator[str]
    left: float
    right: float
    bottom: float
    rng: np.random.Generator


def draw_page(height: int, width: int, subset: str, rng: np.random.Generator) -> Canvas:
    """Draw a page with its objects, before it is scanned.

    Parameters
    ----------
    height, width : int
        Of the page, in pixels.
    subset : {"train", "test"}
        Whose fonts, stamps, layouts and handwritten digits.
    rng : Generator
        What chance decides.

    Returns
    -------
    canvas : Canvas
        The page.
    """
    canvas = Canvas.blank(height, width)
    fonts, layouts = FONTS[subset], LAYOUTS[subset]
    style = Print(
        font=fonts[rng.integers(len(fonts))],
        height=rng.choice([7.0, 7.5, 8.0]),
        darkness=rng.uniform(0.7, 0.9),
    )
    sheet = _Sheet(
        canvas=canvas,
        subset=subset,
        style=style,
        pen=rng.uniform(0.7, 0.95),
        numbers=_numbers(rng),
        left=rng.uniform(_MARGIN, 2 * _MARGIN),
        right=width - rng.uniform(_MARGIN, 2 * _MARGIN),
        bottom=height - _MARGIN,
        rng=rng,
    )
    top = rng.uniform(_MARGIN, 2 * _MARGIN)
    for block in cycle(layouts[rng.integers(len(layouts))]):
        drawn_to = _BLOCKS[block](sheet, top)
        if drawn_to == top:  # There was no room.
            break
        top = drawn_to + _GAP + rng.uniform(0, 2)
    _press_stamps(sheet, height, width)
    return canvas


def _numbers(rng: np.random.Generator) -> Iterator[str]:
    """Yield ordering numbers: 7., 8., 9. or 3.1, 3.2, 3.3."""
    chapter, first = rng.integers(1, 10), rng.integers(1, 20)
    if rng.random() < 0.5:
        return (f"{number}." for number in count(first))
    return (f"{chapter}.{number}" for number in count(first % 7 + 1))


def _draw_words(sheet: _Sheet, top: float) -> float:
    height = sheet.style.height
    for _ in range(sheet.rng.integers(1, 3)):
        if top + height > sheet.bottom:
            break
        end = sheet.rng.uniform(0.6, 1) * (sheet.right - sheet.left) + sheet.left
        print_words(sheet.canvas, top, sheet.left, end, sheet.style, sheet.rng)
        top += height + 3
    return top


def _draw_list(sheet: _Sheet, top: float) -> float:
    """Print numbered lines, the lines below each other."""
    height = sheet.style.height
    indent = sheet.left + sheet.rng.uniform(0, 0.3) * (sheet.right - sheet.left)
    for _ in range(sheet.rng.integers(1, 4)):
        if top + height > sheet.bottom:
            break
        number = next(sheet.numbers)
        left = print_number(sheet.canvas, number, top, indent, sheet.style) + 5
        print_words(sheet.canvas, top, left, sheet.right, sheet.style, sheet.rng)
        top += height + 3.5
    return top


def _draw_field(sheet: _Sheet, top: float) -> float:
    """Print a word and a line, and write digits on the line."""
    size = sheet.rng.uniform(12, 15)
    height, rng = sheet.style.height, sheet.rng
    if top + size > sheet.bottom:
        return top
    left = sheet.left + rng.uniform(0.2, 0.45) * (sheet.right - sheet.left)
    base = top + size - height
    print_words(sheet.canvas, base, sheet.left, left, sheet.style, rng)
    line = top + size
    rule(sheet.canvas, line, left, 1, sheet.right - left, sheet.style.darkness)
    step = rng.uniform(0.65, 0.9) * size
    n_digits = rng.integers(2, max(3, int((sheet.right - left) / step)))
    for place in left + size / 2 + step * np.arange(n_digits):
        row = line - size / 2 + rng.uniform(0, 2)
        write_digit(sheet.canvas, (row, place), size, sheet.subset, sheet.pen, rng)
    return line + 1


def _draw_table(sheet: _Sheet, top: float) -> float:
    """Print a table with a number before each row, and fill some of its cells."""
    rng, style = sheet.rng, sheet.style
    row_height = rng.uniform(12, 15)
    n_rows = min(rng.integers(2, 5), int((sheet.bottom - top) / row_height))
    if n_rows < 2:
        return top
    rows = top + row_height * np.arange(n_rows + 1)
    left, ends = sheet.left + rng.uniform(0, 10), [sheet.left]
    for row in rows[:-1]:
        below = row + (row_height - style.height) / 2
        number = next(sheet.numbers)
        ends.append(print_number(sheet.canvas, number, below, left, style))
    start = max(ends) + 3
    n_columns = rng.integers(2, 5)
    widths = rng.uniform(0.7, 1.6, n_columns)
    breadth = rng.uniform(0.75, 1) * (sheet.right - start)
    columns = start + breadth * np.append(0, widths.cumsum()) / widths.sum()
    lines = rng.choice(["all", "all", "dashed", "rows", "frame"])
    draw_grid(sheet.canvas, rows, columns, lines, style)
    for row in rows[:-1]:
        for left, right in pairwise(columns):
            _fill_cell(sheet, row, left, row_height, right - left)
    return rows[-1]


def _fill_cell(
    sheet: _Sheet, top: float, left: float, height: float, width: float
) -> None:
    rng, style = sheet.rng, sheet.style
    content = rng.choice(["digits", "words", "nothing"], p=[0.45, 0.3, 0.25])
    if content == "words":
        below = top + (height - style.height) / 2
        print_words(sheet.canvas, below, left + 3, left + width - 1, style, rng)
    if content == "digits":
        # Hands do not keep to the lines.
        size = rng.uniform(0.85, 1.15) * height
        n_digits = max(1, int(width / (0.8 * size)))
        for i in range(rng.integers(1, n_digits + 1)):
            row = top + height / 2 + rng.uniform(-2, 2)
            place = left + (0.45 + 0.75 * i) * size + rng.uniform(0, 2)
            write_digit(sheet.canvas, (row, place), size, sheet.subset, sheet.pen, rng)


def _press_stamps(sheet: _Sheet, height: int, width: int) -> None:
    rng, designs = sheet.rng, STAMPS[sheet.subset]
    # One for each page of the default size, in four of five places.
    for _ in range(rng.binomial(max(1, round(height * width / 96**2)), 0.8)):
        middle = (rng.uniform(0.2, 0.8) * height, rng.uniform(0.2, 0.8) * width)
        style = Print(sheet.style.font, sheet.style.height, rng.uniform(0.55, 0.75))
        design = designs[rng.integers(len(designs))]
        press_stamp(sheet.canvas, middle, rng.uniform(28, 40), design, style, rng)


_BLOCKS: dict[str, Callable[[_Sheet, float], float]] = {
    "words": _draw_words,
    "list": _draw_list,
    "field": _draw_field,
    "table": _draw_table,
}
