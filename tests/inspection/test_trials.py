"""What is read of a search, whatever made it."""

import io

import keras_tuner
import numpy as np
import pandas as pd
import pytest
from made_results import made_results, made_rungs, results_of
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skhpo.inspection._labels import distinct, short_names, short_value
from skhpo.inspection._trials import floor_of, read_trials
from skhpo.model_selection import (
    BayesSearchCV,
    HyperbandSearchCV,
    Integer,
    KerasTunerSearchCV,
)

X, Y = load_iris(return_X_y=True)

# What a search tells


def test_grid_search_of_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), Ridge())
    grid = {"ridge__alpha": [1.0, 10.0], "ridge": [Ridge(), Ridge(tol=0.1)]}
    search = GridSearchCV(pipeline, grid, scoring="neg_mean_squared_error").fit(X, Y)
    trials = read_trials(search)
    np.testing.assert_array_equal(trials.scores, search.cv_results_["mean_test_score"])
    assert trials.score_name == "negative mean squared error"
    assert trials.labels == {"ridge__alpha": "alpha", "ridge": "ridge"}
    assert trials.columns["ridge__alpha"].tolist() == [1.0, 10.0, 1.0, 10.0]
    times = search.cv_results_["mean_fit_time"] + search.cv_results_["mean_score_time"]
    np.testing.assert_allclose(trials.seconds, 5 * times)
    assert trials.resources is None


def test_random_search_with_several_metrics():
    search = RandomizedSearchCV(
        DecisionTreeClassifier(random_state=0),
        [{"max_depth": [1, 2]}, {"min_samples_leaf": [3, 40]}],
        n_iter=4,
        scoring=["accuracy", "f1_macro"],
        refit="f1_macro",
        random_state=0,
    ).fit(X, Y)
    trials = read_trials(search)
    assert trials.score_name == "f1 macro"
    accuracy = read_trials(search, metric="accuracy").scores
    np.testing.assert_array_equal(accuracy, search.cv_results_["mean_test_accuracy"])
    absent = [np.ma.getmaskarray(values).tolist() for values in trials.columns.values()]
    assert absent[0] == [not value for value in absent[1]]


def test_halving_adds_its_samples():
    search = HalvingGridSearchCV(
        DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3]}, factor=3
    ).fit(X, Y)
    trials = read_trials(search)
    assert trials.resource == "n_samples"
    assert list(trials.columns) == ["max_depth", "n_samples"]
    np.testing.assert_array_equal(trials.resources, search.cv_results_["n_resources"])
    assert not trials.brackets.any()


def test_hyperband_knows_its_resource():
    search = HyperbandSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"min_samples_leaf": Integer(1, 20)},
        resource="max_depth",
        max_resource=4,
        factor=2,
        random_state=0,
    ).fit(X, Y)
    for source in (search, search.cv_results_):
        trials = read_trials(source)
        assert trials.resource == "max_depth"
        assert list(trials.columns) == ["min_samples_leaf", "max_depth"]
        np.testing.assert_array_equal(trials.brackets, search.cv_results_["bracket"])


def leaves_of_a_tree(hp):
    """Return what a tree gets; how many leaves, hides behind a product."""
    leaves = hp.Int("levels", 1, 3) * 2
    if hp.Boolean("limited"):
        leaves += hp.Int("more", 1, 4)
    return {"max_leaf_nodes": leaves, "splitter": "best"}


def test_of_a_function_what_it_asked_for():
    """Not what it returned: layers of their number, a schedule of a learning rate."""
    tree = DecisionTreeClassifier(random_state=0)
    search = BayesSearchCV(tree, leaves_of_a_tree, n_iter=6, random_state=0).fit(X, Y)
    columns = read_trials(search).columns
    assert list(columns) == ["levels", "limited", "more"]
    absent = np.ma.getmaskarray(columns["more"])
    np.testing.assert_array_equal(~absent, columns["limited"].astype(bool))
    leaves = 2 * columns["levels"] + columns["more"].filled(0)
    assert leaves.tolist() == list(search.cv_results_["param_max_leaf_nodes"])
    # Results alone do not know of it.
    alone = read_trials(search.cv_results_).columns
    assert list(alone) == ["max_leaf_nodes", "splitter"]


