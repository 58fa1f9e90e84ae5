"""Spaces of Keras Tuner's making: functions of hp, HyperParameters, hyperparameters."""

import keras_tuner
import numpy as np
import pytest
from keras_tuner.engine import hyperparameters as kinds
from search_estimators import Counting, X, Y

from skhpo import BayesSearchCV, KerasCNN, KerasMLP, cnn_space, mlp_space
from skhpo.model_selection._space import read, read_space


def settings_of(space, n=300, seed=0):
    random = np.random.default_rng(seed)
    return [
        space.setting(lambda _, dimension: dimension.cell(random.random()))
        for _ in range(n)
    ]


def deep(hp):
    depth = hp.Int("depth", 1, 3)
    return {
        "sizes": tuple(hp.Int(f"units_{i}", 50, 350, step=50) for i in range(depth)),
        "rate": hp.Choice("rate", [1e-1, 1e-2, 1e-3]),
    }


def test_all_that_a_function_may_ask_for_is_known_beforehand():
    assert set(read(deep).dimensions) == {
        "depth",
        "units_0",
        "units_1",
        "units_2",
        "rate",
    }


def test_a_setting_has_what_it_asked_for():
    space = read(deep)
    found = settings_of(space)
    for params, cells in found:
        depth = cells["depth"]
        assert len(params["sizes"]) == depth
        assert set(cells) == {"depth", "rate", *(f"units_{i}" for i in range(depth))}
        assert set(params["sizes"]) <= set(range(50, 351, 50))
        assert all(type(size) is int for size in params["sizes"])
    sizes = {size for params, _ in found for size in params["sizes"]}
    assert sizes == set(range(50, 351, 50))
    assert {params["rate"] for params, _ in found} == {1e-1, 1e-2, 1e-3}


def test_scopes_are_those_of_keras_tuner():
    def space(hp):
        assert isinstance(hp, keras_tuner.HyperParameters)
        kind = hp.Choice("kind", ["mlp", "svm"])
        with hp.conditional_scope("kind", ["mlp"]):
            units = hp.Int("units", 1, 9)
            with hp.name_scope("inner"):
                deep = hp.Boolean("deep")
        with hp.conditional_scope("kind", "svm"):
            cost = hp.Float("cost", 1e-3, 1e3, sampling="log")
        only = hp.Float("only", 0, 1, parent_name="kind", parent_values=["svm"])
        assert hp.get("kind") == hp["kind"] == kind
        assert ("units" in hp) == (kind == "mlp")
        return {"kind": kind, "mlp": (units, deep), "svm": (cost, only)}

    kinds_found = set()
    for params, cells in settings_of(read(space)):
        kinds_found.add(params["kind"])
        if params["kind"] == "mlp":
            assert list(cells) == ["kind", "units", "inner/deep"]
            assert params["svm"] == (None, None)
        else:
            assert list(cells) == ["kind", "cost", "only"]
            assert params["mlp"] == (None, None)
    assert kinds_found == {"mlp", "svm"}


def test_one_name_may_mean_different_things_in_two_branches():
    def space(hp):
        if hp.Boolean("large"):
            return {"units": hp.Int("units", 100, 200)}
        return {"units": hp.Int("units", 1, 9)}

    read_one = read(space)
    assert set(read_one.dimensions) == {"large", "units", "units (2)"}
    for params, cells in settings_of(read_one):
        assert (params["units"] >= 100) == bool(cells["large"])


def test_what_is_asked_for_twice_is_the_same():
    space = read(lambda hp: {"a": hp.Float("x", 0, 1), "b": hp.Float("x", 0, 1)})
    assert all(params["a"] == params["b"] for params, _ in settings_of(space))


def declared():
    hp = keras_tuner.HyperParameters()
    hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["a"]):
        hp.Float("x", 1e-3, 1.0, sampling="log")
    with hp.conditional_scope("kind", ["b"]):
        hp.Int("n", 1, 9, step=2)
        hp.Fixed("z", 3)
    return hp


