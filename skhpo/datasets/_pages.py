"""Made-up scanned pages, for semantic segmentation."""

from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.utils import Bunch, check_random_state

from ._page_canvas import BACKGROUND, CLASS_NAMES, FINE, Canvas
from ._page_layouts import LAYOUTS, draw_page

_SMALLEST = 64  # There must be room for a table and a line.


def make_pages(
    n_samples: int = 100,
    *,
    height: int = 96,
    width: int = 96,
    subset: Literal["train", "test"] = "train",
    noise: float = 0.04,
    skew: float = 3.0,
    blur: float = 0.6,
    random_state: int | np.random.RandomState | None = None,
    return_X_y: bool = False,
) -> Bunch | tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Make scanned pages, and say what each of their pixels is (segmentation).

    =================   ==============================================
    Classes             5: background, table, ordering number,
                                 stamp, handwritten digit
    Samples total                                      as many as asked
    Features              grey, from 0 (black) to 1 (white), not scaled
    =================   ==============================================

    A page has printed words, a ruled table, numbers that count its rows and other
    lines, digits written by hand into the table and on lines, and a stamp over any of
    these. It is scanned by uneven light, a little turned, blurred and noisy.

    A mask says what a pixel is of:

    0. background: paper, printed words outside of tables, single lines;
    1. table: all within its outermost lines, words included;
    2. ordering number: what is no farther than 2 pixels from its ink;
    3. stamp: all within its outline;
    4. handwritten digit: what is no farther than 2 pixels from its ink.

    Where objects lie on each other, a pixel is of the class of the greatest number.

    Objects are of the same size on pages of every size; a larger page has more of
    them. No font file is needed: characters are drawn from strokes. The handwritten
    digits are those of :func:`sklearn.datasets.load_digits`.

    Parameters
    ----------
    n_samples : int, default=100
        How many pages.
    height, width : int, default=96
        Of a page, in pixels; 64 at least. A network that halves images d times wants
        multiples of 2**d.
    subset : {"train", "test"}, default="train"
        The two have no font, design of stamp, order of blocks on the page and
        handwritten digit in common. To hold out pages like those for training, use
        "train" with another `random_state`.
    noise : float, default=0.04
        The standard deviation of the grain, from 0 to 0.5 where 1 is the range from
        black to white. Dirt on the page is the more frequent the greater it is.
    skew : float, default=3.0
        By how many degrees a page is turned at most, to either side; from 0 to 45.
    blur : float, default=0.6
        The greatest standard deviation of the Gaussian blur, in pixels, from 0 to 5.
    random_state : int, RandomState instance or None, default=None
        Determines the pages. A page depends on this and on its place, not on how many
        are made: with the same int, the first of 1000 pages are those of 100.
    return_X_y : bool, default=False
        If True, return `(images, masks)` instead of a Bunch.

    Returns
    -------
    dataset : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        images : ndarray of float32, of shape (n_samples, height, width, 1)
            The pages, from 0 (black) to 1 (white).
        masks : ndarray of uint8, of shape (n_samples, height, width)
            The class of each pixel, 0 to 4.
        class_names : ndarray of str, of shape (5,)
            The names of the classes.

    (images, masks) : tuple if `return_X_y` is True
        `images` and `masks` as above.

    Raises
    ------
    ValueError
        If a parameter is out of its range. The message names all that are.

    See Also
    --------
    fetch_mnist : Handwritten digits one by one, for classification.
    sklearn.datasets.make_classification : Samples for classification.

    Examples
    --------
    >>> from skhpo.datasets import make_pages
    >>> pages = make_pages(3, random_state=0)
    >>> pages.images.shape, pages.masks.shape
    ((3, 96, 96, 1), (3, 96, 96))
    >>> print(*pages.class_names, sep=", ")
    background, table, ordering number, stamp, handwritten digit

    Pages with other fonts, stamps and layouts, to test a network on:

    >>> X_test, y_test = make_pages(2, subset="test", random_state=0, return_X_y=True)
    >>> X_test.dtype, y_test.dtype
    (dtype('float32'), dtype('uint8'))
    """
    problems = _problems(n_samples, height, width, subset, noise, skew, blur)
    if problems:
        raise ValueError(" ".join(problems))
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    images = np.empty((n_samples, height, width, 1), np.float32)
    masks = np.empty((n_samples, height, width), np.uint8)
    for i in range(n_samples):
        # A generator for each page: how many there are changes none of them.
        rng = np.random.default_rng([seed, list(LAYOUTS).index(subset), i])
        canvas = draw_page(height, width, subset, rng)
        images[i, :, :, 0], masks[i] = _scan(canvas, noise, skew, blur, rng)
    if return_X_y:
        return images, masks
    return Bunch(images=images, masks=masks, class_names=np.array(CLASS_NAMES))


def _problems(
    n_samples: Any,
    height: Any,
    width: Any,
    subset: Any,
    noise: Any,
    skew: Any,
    blur: Any,
) -> list[str]:
    """Return what is wrong with the parameters, in sentences."""
    problems = []
    sizes = {
        "n_samples": (n_samples, 1),
        "height": (height, _SMALLEST),
        "width": (width, _SMALLEST),
    }
    for name, (value, least) in sizes.items():
        is_whole = isinstance(value, Integral) and not isinstance(value, bool)
        if not (is_whole and value >= least):
            problems.append(
                f"{name} must be an integer from {least} up; got {value!r}."
            )
    if not (isinstance(subset, str) and subset in LAYOUTS):
        problems.append(f"subset must be one of {', '.join(LAYOUTS)}; got {subset!r}.")
    for name, value, most, unit in (
        ("noise", noise, 0.5, "of the range from black to white"),
        ("skew", skew, 45, "degrees"),
        ("blur", blur, 5, "pixels"),
    ):
        is_number = isinstance(value, Real) and not isinstance(value, bool)
        if not (is_number and 0 <= value <= most):
            problems.append(f"{name} must be from 0 to {most} {unit}; got {value!r}.")
    return problems


def _scan(
    canvas: Canvas, noise: float, skew: float, blur: float, rng: np.random.Generator
) -> tuple[NDArray, NDArray]:
    """Return the page as a scanner sees it, and the class of each pixel."""
    turn = _turn(canvas.kinds.shape, np.deg2rad(rng.uniform(-skew, skew)))
    _add_specks(canvas, noise, rng)
    # Half a pixel at least: what is finer than pixels would alias.
    spread = FINE * np.hypot(0.4, rng.uniform(0, blur))
    ink = ndimage.gaussian_filter(canvas.ink, spread, truncate=3)
    ink = ndimage.affine_transform(ink, **turn, order=1)
    kinds = ndimage.affine_transform(canvas.kinds, **turn, order=0, cval=BACKGROUND)
    grey = _light(ink.shape, rng) * (1 - ink)
    grey += noise * rng.standard_normal(ink.shape, np.float32)
    return np.clip(grey, 0, 1), kinds


def _turn(shape: tuple[int, int], angle: float) -> dict[str, Any]:
    """Return the arguments that turn a canvas around its middle, and shrink it."""
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    fine_middle = (np.array(shape) - 1) / 2
    small = tuple(side // FINE for side in shape)
    middle = (np.array(small) - 1) / 2
    return {
        "matrix": FINE * matrix,
        "offset": fine_middle - FINE * matrix @ middle,
        "output_shape": small,
    }


def _add_specks(canvas: Canvas, noise: float, rng: np.random.Generator) -> None:
    """Put dirt on the page, the more the noisier it is."""
    height, width = canvas.ink.shape
    for _ in range(rng.poisson(noise * height * width / 200)):
        speck = np.full(rng.integers(1, 4, 2), rng.uniform(0.3, 0.9))
        canvas.lay_ink(
            speck, rng.uniform(0, height / FINE), rng.uniform(0, width / FINE)
        )


def _light(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the brightness of the blank page: no lamp lights it evenly."""
    down, right = np.meshgrid(
        *(np.linspace(-1, 1, side) for side in shape), indexing="ij"
    )
    angle = rng.uniform(0, 2 * np.pi)
    along = np.cos(angle) * right + np.sin(angle) * down
    across = np.cos(angle) * down - np.sin(angle) * right
    shade = rng.uniform(0, 0.16) * along + rng.uniform(0, 0.1) * across**2
    return (rng.uniform(0.82, 0.95) - shade).astype(np.float32)