def test_scales_are_those_that_were_searched():
    """Of few values, or where a search liked it, they could not be guessed."""

    def space(hp):
        return {"alpha": hp.Float("a", 1e-3, 10, sampling="log")}

    written = {"alpha": (1e-3, 10.0, "log-uniform"), "max_iter": (1, 1000)}
    lists = {"alpha": [0.1, 1.0, 10.0]}
    for spaces, expected in (
        (space, {"a": True}),
        (written, {"alpha": True, "max_iter": False}),
        (lists, {}),
        ([written, {"alpha": (0.1, 1.0)}], {"max_iter": False}),
    ):
        search = BayesSearchCV(Ridge(solver="lsqr"), spaces, n_iter=2, random_state=0)
        trials = read_trials(search.fit(X, Y))
        assert trials.is_log == expected
        assert trials.log_scaled(list(trials.columns)) == expected
    assert read_trials(search.cv_results_).is_log == {}


def test_rungs_of_a_function():
    search = HyperbandSearchCV(
        DecisionTreeClassifier(random_state=0),
        leaves_of_a_tree,
        resource="max_depth",
        max_resource=4,
        factor=2,
        random_state=0,
    ).fit(X, Y)
    trials = read_trials(search)
    assert list(trials.columns) == ["levels", "limited", "more", "max_depth"]
    leaves = 2 * trials.columns["levels"] + trials.columns["more"].filled(0)
    assert leaves.tolist() == list(search.cv_results_["param_max_leaf_nodes"])
    np.testing.assert_array_equal(trials.resources, search.cv_results_["n_resources"])


def test_one_name_is_one_column():
    """Also where its bounds depend on another, which makes several dimensions of it."""

    def space(hp):
        leaves = hp.Int("leaves", 2, 4)
        return {
            "max_leaf_nodes": leaves,
            "min_samples_leaf": hp.Int("samples", 1, leaves),
        }

    tree = DecisionTreeClassifier(random_state=0)
    search = BayesSearchCV(tree, space, n_iter=9, n_points=2, random_state=0).fit(X, Y)
    (result,) = search.optimizer_results_
    assert "samples (2)" in result.space.dimension_names
    columns = read_trials(search).columns
    assert list(columns) == ["leaves", "samples"]
    for column, param in (
        ("leaves", "max_leaf_nodes"),
        ("samples", "min_samples_leaf"),
    ):
        assert not np.ma.getmaskarray(columns[column]).any()
        found = search.cv_results_[f"param_{param}"]
        np.testing.assert_array_equal(columns[column], found)


def test_hyperparameters_of_keras_tuner():
    hp = keras_tuner.HyperParameters()
    hp.Choice("splitter", ["best", "random"])
    hp.Int("max_depth", 1, 3, parent_name="splitter", parent_values=["best"])
    tree = DecisionTreeClassifier(random_state=0)
    search = KerasTunerSearchCV(tree, hp, oracle="random", n_iter=4, random_state=0)
    columns = read_trials(search.fit(X, Y)).columns
    assert list(columns) == ["splitter", "max_depth"]
    absent = np.ma.getmaskarray(columns["max_depth"])
    np.testing.assert_array_equal(absent, columns["splitter"] == "random")


def test_several_functions():
    def other(hp):
        return {"max_depth": hp.Int("levels", 1, 2)}

    tree = DecisionTreeClassifier(random_state=0)
    spaces = [(leaves_of_a_tree, 2), (other, 2)]
    search = BayesSearchCV(tree, spaces, random_state=0).fit(X, Y)
    levels = read_trials(search).columns["levels"]
    depths = search.cv_results_["param_max_depth"]
    assert levels[2:].tolist() == depths[2:].tolist()


