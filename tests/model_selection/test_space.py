import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.linear_model import Ridge

from skhpo import model_selection
from skhpo.model_selection import Categorical, Integer, Real
from skhpo.model_selection._space import read, read_space, sub_spaces

UNITS = st.floats(0, 1)
BOUNDS = st.floats(allow_nan=False, allow_infinity=False)


def values(form, units=None):
    dimension = read_space({"p": form})["p"]
    units = np.linspace(0, 1, 101).tolist() if units is None else units
    return [dimension.value(dimension.cell(unit)) for unit in units]


class Foreign:
    """Has what an object of scikit-optimize has."""

    def __init__(self, **attributes):
        vars(self).update(attributes)


@given(BOUNDS, BOUNDS, UNITS)
def test_reals_lie_within_any_bounds(one, other, unit):
    low, high = sorted((one, other))
    if low == high:
        return
    (value,) = values(Real(low, high), [unit])
    assert type(value) is float
    assert low <= value <= high
    assert values(Real(low, high), [0.0, 1.0]) == [low, high]


@given(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300), UNITS)
def test_log_reals_lie_within_any_bounds(one, other, unit):
    low, high = sorted((one, other))
    if low == high:
        return
    (value,) = values(Real(low, high, "log-uniform"), [unit])
    assert type(value) is float
    assert low <= value <= high


@given(
    st.integers(1, 10**6),
    st.integers(1, 500),
    UNITS,
    st.sampled_from(["uniform", "log-uniform"]),
)
def test_every_integer_has_a_cell_with_a_middle(low, span, unit, prior):
    dimension = read_space({"p": Integer(low, low + span, prior)})["p"]
    assert list(dimension.cells) == list(range(low, low + span + 1))
    assert low <= dimension.cell(unit) <= low + span
    assert type(dimension.value(dimension.cell(unit))) is int
    assert [dimension.cell(dimension.unit(cell)) for cell in dimension.cells] == list(
        dimension.cells
    )


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), UNITS)
def test_every_category_has_a_cell_with_a_middle(weights, unit):
    choices = [object() for _ in weights]
    prior = [weight / sum(weights) for weight in weights]
    dimension = read_space({"p": Categorical(choices, prior)})["p"]
    assert dimension.value(dimension.cell(unit)) in choices
    assert [dimension.cell(dimension.unit(cell)) for cell in dimension.cells] == list(
        dimension.cells
    )


@given(
    st.sampled_from(
        [
            stats.norm(),
            stats.expon(scale=3),
            stats.cauchy(),
            stats.loguniform(1e-4, 1e-1),
            stats.reciprocal(1e-4, 1e-1),
            stats.uniform(2, 5),
            stats.beta(0.5, 0.5),
        ]
    ),
    UNITS,
)
def test_continuous_distributions_give_finite_floats(distribution, unit):
    (value,) = values(distribution, [unit])
    assert type(value) is float
    assert math.isfinite(value)
    low, high = distribution.support()
    assert low <= value <= high


@given(
    st.sampled_from(
        [stats.randint(2, 7), stats.poisson(3), stats.binom(5, 0.4), stats.geom(0.2)]
    ),
    UNITS,
)
def test_discrete_distributions_give_integers_of_their_support(distribution, unit):
    (value,) = values(distribution, [unit])
    assert type(value) is int
    assert distribution.pmf(value) > 0


def test_distributions_are_followed_by_their_quantiles():
    assert values(stats.norm(5, 2), [0.25]) == [stats.norm(5, 2).ppf(0.25)]
    assert values(stats.norm(), [0.0, 1e-5]) == [stats.norm().ppf(1e-3)] * 2
    assert set(values(stats.randint(2, 5))) == {2, 3, 4}


def test_the_log_uniform_prior_spreads_evenly_over_magnitudes():
    spread = values(Real(1e-4, 1.0, "log-uniform"), [0.0, 0.25, 0.5, 0.75, 1.0])
    np.testing.assert_allclose(spread, [1e-4, 1e-3, 1e-2, 1e-1, 1.0])
    low_half = values(Integer(1, 63, "log-uniform"), [0.1, 0.49])
    assert low_half == [1, 7]


