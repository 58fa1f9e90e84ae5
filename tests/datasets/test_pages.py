import re
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import ndimage
from sklearn.ensemble import RandomForestClassifier
from sklearn.utils import Bunch

from skhpo.datasets import make_pages
from skhpo.datasets._page_canvas import CLASS_NAMES, DIGIT, NUMBER, STAMP, TABLE
from skhpo.datasets._page_fonts import FONTS
from skhpo.datasets._page_layouts import LAYOUTS
from skhpo.datasets._page_objects import STAMPS, handwritten

OBJECTS = [TABLE, NUMBER, STAMP, DIGIT]
# The box around a component, or it, larger by so many pixels.
FILLS = ("box", 0, 1, 2, 3)


@pytest.fixture(scope="module")
def train():
    return make_pages(120, random_state=0)


@pytest.fixture(scope="module")
def test():
    return make_pages(60, subset="test", random_state=0)


# What comes back


def test_a_bunch_as_scikit_learn_has_them(train):
    assert isinstance(train, Bunch)
    assert set(train) == {"images", "masks", "class_names"}
    assert train.images.shape == (120, 96, 96, 1)
    assert train.images.dtype == np.float32
    assert train.images.min() >= 0
    assert train.images.max() <= 1
    assert np.isfinite(train.images).all()
    assert train.masks.shape == (120, 96, 96)
    assert train.masks.dtype == np.uint8
    assert_array_equal(np.unique(train.masks), np.arange(5))
    assert train.class_names.tolist() == list(CLASS_NAMES)


def test_a_pair_of_any_size():
    images, masks = make_pages(2, height=64, width=131, return_X_y=True)
    assert images.shape == (2, 64, 131, 1)
    assert masks.shape == (2, 64, 131)


@pytest.mark.parametrize("subset", ["train", "test"])
def test_the_same_seed_makes_the_same_pages(subset):
    few = make_pages(2, subset=subset, random_state=3)
    more = make_pages(4, subset=subset, random_state=3)
    assert_array_equal(more.images[:2], few.images)
    assert_array_equal(more.masks[:2], few.masks)
    assert (few.images[0] != few.images[1]).any()
    assert (make_pages(2, subset=subset, random_state=4).images != few.images).any()


def test_a_random_state_goes_on():
    random_state = np.random.RandomState(3)
    first, second = (make_pages(1, random_state=random_state) for _ in range(2))
    assert (first.images != second.images).any()
    again = make_pages(1, random_state=np.random.RandomState(3))
    assert_array_equal(again.images, first.images)


def test_a_seed_leaves_the_global_generator_alone():
    before = np.random.get_state()  # noqa: NPY002
    make_pages(1, random_state=0)
    after = np.random.get_state()  # noqa: NPY002
    assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]
    first, second = make_pages(1), make_pages(1)
    assert (first.images != second.images).any()


# What is on the pages


@pytest.mark.parametrize("subset", ["train", "test"])
def test_objects_are_common_and_darker_than_paper(subset, request):
    pages = request.getfixturevalue(subset)
    grey = pages.images[..., 0]
    for kind in OBJECTS:
        is_kind = pages.masks == kind
        assert is_kind.any(axis=(1, 2)).mean() >= 0.7
        assert is_kind.mean() > 0.03
        assert grey[is_kind].mean() < grey[pages.masks == 0].mean() - 0.02


def test_numbers_and_digits_reach_two_pixels_beyond_their_ink():
    pages = make_pages(20, noise=0, skew=0, blur=0, random_state=0)
    is_digit = pages.masks == DIGIT
    is_dark = pages.images[..., 0] < 0.4
    # What is next to the mask is not ink of it, but for lines and stamps across it.
    border = ndimage.binary_dilation(is_digit, np.ones((1, 3, 3))) & ~is_digit
    assert is_dark[is_digit].mean() > 5 * is_dark[border & (pages.masks == 0)].mean()


def test_options_do_what_they_say():
    plain = make_pages(3, noise=0, skew=0, blur=0, random_state=0)
    for option in ({"noise": 0.1}, {"skew": 10}, {"blur": 2}):
        other = make_pages(
            3, **{"noise": 0, "skew": 0, "blur": 0, **option}, random_state=0
        )
        assert (other.images != plain.images).any()
        assert (other.masks != plain.masks).any() == ("skew" in option)


def test_train_and_test_have_nothing_in_common():
    for parts in (FONTS, LAYOUTS, STAMPS):
        assert len(parts["train"]) > len(parts["test"]) > 2
        assert not set(parts["train"]) & set(parts["test"])
    train, test = (handwritten(subset) for subset in ("train", "test"))
    assert not set(map(bytes, train)) & set(map(bytes, test))