def test_declared_hyperparameters_keep_their_conditions():
    hp = declared()
    for params, cells in settings_of(read(hp)):
        expected = ["kind", "x"] if params["kind"] == "a" else ["kind", "n", "z"]
        assert list(params) == list(cells) == expected
        if params["kind"] == "b":
            assert params["n"] in (1, 3, 5, 7, 9)
            assert params["z"] == 3
    assert hp.values == declared().values


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (kinds.Int("p", 1, 4), {1, 2, 3, 4}),
        (kinds.Int("p", 2, 32, step=2, sampling="log"), {2, 4, 8, 16, 32}),
        (kinds.Int("p", 7, 7), {7}),
        (kinds.Float("p", 0, 1, step=0.25), {0.0, 0.25, 0.5, 0.75, 1.0}),
        (kinds.Float("p", 0.001, 1, step=10, sampling="log"), {0.001, 0.01, 0.1, 1.0}),
        (kinds.Choice("p", [3, 1, 2]), {1, 2, 3}),
        (kinds.Boolean("p"), {False, True}),
        (kinds.Fixed("p", 2.5), {2.5}),
    ],
    ids=repr,
)
def test_hyperparameters_in_a_dict(form, expected):
    dimension = read_space({"p": form})["p"]
    found = {dimension.value(dimension.cell(u)) for u in np.linspace(0, 1, 500)}
    assert sorted(found) == pytest.approx(sorted(expected))
    assert {type(value) for value in found} == {type(value) for value in expected}


def test_words_in_a_dict():
    (dimension,) = read_space({"p": kinds.Choice("p", ["y", "x"])}).values()
    assert [dimension.value(cell) for cell in dimension.cells] == ["y", "x"]
    assert not dimension.ordered


@pytest.mark.parametrize("sampling", ["linear", "log", "reverse_log"])
def test_floats_lie_as_keras_tuner_has_them(sampling):
    form = kinds.Float("p", 0.1, 10.0, sampling=sampling)
    dimension = read_space({"p": form})["p"]
    for unit in np.linspace(0, 1, 11):
        value = dimension.value(dimension.cell(unit))
        assert value == pytest.approx(form.prob_to_value(unit))
        assert dimension.unit(dimension.cell(unit)) == pytest.approx(unit)


def test_a_function_that_breaks_a_rule_is_told_of():
    with pytest.raises(ValueError, match="max_value"):
        read(lambda hp: {"a": hp.Int("units", 9, 1)})
    with pytest.raises(ValueError, match=r"must return a dict .* got None"):
        read(lambda hp: None)
    with pytest.raises(KeyError, match="units was not asked for"):
        read(lambda hp: {"a": hp.get("units")})


def test_what_does_not_matter_is_masked_and_left_out_of_params():
    def space(hp):
        if hp.Boolean("by_a"):
            return {"a": hp.Float("a", 0, 1)}
        return {"c": hp.Int("c", 1, 9)}

    search = BayesSearchCV(Counting(), space, n_iter=8, cv=2, random_state=0).fit(X, Y)
    results = search.cv_results_
    for k, params in enumerate(results["params"]):
        assert len(params) == 1
        for name in ("a", "c"):
            assert results[f"param_{name}"].mask[k] == (name not in params)


def test_the_model_learns_in_a_conditional_space():
    def space(hp):
        depth = hp.Int("depth", 1, 3)
        rates = [hp.Float(f"rate_{i}", 0, 1) for i in range(depth)]
        # Best with two rates of which the second is 0.3.
        return {"a": 0.7 - abs(depth - 2) / 4 - abs(rates[depth > 1] - 0.3)}

    search = BayesSearchCV(Counting(), space, n_iter=30, cv=2, random_state=0)
    best = search.fit(X, Y).best_params_["a"]
    assert best > 0.65


SPACES = [
    (KerasMLP, mlp_space, {"max_layers": 2, "max_units": 32}),
    (KerasCNN, cnn_space, {"max_blocks": 2, "max_filters": 16}),
]


@pytest.mark.parametrize(("estimator", "make", "limits"), SPACES)
def test_ready_spaces_have_parameters_of_our_estimators(estimator, make, limits):
    for params, _ in settings_of(read(make(**limits)), n=100):
        assert set(params) <= set(estimator().get_params())
        sizes = params.get("hidden_layer_sizes") or params["filters"]
        assert len(sizes) <= 2
        assert max(sizes) <= 32
    prefixed = settings_of(read(make("net__")), n=3)
    assert all(name.startswith("net__") for p, _ in prefixed for name in p)


@pytest.mark.parametrize(("estimator", "make", "limits"), SPACES)
def test_ready_spaces_can_be_searched(estimator, make, limits):
    images = np.random.default_rng(0).random((30, 64))
    search = BayesSearchCV(
        estimator(epochs=1, random_state=0),
        make(**limits),
        n_iter=1,
        cv=2,
        random_state=0,
        error_score="raise",
    )
    search.fit(images, np.arange(30) % 2)
    assert search.best_score_ >= 0
