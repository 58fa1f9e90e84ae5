"""Printed letters and digits, drawn from strokes: no font file is needed."""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ._page_canvas import FINE, REACH

# Strokes of each character: points, as digits x (0 to 4) and y (0 to 6, downwards).
_STROKES = {
    "0": "10-30-41-45-36-16-05-01-10",
    "1": "11-20-26",
    "2": "01-10-30-41-42-06-46",
    "3": "01-10-30-41-42-33-23 33-44-45-36-16-05",
    "4": "36-30-04-44",
    "5": "40-00-03-33-44-45-36-06",
    "6": "40-20-02-05-16-36-45-44-33-03",
    "7": "00-40-41-16",
    "8": "13-02-01-10-30-41-42-33-44-45-36-16-05-04-13-33",
    "9": "43-13-02-01-10-30-41-44-26-06",
    ".": "16",
    "A": "06-02-20-42-46 04-44",
    "C": "41-30-10-01-05-16-36-45",
    "D": "00-06-26-44-42-20-00",
    "E": "40-00-06-46 03-33",
    "F": "40-00-06 03-33",
    "G": "41-30-10-01-05-16-36-45-43-23",
    "H": "00-06 40-46 03-43",
    "J": "40-45-36-16-05",
    "K": "00-06 40-03-46",
    "L": "00-06-46",
    "M": "06-00-23-40-46",
    "N": "06-00-46-40",
    "P": "06-00-30-41-42-33-03",
    "R": "06-00-30-41-42-33-03 23-46",
    "T": "00-40 20-26",
    "U": "00-05-16-36-45-40",
    "V": "00-26-40",
    "W": "00-16-23-36-40",
    "X": "00-46 40-06",
    "Y": "00-23-40 23-26",
}
# Other forms: a foot, a closed head, a bar.
_ALTERNATES = {"1": "11-20-26 06-46", "4": "36-30-14-04-44", "7": "00-40-41-16 13-43"}
LETTERS = "".join(filter(str.isalpha, _STROKES))


@dataclass(frozen=True)
class Font:
    """A way to draw characters from their strokes.

    Parameters
    ----------
    weight : float
        Of the strokes, by the height of a character.
    aspect : float
        The width of a character by its height.
    slant : float
        How far the top leans to the right, by the height.
    is_round : bool
        Whether corners are cut.
    has_serifs : bool
        Whether strokes end in bars at the top and at the bottom.
    is_dotted : bool
        Whether strokes are rows of dots, as of a matrix printer.
    has_alternates : bool
        Whether 1 has a foot and 7 a bar.
    """

    weight: float
    aspect: float
    slant: float = 0.0
    is_round: bool = False
    has_serifs: bool = False
    is_dotted: bool = False
    has_alternates: bool = False


FONTS = {
    "train": (
        Font(0.14, 0.60),
        Font(0.20, 0.66),
        Font(0.15, 0.55, is_round=True, has_alternates=True),
        Font(0.22, 0.62, is_round=True),
        Font(0.14, 0.62, slant=0.22, is_round=True),
        Font(0.13, 0.64, is_round=True, has_serifs=True, has_alternates=True),
        Font(0.19, 0.58, has_serifs=True),
        Font(0.17, 0.68, is_dotted=True),
        Font(0.16, 0.48, slant=0.10),
    ),
    "test": (
        Font(0.17, 0.52, has_alternates=True),
        Font(0.18, 0.64, slant=0.14, is_round=True, has_alternates=True),
        Font(0.16, 0.56, is_round=True, has_serifs=True),
        Font(0.15, 0.60, is_dotted=True, is_round=True, slant=0.08),
    ),
}


@dataclass(frozen=True)
class Glyph:
    """A drawn character, in squares of the canvas.

    Parameters
    ----------
    ink : ndarray of float32
        From 0 to 1, with a border of `BORDER` pixels around the character.
    where : ndarray of bool
        What is no farther than `REACH` pixels from the ink.
    advance : float
        From this character to the next, in pixels.
    """

    ink: NDArray[np.float32]
    where: NDArray[np.bool_]
    advance: float


BORDER = REACH + 1


@cache
def draw_glyph(font: Font, character: str, height: float) -> Glyph:
    """Draw a character.

    Parameters
    ----------
    font : Font
        The font.
    character : str
        A digit, a full stop or one of `LETTERS`.
    height : float
        Of the character, in pixels.

    Returns
    -------
    glyph : Glyph
        The character; it is kept, and must not be written to.
    """
    width = height * font.aspect * (0.5 if character == "." else 1)
    scale = np.array([height * font.aspect / 4, height / 6])
    starts, ends = (points * scale for points in _segments(font, character))
    for points in (starts, ends):
        points[:, 0] += font.slant * (height - points[:, 1])
    shape = [round(FINE * (side + 2 * BORDER)) for side in (height, width)]
    shape[1] += round(FINE * font.slant * height)
    distance = _distance(shape, starts, ends) - font.weight * height / 2
    ink = np.clip(0.5 - FINE * distance, 0, 1).astype(np.float32)
    advance = width + height * (0.18 + font.weight)
    return Glyph(ink, distance <= REACH, advance)


def _segments(font: Font, character: str) -> tuple[NDArray, NDArray]:
    """Return where the segments of the strokes start, and where they end."""
    strokes = _STROKES[character]
    if font.has_alternates:
        strokes = _ALTERNATES.get(character, strokes)
    segments = []
    for stroke in strokes.split():
        points = np.array([[int(x), int(y)] for x, y in stroke.split("-")], float)
        if font.has_serifs:
            for x, y in points[[0, -1]]:
                if y in (0, 6) and character != ".":
                    segments.append([[x - 0.8, y], [x + 0.8, y]])
        if font.is_round:
            points = _cut_corners(points)
        if len(points) == 1:
            points = np.repeat(points, 2, axis=0)
        segments += map(list, pairwise(points))
    starts, ends = np.swapaxes(np.array(segments), 0, 1)
    if font.is_dotted:
        starts = ends = np.concatenate([starts, (starts + ends) / 2, ends])
    return starts.copy(), ends.copy()


def _cut_corners(points: NDArray) -> NDArray:
    """Replace each corner by two points beside it (Chaikin)."""
    before, after = points[:-1], points[1:]
    cut = np.stack([0.75 * before + 0.25 * after, 0.25 * before + 0.75 * after], axis=1)
    return np.concatenate([points[:1], cut.reshape(-1, 2), points[-1:]])


def _distance(shape: list[int], starts: NDArray, ends: NDArray) -> NDArray:
    """Return how far each square's centre is from the nearest segment, in pixels."""
    rows, columns = ((np.arange(side) + 0.5) / FINE - BORDER for side in shape)
    squares = np.stack(np.meshgrid(columns, rows), axis=-1)[:, :, None]
    along = ends - starts
    lengths = np.maximum((along**2).sum(axis=-1), 1e-12)
    share = np.clip(((squares - starts) * along).sum(axis=-1) / lengths, 0, 1)
    nearest = starts + share[..., None] * along
    return np.sqrt(((squares - nearest) ** 2).sum(axis=-1)).min(axis=-1)
