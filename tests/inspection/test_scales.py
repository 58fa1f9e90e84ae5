"""Where values stand on an axis, and what models are told of them."""

import pickle

import numpy as np
import pytest
from made_results import made_results
from sklearn.linear_model import Ridge

from skhpo.inspection._encoding import Encoding, Measure
from skhpo.inspection._scales import ABSENT, Scale
from skhpo.inspection._trials import read_trials


def column_of(*values, absent=()):
    data = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        data[row] = value
    return np.ma.array(data, mask=[row in absent for row in range(len(values))])


def test_a_known_scale_is_not_guessed():
    assert Scale(column_of(0.005, 0.006, 0.007), True).is_log
    assert not Scale(column_of(1, 10, 100), False).is_log
    assert not Scale(column_of(0, 10, 100), True).is_log
    assert not Scale(column_of("a", "b"), True).is_log


@pytest.mark.parametrize(
    ("numbers", "is_log"),
    [
        ([1, 2, 3], False),
        ([1e-4, 1e-3, 1e-2], True),
        ([16, 32, 64, 128, 256], True),
        ([0, 1, 1000], False),
        ([-1, 1e3, 1e6], False),
        (np.linspace(1e-4, 1, 50), False),
        (np.geomspace(1e-4, 1, 50), True),
        ([5], False),
    ],
)
def test_numbers_are_logarithmic_where_it_fits(numbers, is_log):
    scale = Scale(column_of(*numbers))
    assert scale.is_numeric
    assert scale.is_log is is_log
    values = column_of(*numbers)
    np.testing.assert_allclose(scale.positions(values), numbers)
    units = scale.unit_positions(values)
    if len(numbers) > 1:
        assert (units[0], units[-1]) == (0, 1)


def test_categories_are_in_order():
    scale = Scale(column_of((128, 64), None, (64,), 3, "b", (128,), "a", 1))
    assert not scale.is_numeric
    assert scale.places == ["1", "3", "None", "a", "b", "(64,)", "(128,)", "(128, 64)"]
    assert scale.positions(column_of(1, (128, 64))).tolist() == [0, 7]
    assert scale.unit_positions(column_of(1, (128, 64))).tolist() == [0, 1]


def test_equal_values_are_one_category():
    estimator = Ridge(alpha=2)
    copies = [pickle.loads(pickle.dumps(estimator)) for _ in range(2)]
    assert len(Scale(column_of(estimator, *copies)).places) == 1
    assert len(Scale(column_of([1, "a"], [1, "a"], (1, "a"))).places) == 2
    assert len(Scale(column_of(np.nan, float("nan"))).places) == 1
    assert Scale(column_of(True, np.True_, 1)).places == ["1", "True"]


def test_functions_of_one_name_are_two_categories():
    places = Scale(column_of(lambda x: x, lambda x: -x)).places
    assert places == ["<lambda>", "<lambda> (2)"]


def test_absence_has_a_place_of_its_own():
    numbers = Scale(column_of(0, 10, None, absent=[2]))
    assert numbers.places == [ABSENT]
    units = numbers.unit_positions(column_of(5, None, absent=[1]))
    assert units.tolist() == [0.5, -0.12]
    categories = Scale(column_of("a", None, "b", None, absent=[1]))
    assert categories.places == ["None", "a", "b", ABSENT]
    values = column_of(None, None, absent=[1])
    assert categories.positions(values).tolist() == [0, -1]
    logarithmic = Scale(column_of(1, 10, 100, None, absent=[3]))
    assert 0 < logarithmic.positions(column_of(None, absent=[0]))[0] < 1


def test_many_numbers_and_a_name_are_still_numbers():
    scale = Scale(column_of(*range(20), None))
    assert scale.is_numeric
    assert scale.places == ["None"]
    assert scale.unit_positions(column_of(19, None)).tolist() == [1, -0.12]


def test_marks():
    _, units, labels = Scale(column_of(*np.geomspace(1e-5, 1e-1, 30))).ticks()
    assert labels == ["1e-5", "1e-4", "0.001", "0.01", "0.1"]
    np.testing.assert_allclose(units, [0, 0.25, 0.5, 0.75, 1])
    _, _, labels = Scale(column_of(*range(3, 48))).ticks(with_ends=True)
    assert labels == ["3", "8", "16", "24", "32", "40", "47"]
    _, _, labels = Scale(column_of(*map(str, range(1000)))).ticks()
    assert len(labels) <= 14


def test_grid_stays_within_what_was_tried():
    grid = Scale(column_of(*np.geomspace(1e-5, 1e-1, 30))).grid(9)
    assert len(grid) == 9
    assert (min(grid), max(grid)) == pytest.approx((1e-5, 1e-1))
    assert Scale(column_of("b", "a", None, absent=[2])).grid(9).tolist() == ["a", "b"]


# For models


def test_trees_get_a_column_for_each_hyperparameter():
    columns = read_trials(made_results()).columns
    encoding = Encoding(columns, {}, one_hot=False)
    X = encoding.matrix(columns)
    assert X.shape == (40, len(columns))
    absent = np.ma.getmaskarray(columns["net__momentum"])
    place = encoding.slices["net__momentum"]
    assert ((X[:, place] < 0).ravel() == absent).all()


def test_distances_get_a_column_for_each_category():
    columns = {
        "a": column_of("x", "y", "x"),
        "b": column_of(0, 4, None, absent=[2]),
    }
    X = Encoding(columns, {}, one_hot=True).matrix(columns)
    assert X.tolist() == [[1, 0, 0, 0], [0, 1, 1, 0], [1, 0, 0.5, 1]]


def test_measures_are_probabilities():
    columns = read_trials(made_results()).columns
    for values in columns.values():
        measure = Measure.of(Scale(values), values)
        np.testing.assert_allclose(measure.line + measure.weights.sum(), 1)
        ends = measure.below(np.array([-np.inf, np.inf]))
        np.testing.assert_allclose(ends, [0, 1], atol=1e-15)
    continuous = Measure.of(
        Scale(columns["net__learning_rate"]), columns["net__learning_rate"]
    )
    np.testing.assert_allclose(continuous.below(np.array([0.25])), [0.25])


def test_measure_of_a_grid_and_of_absence():
    values = column_of("a", "a", "a", "b")
    measure = Measure.of(Scale(values), values)
    assert measure.below(np.array([0.5])).tolist() == [0.5]
    values = column_of(1, 2, None, None, absent=[2, 3])
    measure = Measure.of(Scale(values), values)
    assert measure.below(np.array([-0.05, 0.5])).tolist() == [0.5, 0.75]