def test_a_resource_that_a_function_sets():
    """Then it is among parameters that it is to be looked for."""

    def space(hp):
        leaves = 2 ** hp.Int("power", 1, 3)
        return {"max_leaf_nodes": leaves, "splitter": hp.Choice("split", ["best"])}

    tree = DecisionTreeClassifier(random_state=0)
    search = BayesSearchCV(tree, space, n_iter=3, random_state=0).fit(X, Y)
    trials = read_trials(search, resource="max_leaf_nodes")
    assert sorted(trials.resources) == [2, 4, 8]
    assert list(trials.columns) == ["max_leaf_nodes", "splitter"]


def test_two_of_a_name_in_one_trial_are_told_apart():
    def space(hp):
        leaves = hp.Int("number", 2, 4)
        return {"max_leaf_nodes": leaves, "max_depth": hp.Int("number", 5, 9)}

    tree = DecisionTreeClassifier(random_state=0)
    search = BayesSearchCV(tree, space, n_iter=4, random_state=0).fit(X, Y)
    columns = read_trials(search).columns
    assert list(columns) == ["number", "number (2)"]
    for column, param in (("number", "max_leaf_nodes"), ("number (2)", "max_depth")):
        found = search.cv_results_[f"param_{param}"]
        np.testing.assert_array_equal(columns[column], found)


def test_two_of_a_name_are_told_apart_in_whatever_order_they_come():
    def space(hp):
        bounds = {"max_leaf_nodes": (2, 4), "max_depth": (5, 9)}
        if hp.Boolean("turned"):
            bounds = dict(reversed(bounds.items()))
        return {param: hp.Int("number", *ends) for param, ends in bounds.items()}

    tree = DecisionTreeClassifier(random_state=0)
    search = BayesSearchCV(tree, space, n_iter=8, random_state=0).fit(X, Y)
    columns = read_trials(search).columns
    assert set(columns["turned"]) == {False, True}
    found = {tuple(columns[column]) for column in ("number", "number (2)")}
    params = search.cv_results_["params"]
    assert found == {
        tuple(p[name] for p in params) for name in ("max_leaf_nodes", "max_depth")
    }


def test_a_function_beside_a_dict():
    """In a dict None is a value."""
    tree = DecisionTreeClassifier(random_state=0)
    spaces = [({"max_depth": [None, 1]}, 2), (leaves_of_a_tree, 2)]
    search = BayesSearchCV(tree, spaces, random_state=0).fit(X, Y)
    depths = read_trials(search).columns["max_depth"]
    assert sorted(map(str, depths.data[:2])) == ["1", "None"]
    assert np.ma.getmaskarray(depths).tolist() == [False, False, True, True]


def test_resources_of_searches_without_rungs():
    results = results_of([{"net__epochs": 3}, {"net__epochs": 5}], [1, 2])
    for name in ("net__epochs", "epochs"):
        trials = read_trials(results, resource=name)
        assert trials.resources.tolist() == [3, 5]
    search = GridSearchCV(DecisionTreeClassifier(max_depth=7), {"splitter": ["best"]})
    trials = read_trials(search.fit(X, Y), resource="max_depth")
    assert trials.resources.tolist() == [7]
    with pytest.raises(ValueError, match=r"number in all trials, got 'max_leaf_nodes'"):
        read_trials(search, resource="max_leaf_nodes")


def test_tables_are_read_too():
    results = made_results(failed=[3])
    frame = pd.DataFrame(results)
    saved = pd.read_csv(io.StringIO(frame.to_csv()))
    expected = read_trials(results)
    for table in (frame, saved):
        trials = read_trials(table)
        np.testing.assert_array_equal(trials.scores, expected.scores)
        assert list(trials.columns) == list(expected.columns)
        np.testing.assert_array_equal(
            np.ma.getmaskarray(trials.columns["net__momentum"]),
            np.ma.getmaskarray(expected.columns["net__momentum"]),
        )
    depths = "net__depth"
    assert trials.columns[depths].tolist() == expected.columns[depths].tolist()