# What is refused


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_samples": 0}, "n_samples must be an integer from 1 up; got 0."),
        ({"n_samples": True}, "n_samples must be an integer from 1 up; got True."),
        ({"height": 63}, "height must be an integer from 64 up; got 63."),
        ({"width": 96.0}, "width must be an integer from 64 up; got 96.0."),
        ({"subset": "all"}, "subset must be one of train, test; got 'all'."),
        ({"subset": ["test"]}, "subset must be one of train, test; got ['test']."),
        (
            {"noise": 5},
            "noise must be from 0 to 0.5 of the range from black to white; got 5.",
        ),
        ({"skew": -1, "blur": np.nan}, "skew must be from 0 to 45 degrees; got -1."),
        ({"skew": -1, "blur": np.nan}, "blur must be from 0 to 5 pixels; got nan."),
    ],
)
def test_what_is_wrong_is_said(parameters, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make_pages(**parameters)


# What does without a network


def test_thresholding_with_connected_components_is_not_enough(train, test):
    scores = ComponentSegmenter().fit(train).scores(test)
    assert 0.1 < scores.mean() <= 0.6


class ComponentSegmenter:
    """The best that is known to do without a network.

    Otsu's threshold of the page less its lighting, connected components, a random
    forest that tells their kinds by place, size, shape and darkness, and for each kind
    the way to fill its components that is best on the training pages.
    """

    def fit(self, pages):
        best = -1
        for self.join, vote in product((0, 1), (votes_of_ink, votes_of_box)):
            pieces = [self.find(page) for page in pages.images[..., 0]]
            X = np.concatenate([features for features, _, _ in pieces])
            y = np.concatenate(list(map(vote, pages.masks, pieces)))
            forest = RandomForestClassifier(oob_score=True, random_state=0).fit(X, y)
            # Out of the bag: of what it has seen, a forest knows too much.
            kinds = forest.classes_[forest.oob_decision_function_.argmax(axis=1)]
            score, fills = self.best_fills(pages.masks, pieces, kinds)
            if score > best:
                best, kept = score, (self.join, forest, fills)
        self.join, self.forest, self.fills = kept
        return self

    def scores(self, pages):
        pieces = [self.find(page) for page in pages.images[..., 0]]
        kinds = self.forest.predict(np.concatenate([p[0] for p in pieces]))
        layers = {kf: layer(pieces, kinds, *kf) for kf in self.fills.items()}
        return f1_of(pages.masks, painted(layers, self.fills))

    def find(self, page):
        light = ndimage.gaussian_filter(ndimage.maximum_filter(page, 9), 8)
        dark = ndimage.gaussian_filter(light - page, 0.5)
        ink = dark > otsu(dark)
        labels, n = ndimage.label(
            ndimage.binary_dilation(ink, iterations=self.join) if self.join else ink,
            np.ones((3, 3)),
        )
        index = np.arange(1, n + 1)
        area = ndimage.sum_labels(ink, labels, index)
        boxes = ndimage.find_objects(labels)
        corners = np.array([[s.start for s in b] + [s.stop for s in b] for b in boxes])
        height, width = corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]
        features = np.column_stack(
            [
                corners,
                height,
                width,
                area,
                area / (height * width),
                height / width,
                ndimage.mean(dark, labels, index),
                ndimage.standard_deviation(dark, labels, index),
                ndimage.maximum(dark, labels, index),
            ]
        )
        return features, labels, ink

    def best_fills(self, masks, pieces, kinds):
        layers = {
            (kind, fill): layer(pieces, kinds, kind, fill)
            for kind, fill in product(OBJECTS, FILLS)
        }
        fills = dict.fromkeys(OBJECTS, 1)
        # Twice: what is best for one kind depends on what covers it.
        for kind in 2 * OBJECTS:
            scores = {
                fill: f1_of(masks, painted(layers, {**fills, kind: fill})).mean()
                for fill in FILLS
            }
            fills[kind] = max(scores, key=scores.get)
        return scores[fills[kind]], fills


def layer(pieces, kinds, kind, fill):
    """Return where on each page the components of a kind are, filled in some way."""
    ends = np.cumsum([len(features) for features, _, _ in pieces])
    return np.stack(
        [
            filled(features, labels, is_kind, fill)
            for (features, labels, _), is_kind in zip(
                pieces, np.split(kinds == kind, ends[:-1]), strict=True
            )
        ]
    )


def filled(features, labels, is_kind, fill):
    if fill == "box":
        mask = np.zeros(labels.shape, bool)
        for top, left, bottom, right in features[is_kind, :4].astype(int):
            mask[top:bottom, left:right] = True
        return mask
    own = np.append(False, is_kind)[labels]
    return ndimage.binary_dilation(own, iterations=fill) if fill else own


def painted(layers, fills):
    """Return masks in which kinds of greater numbers cover the others."""
    parts = [np.uint8(kind) * layers[kind, fill] for kind, fill in fills.items()]
    return np.max(parts, axis=0)


def votes_of_ink(mask, piece):
    """Return the kind of most dark pixels of each component."""
    _, labels, ink = piece
    n = labels.max() + 1
    pairs = labels[ink].astype(int) * 5 + mask[ink]
    return np.bincount(pairs, minlength=5 * n).reshape(n, 5)[1:].argmax(axis=1)


def votes_of_box(mask, piece):
    """Return the kind of most pixels of the box around each component."""
    boxes = piece[0][:, :4].astype(int)
    return np.array(
        [
            np.bincount(mask[top:bottom, left:right].ravel()).argmax()
            for top, left, bottom, right in boxes
        ]
    )


def otsu(values):
    counts, edges = np.histogram(values, 128)
    middles = (edges[1:] + edges[:-1]) / 2
    below = counts.cumsum()[:-1]
    above = counts.sum() - below
    sums = (counts * middles).cumsum()
    between = below * above * (sums[:-1] / below - (sums[-1] - sums[:-1]) / above) ** 2
    return edges[1:-1][between.argmax()]


def f1_of(masks, predicted):
    """Return the F1 score of each kind of object, over all pixels."""
    return np.array(
        [
            2
            * ((masks == kind) & (predicted == kind)).sum()
            / max((masks == kind).sum() + (predicted == kind).sum(), 1)
            for kind in OBJECTS
        ]
    )
