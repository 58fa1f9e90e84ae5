"""Which hyperparameters matter, where it is known."""

import numpy as np
import pytest
from made_results import made_results, results_of
from sklearn.ensemble import RandomForestRegressor

from skhpo.inspection import HyperparameterImportanceDisplay
from skhpo.inspection._encoding import Measure
from skhpo.inspection._fanova import main_effects

METHODS = ["fanova", "permutation"]
UNIFORM = Measure(1.0, np.array([]), np.array([]))


def importances_of(results, **settings):
    display = HyperparameterImportanceDisplay.from_search(results, **settings)
    return {name: sample.mean() for name, sample in display.importances.items()}


def full_forest(X, y, **settings):
    return RandomForestRegressor(20, random_state=0, **settings).fit(X, y)


# fANOVA, against what is known of functions


def test_shares_of_a_sum_of_two():
    X = np.random.RandomState(0).uniform(size=(4000, 3))
    y = 2 * X[:, 0] + X[:, 1]
    # Variances are 4/12 and 1/12.
    shares = main_effects(full_forest(X, y), [UNIFORM] * 3).mean(axis=0)
    np.testing.assert_allclose(shares, [0.8, 0.2, 0], atol=0.02)


def test_shares_of_a_product():
    X = np.random.RandomState(0).uniform(size=(4000, 2))
    # Of variance 7/144; either factor by itself has 1/48, that is 3/7.
    shares = main_effects(full_forest(X, X[:, 0] * X[:, 1]), [UNIFORM] * 2)
    np.testing.assert_allclose(shares.mean(axis=0), [3 / 7, 3 / 7], atol=0.02)


def test_nothing_by_itself_of_exclusive_or():
    X = np.array([[a, b] for a in (0.0, 1.0) for b in (0.0, 1.0)] * 10)
    y = (X[:, 0] != X[:, 1]).astype(float)
    half = Measure(0.0, np.array([0.0, 1.0]), np.array([0.5, 0.5]))
    forest = full_forest(X, y, bootstrap=False)
    np.testing.assert_allclose(main_effects(forest, [half, half]), 0, atol=1e-12)


def test_shares_are_those_of_all_combinations():
    """Against the definition, on a grid small enough to try every combination."""
    grid = (
        np.array([[a, b, c] for a in range(3) for b in range(4) for c in range(2)]) / 3
    )
    y = np.random.RandomState(0).normal(size=len(grid))
    weights = [np.array([0.5, 0.3, 0.2]), np.full(4, 0.25), np.array([0.9, 0.1])]
    measures = [Measure(0.0, np.arange(len(w)) / 3, w) for w in weights]
    forest = full_forest(grid, y)
    found = main_effects(forest, measures)
    joint = np.einsum("i,j,k->ijk", *weights)
    for tree, shares in zip(forest.estimators_, found, strict=True):
        table = tree.predict(grid.astype(np.float32)).reshape(3, 4, 2)
        mean = (table * joint).sum()
        total = ((table - mean) ** 2 * joint).sum()
        for column, weight in enumerate(weights):
            others = tuple(axis for axis in range(3) if axis != column)
            marginal = (table * joint).sum(axis=others) / weight
            expected = ((marginal - mean) ** 2 * weight).sum() / total
            assert shares[column] == pytest.approx(expected, abs=1e-9)


def test_shares_add_up_to_at_most_one():
    display = HyperparameterImportanceDisplay.from_search(made_results(300))
    shares = np.array(list(display.importances.values()))
    assert (shares >= 0).all()
    assert (shares.sum(axis=0) <= 1 + 1e-9).all()
    np.testing.assert_allclose(shares.sum(axis=0) + display.together, 1)


def test_nothing_is_important_where_all_scores_are_equal():
    results = results_of([{"a": k, "b": -k} for k in range(9)], np.full(9, 0.1))
    display = HyperparameterImportanceDisplay.from_search(results)
    assert not np.array([*display.importances.values(), display.together]).any()


# Both methods


@pytest.mark.parametrize("method", METHODS)
def test_what_alone_matters_is_first(method):
    random = np.random.RandomState(0)
    rows = [
        {"noise": random.uniform(), "rate": 10 ** random.uniform(-4, 0), "kind": kind}
        for kind in ["a", "b", None] * 40
    ]
    results = results_of(rows, [-((np.log10(row["rate"]) + 2) ** 2) for row in rows])
    found = importances_of(results, method=method)
    assert max(found, key=found.get) == "rate"
    assert found["rate"] > 10 * max(found["noise"], found["kind"])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kinds", [["a", "b", "c"], [(1,), (2, 1), None]])
def test_a_category_may_be_what_matters(method, kinds):
    rows = [{"kind": kinds[k % 3], "other": k} for k in range(60)]
    results = results_of(rows, [row["kind"] == kinds[1] for row in rows])
    found = importances_of(results, method=method)
    assert max(found, key=found.get) == "kind"


def test_to_be_absent_may_be_what_matters():
    random = np.random.RandomState(0)
    rows = [
        {"other": random.uniform()} | ({"momentum": random.uniform()} if k % 2 else {})
        for k in range(100)
    ]
    results = results_of(rows, ["momentum" in row for row in rows])
    assert importances_of(results)["momentum"] == pytest.approx(1)


def test_one_diverged_trial_does_not_decide():
    results = made_results(100)
    results["mean_test_score"] = results["mean_test_score"].copy()
    results["mean_test_score"][7] = -1e9
    assert importances_of(results)["learning_rate"] > 0.5
    assert importances_of(results, floor=None)["learning_rate"] < 0.5


def test_the_same_seed_gives_the_same():
    results = made_results()
    for method in METHODS:
        first, second = (
            importances_of(results, method=method, random_state=3) for _ in range(2)
        )
        assert first == second


# The picture


def test_bars_are_means_from_the_most_important_on():
    display = HyperparameterImportanceDisplay(
        {"a": np.array([0.1, 0.3]), "b": np.array([0.5, 0.7])},
        together=np.array([0.4, 0.0]),
    ).plot()
    assert display.ranking_ == ["b", "a"]
    widths = [bar.get_width() for bar in display.bars_]
    np.testing.assert_allclose(widths, [0.6, 0.2, 0.2])
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert labels == ["b", "a", "several together"]
    # The first is the uppermost.
    assert display.ax_.yaxis_inverted()


def test_the_least_important_are_left_out():
    samples = {f"p{k}": np.array([k / 100]) for k in range(50)}
    display = HyperparameterImportanceDisplay(samples).plot(max_bars=3)
    assert len(display.bars_) == 3
    assert display.ranking_[:3] == ["p49", "p48", "p47"]


def test_the_axis_says_which_method():
    labels = [
        HyperparameterImportanceDisplay.from_search(
            made_results(), method=method
        ).ax_.get_xlabel()
        for method in METHODS
    ]
    assert "fANOVA" in labels[0]
    assert "permuted" in labels[1]


def test_unknown_method():
    with pytest.raises(
        ValueError, match=r"one of \['fanova', 'permutation'\], got 'sh"
    ):
        HyperparameterImportanceDisplay.from_search(made_results(), method="shap")


def test_no_hyperparameters():
    with pytest.raises(ValueError, match=r"must have hyperparameters, got none"):
        HyperparameterImportanceDisplay.from_search(results_of([{}] * 6, range(6)))