def test_tuples_are_read_by_the_type_of_their_bounds():
    assert all(type(value) is int for value in values((1, 10)))
    assert all(type(value) is int for value in values((np.int64(1), np.int64(10))))
    assert all(type(value) is float for value in values((1, 10.0)))
    assert values((1e-4, 1.0, "log-uniform"), [0.5]) == pytest.approx([1e-2])
    assert values((1, 3, "log-uniform"), [0.0, 1.0]) == [1, 3]


def test_choices_may_be_anything_and_keep_their_identity():
    choices = [(64,), [128, 64], None, Ridge(), len, np.float64(3.0), {"a": 1}]
    found = values(choices)
    assert {id(value) for value in found} == {id(choice) for choice in choices}


def test_a_range_is_its_numbers():
    assert read_space({"p": range(2, 8, 3)})["p"].choices == [2, 5]


def test_choices_have_the_shares_of_their_prior():
    found = values(Categorical(["a", "b"], prior=[0.2, 0.8]), [0.1, 0.19, 0.21, 1.0])
    assert found == ["a", "a", "b", "b"]
    # Equal choices are one, with what all of them have.
    twice = Categorical([1, 1, 2], prior=[0.3, 0.3, 0.4])
    assert read_space({"p": twice})["p"].cells == range(2)
    assert values(twice, [0.5, 0.59, 0.61]) == [1, 1, 2]


@pytest.mark.parametrize(
    ("name", "attributes", "ours"),
    [
        ("Real", {"low": 0.1, "high": 1, "prior": "uniform"}, Real(0.1, 1)),
        (
            "Integer",
            {"low": 1, "high": 99, "prior": "log-uniform"},
            Integer(1, 99, "log-uniform"),
        ),
        (
            "Categorical",
            {"categories": ("a", "b"), "prior": None},
            Categorical(["a", "b"]),
        ),
    ],
)
def test_objects_of_scikit_optimize_are_understood(name, attributes, ours):
    foreign = type(name, (Foreign,), {})(**attributes)
    assert values(foreign) == values(ours)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Real", (0.1, 1.0)),
        ("Real", (1e-3, 1.0, "log-uniform", 2, "normalize", "rate")),
        ("Integer", (1, 99, "log-uniform")),
        ("Integer", (1, 99, "uniform", 10, "identity", "units", int)),
        ("Categorical", (["a", "b", None], None, "onehot", "kind")),
        ("Categorical", (["a", "b"], [0.25, 0.75])),
    ],
)
def test_ours_take_what_those_of_scikit_optimize_take(name, arguments):
    ours = getattr(model_selection, name)(*arguments)
    theirs = getattr(pytest.importorskip("skopt.space"), name)(*arguments)
    assert values(ours) == values(theirs)
    assert ours.name == theirs.name


def test_the_newer_distributions_of_scipy_are_understood():
    normal = read_space({"p": stats.Normal(mu=3.0, sigma=2.0)})["p"]
    assert normal.value(normal.cell(0.5)) == 3.0
    old = read_space({"p": stats.norm(3.0, 2.0)})["p"]
    units = np.linspace(0, 1, 9)
    np.testing.assert_allclose(
        [normal.value(normal.cell(unit)) for unit in units],
        [old.value(old.cell(unit)) for unit in units],
    )
    binomial = read_space({"p": stats.Binomial(n=3, p=0.5)})["p"]
    assert binomial.choices == [0, 1, 2, 3]
    np.testing.assert_allclose(binomial.shares, [0.125, 0.375, 0.375, 0.125])


def test_equal_choices_are_one_even_if_they_cannot_be_hashed():
    dimension = read_space({"p": [[1, 2], {"a": 1}, [1, 2], (1, 2), {"a": 1}]})["p"]
    assert dimension.choices == [[1, 2], {"a": 1}, (1, 2)]


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (lambda hp: {"C": hp.Choice("kind", [])}, "search space of 'kind': .*values"),
        (lambda hp: {"C": hp.Float("rate", 2, 1)}, "search space of 'rate': "),
        (lambda hp: {"C": hp.Int("n", 0, 9, sampling="log")}, "search space of 'n': "),
    ],
)
def test_errors_within_functions_name_the_dimension(space, message):
    with pytest.raises(ValueError, match=message):
        read(space)