def test_parameters_are_picked_by_either_name():
    trials = read_trials(made_results())
    assert trials.pick(["depth", "net__momentum"]) == ["net__depth", "net__momentum"]
    assert trials.pick("depth") == ["net__depth"]
    assert trials.pick(None) == list(trials.columns)
    constant = read_trials(results_of([{"a": 1, "b": 2}, {"a": 1, "b": 3}], [1, 2]))
    assert constant.pick(None) == ["b"]


def test_nothing_of_the_results_is_changed():
    results = made_rungs()
    before = {key: np.array(value, dtype=object) for key, value in results.items()}
    read_trials(results)
    for key, value in before.items():
        np.testing.assert_array_equal(np.array(results[key], dtype=object), value)


# Errors


def test_not_fitted():
    with pytest.raises(NotFittedError, match="This GridSearchCV instance is not"):
        read_trials(GridSearchCV(Ridge(), {"alpha": [1]}))


@pytest.mark.parametrize("thing", [7, DummyClassifier(), DummyClassifier().fit(X, Y)])
def test_no_search(thing):
    with pytest.raises(TypeError, match=r"that has cv_results_, or those results, got"):
        read_trials(thing)


def test_results_without_scores():
    with pytest.raises(ValueError, match=r"column 'mean_test_score'.*got \['params'\]"):
        read_trials({"params": [{}]})


def test_unknown_metric():
    results = made_results(metrics=["auc", "f1"])
    with pytest.raises(ValueError, match=r"got 'acc'. There are \['auc', 'f1'\]"):
        read_trials(results, metric="acc")
    with pytest.raises(ValueError, match=r"got None. There are \['auc', 'f1'\]"):
        read_trials(results)


def test_unknown_parameter():
    with pytest.raises(ValueError, match=r"got \['alpha'\]. There are \['a'\]"):
        read_trials(results_of([{"a": 1}], [1])).pick(["a", "alpha"])


def test_all_trials_failed():
    with pytest.raises(ValueError, match=r"got 5 trials whose 'score' is not finite"):
        read_trials(made_results(5, failed=range(5)))


# Names


def test_short_names():
    names = ["pipe__mlp__alpha", "pipe__mlp__beta", "cnn__beta", "cnn"]
    assert list(short_names(names).values()) == [
        "alpha",
        "mlp__beta",
        "cnn__beta",
        "cnn",
    ]
    assert short_names(["alpha", "ridge__alpha"]) == {
        "alpha": "alpha",
        "ridge__alpha": "ridge__alpha",
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-5, "1e-5"),
        (np.float32(0.25), "0.25"),
        (123456, "1.235e5"),
        (True, "True"),
        (None, "None"),
        ("relu", "relu"),
        ((64,), "(64,)"),
        ([64, (1, 2)], "[64, (1, 2)]"),
        (np.tanh, "tanh"),
        (Ridge, "Ridge"),
        (Ridge(alpha=2), "Ridge(alpha=2)"),
        (make_pipeline(StandardScaler(), Ridge()), "Pipeline(steps=[('stand…"),
    ],
)
def test_short_values(value, text):
    assert short_value(value) == text


def test_equal_labels_are_numbered():
    assert distinct(["f", "g", "f"]) == ["f", "g", "f (2)"]


def test_floor_leaves_out_what_is_far_below():
    scores = np.array([0.5, 0.6, 0.7, 0.8, np.nan, -1e9])
    assert floor_of(scores) == 0.5
    assert floor_of(np.array([0.9] * 9 + [0.1])) == 0.1


def test_columns_may_be_numbers():
    table = pd.DataFrame(made_results())
    table[0] = 1
    assert len(read_trials(table).scores) == len(table)


def test_a_resource_that_no_trial_sets_needs_a_search():
    table = pd.DataFrame(made_results()).drop(columns="params")
    with pytest.raises(ValueError, match="resource must be a parameter that is a num"):
        read_trials(table, resource="epochs")