def test_names_are_read_in_alphabetical_order():
    assert list(read_space({"b": [1], "a": [2]})) == ["a", "b"]


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ([], "search space of 'C': there must be at least one choice"),
        ((1.0, 1.0), r"low < high must hold, got low=1.0, high=1.0.*\[1.0\]"),
        (Integer(5, 2), "low < high must hold, got low=5, high=2"),
        (Integer(1.5, 2), "must be whole numbers, got low=1.5, high=2"),
        (Real(0, 1, "log-uniform"), "needs low > 0, got low=0"),
        (Real(0, math.inf), "bounds must be finite numbers, got low=0, high=inf"),
        (Real(math.nan, 1), "bounds must be finite numbers, got low=nan"),
        (Real("a", "b"), "bounds must be finite numbers, got low='a'"),
        (Real(1, 2, "normal"), r"prior must be one of \('uniform', .*got 'normal'"),
        (("relu", "tanh"), r"To choose among values, pass a list: \['relu', 'tanh'\]"),
        ((True, False), "with two numbers, got"),
        ((1, 2, "uniform", 10), "a tuple must be"),
        (Categorical([1, 2], prior=[0.5]), "for each of its 2 categories"),
        (Categorical([1, 2], prior=[1.0, 0.0]), "one positive probability"),
        (Categorical([1, 2], prior=[0.4, 0.4]), "add up to 1"),
        (stats.loguniform, "must be frozen"),
        (stats.norm(scale=-1), "finite median, got nan"),
        (3.0, "expected Real, Integer, Categorical.*got 3.0"),
        ("relu", "expected Real, Integer, Categorical.*got 'relu'"),
        ({1, 2}, r"got \{1, 2\}\. Make it a list"),
    ],
)
def test_errors_say_the_rule_and_the_value(form, message):
    with pytest.raises(ValueError, match=message):
        read_space({"C": form})


def test_all_problems_of_a_space_are_told_at_once():
    with pytest.raises(
        ValueError, match=r"of 'a': there must(.|\n)*of 'b': low < high"
    ):
        read_space({"b": (2, 1), "a": [], "c": [1]})


def test_search_spaces_take_three_forms():
    one, two = {"a": [1]}, {"b": [2]}
    assert sub_spaces(one, 7) == [(one, 7)]
    assert sub_spaces([one, two], 7) == [(one, 7), (two, 7)]
    assert sub_spaces([(one, 3), two], 7) == [(one, 3), (two, 7)]


@pytest.mark.parametrize(
    ("search_spaces", "message"),
    [
        ([], "must be a dict from parameter names"),
        ("abc", "must be a dict from parameter names.*got 'abc'"),
        ({}, r"at least one parameter, .* got \{\}"),
        ([{"a": [1]}, {}], r"at least one parameter, .* got \{\}"),
        ([3], "at least one parameter, .* got 3"),
        ([({"a": [1]}, 0)], "n_iter must be an integer of at least 1, got 0"),
        ([({"a": [1]}, 2.5)], "got 2.5 for the space over a"),
    ],
)
def test_other_forms_of_search_spaces_are_errors(search_spaces, message):
    with pytest.raises(ValueError, match=message):
        sub_spaces(search_spaces, 7)


def test_importing_a_dimension_does_not_import_keras_tuner():
    program = (
        "import sys; from skhpo.model_selection import BayesSearchCV, Real; "
        "print(sorted({'keras', 'keras_tuner', 'tensorflow'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ([1, 1, 2], [1, 2]),
        ([16, 16], [16]),
        ([1, 1.0, True], [1, 1.0, True]),
        ([[1], [2]], [[1], [2]]),
        (np.array([0.5, 0.25, 0.5]), [0.25, 0.5]),
    ],
)
def test_choices_are_taken_once_each(choices, expected):
    (dimension,) = read_space({"a": choices}).values()
    assert [dimension.value(cell) for cell in dimension.cells] == expected
