"""What all Displays of searches promise, whatever they show."""

import builtins
import inspect
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from made_results import made_results, results_of
from matplotlib import pyplot as plt
from matplotlib.collections import Collection
from matplotlib.text import Text
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skhpo import inspection
from skhpo.inspection import (
    ContourDisplay,
    HyperparameterImportanceDisplay,
    ParallelCoordinatesDisplay,
    RungDisplay,
    SearchHistoryDisplay,
    SliceDisplay,
)
from skhpo.model_selection import BayesSearchCV, HyperbandSearchCV, Integer, Real

X, Y = load_iris(return_X_y=True)

# Each Display with what it takes to be drawn on one Axes.
DISPLAYS = {
    "history": (SearchHistoryDisplay, {}),
    "parallel": (ParallelCoordinatesDisplay, {}),
    "fanova": (HyperparameterImportanceDisplay, {}),
    "permutation": (HyperparameterImportanceDisplay, {"method": "permutation"}),
    "slice": (SliceDisplay, {"params": "learning_rate"}),
    "smooth-slice": (
        SliceDisplay,
        {"params": "momentum", "model": "gaussian_process"},
    ),
    "contour": (ContourDisplay, {"params": ["learning_rate", "momentum"]}),
    "smooth-contour": (
        ContourDisplay,
        {"params": ["activation", "momentum"], "model": "gaussian_process"},
    ),
    "rungs": (RungDisplay, {"resource": "net__depth"}),
}
# Without names of hyperparameters, for searches of other spaces.
ANY_SPACE = {
    name: (cls, {k: v for k, v in settings.items() if k in ("method", "model")})
    for name, (cls, settings) in DISPLAYS.items()
    if name != "rungs"
}
every_display = pytest.mark.parametrize(
    ("cls", "settings"), DISPLAYS.values(), ids=DISPLAYS
)
every_display_of_any_space = pytest.mark.parametrize(
    ("cls", "settings"), ANY_SPACE.values(), ids=ANY_SPACE
)


def pixels(display):
    """Return what is drawn, as numbers."""
    return np.asarray(figure_of(display).canvas.buffer_rgba())


def figure_of(display):
    """Draw it in earnest, which finds what merely making it does not."""
    display.figure_.canvas.draw()
    return display.figure_


def axes_of(display):
    return display.axes_[0] if isinstance(display, SliceDisplay) else display.ax_


def test_every_display_of_searches_is_tested():
    classes = {cls for cls, _ in DISPLAYS.values()}
    found = {getattr(inspection, name) for name in inspection.__all__}
    assert classes == {cls for cls in found if hasattr(cls, "from_search")}


# The conventions of scikit-learn


@every_display
def test_figure_is_made_and_drawn(cls, settings):
    display = cls.from_search(made_results(), **settings)
    assert isinstance(display, cls)
    assert axes_of(display).figure is figure_of(display)


@every_display
def test_axes_that_are_given_are_used(cls, settings):
    _, ax = plt.subplots()
    display = cls.from_search(made_results(), ax=ax, **settings)
    assert axes_of(display) is ax
    assert figure_of(display) is ax.figure


@every_display
def test_drawn_again_it_returns_itself(cls, settings):
    display = cls.from_search(made_results(), **settings)
    first = display.figure_
    assert display.plot() is display
    assert display.figure_ is not first


def test_one_panel_is_the_axes():
    display = SliceDisplay.from_search(made_results(), params="learning_rate")
    assert display.ax_ is display.axes_[0]
    assert display.ax_.figure is display.figure_


@every_display
def test_parameters_are_stored(cls, settings):
    display = cls.from_search(made_results(), **settings)
    names = inspect.signature(cls).parameters
    kept = {name: getattr(display, name) for name in names}
    again = cls(**kept)
    assert all(getattr(again, name) is value for name, value in kept.items())


# What searches may hold


@every_display
@pytest.mark.parametrize("failed", [[0], range(20)], ids=["one", "half"])
def test_trials_may_fail(cls, settings, failed):
    figure_of(cls.from_search(made_results(failed=failed), **settings))


@every_display
def test_one_trial_may_be_far_out(cls, settings):
    results = made_results()
    results["mean_test_score"] = results["mean_test_score"].copy()
    results["mean_test_score"][3] = -1e12
    figure_of(cls.from_search(results, **settings))


@every_display
def test_all_scores_may_be_equal(cls, settings):
    results = made_results()
    results["mean_test_score"] = np.full(40, 0.5)
    figure_of(cls.from_search(results, **settings))


@every_display
def test_one_of_several_metrics(cls, settings):
    results = made_results(metrics=["accuracy", "f1"])
    display = cls.from_search(results, metric="f1", **settings)
    assert display.score_name == "f1"
    texts = [text.get_text() for text in figure_of(display).findobj(Text)]
    assert any("f1" in text for text in texts)
    assert not any("accuracy" in text for text in texts)


@every_display
def test_tables(cls, settings):
    figure_of(cls.from_search(pd.DataFrame(made_results()), **settings))


@every_display
def test_thousands_of_trials_are_few_artists(cls, settings):
    results = made_results(3000, failed=range(0, 3000, 100))
    display = cls.from_search(results, **settings)
    artists = display.figure_.findobj(
        lambda artist: isinstance(artist, Collection | plt.Line2D)
    )
    assert len(artists) < 250


@every_display_of_any_space
def test_values_of_any_kind(cls, settings):
    values = [
        None,
        True,
        float("nan"),
        (64, 32),
        [64, 32],
        {"a": 1},
        Ridge(alpha=2),
        Ridge,
        np.tanh,
        lambda x: x,
        lambda x: -x,
        np.array([1, 2]),
        "sqrt",
        np.float32(0.5),
        3,
    ]
    rows = [{"step__a": value, "step__b": k} for k, value in enumerate(values)]
    results = results_of(rows, np.linspace(0, 1, len(rows)))
    figure_of(cls.from_search(results, **settings))


def random_search():
    pipeline = make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0))
    space = {
        "standardscaler": [StandardScaler(), MinMaxScaler(), "passthrough"],
        "decisiontreeclassifier__max_depth": [None, 1, 2, 4],
        "decisiontreeclassifier__max_leaf_nodes": [2, 4, 8],
    }
    return RandomizedSearchCV(pipeline, space, n_iter=8, cv=2, random_state=0)


def bayes_search():
    spaces = [
        {"max_depth": Integer(1, 4), "criterion": ["gini", "entropy"]},
        {"ccp_alpha": Real(1e-3, 0.1, "log-uniform")},
    ]
    return BayesSearchCV(
        DecisionTreeClassifier(random_state=0), spaces, n_iter=4, cv=2, random_state=0
    )


def hyperband_search():
    return HyperbandSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"min_samples_leaf": Integer(1, 50), "criterion": ["gini", "entropy"]},
        resource="max_depth",
        max_resource=4,
        factor=2,
        cv=2,
        random_state=0,
    )


def halving_grid_search():
    grid = {"max_depth": [1, 2, 3], "criterion": ["gini", "entropy"]}
    tree = DecisionTreeClassifier(random_state=0)
    return HalvingGridSearchCV(tree, grid, cv=2, random_state=0)


def halving_random_search():
    space = {"max_leaf_nodes": range(2, 20), "criterion": ["gini", "entropy"]}
    tree = DecisionTreeClassifier(random_state=0)
    return HalvingRandomSearchCV(
        tree, space, resource="max_depth", max_resources=9, cv=2, random_state=0
    )


def grid_search():
    grid = {"alpha": [0.1, 1, 10], "fit_intercept": [True, False]}
    return GridSearchCV(
        Ridge(), grid, scoring=["r2", "neg_max_error"], refit="r2", cv=2
    )


SEARCHES = {
    make.__name__: make
    for make in (
        random_search,
        bayes_search,
        hyperband_search,
        halving_grid_search,
        halving_random_search,
        grid_search,
    )
}


@pytest.fixture(scope="module", params=SEARCHES.values(), ids=SEARCHES)
def search(request):
    return request.param().fit(X, Y)


@every_display_of_any_space
def test_any_search(cls, settings, search):
    figure_of(cls.from_search(search, **settings))


@pytest.mark.parametrize(
    "make", [hyperband_search, halving_grid_search, halving_random_search]
)
def test_rungs_of_any_search(make):
    figure_of(RungDisplay.from_search(make().fit(X, Y)))


# Errors


@every_display
def test_not_fitted(cls, settings):
    with pytest.raises(NotFittedError, match="GridSearchCV instance is not fitted"):
        cls.from_search(GridSearchCV(Ridge(), {"alpha": [1]}), **settings)


@every_display
def test_no_search(cls, settings):
    with pytest.raises(TypeError, match=r"search must be a fitted search .* got Ridge"):
        cls.from_search(Ridge().fit(X, Y), **settings)


@every_display
def test_all_failed(cls, settings):
    with pytest.raises(ValueError, match="at least one trial must have a score"):
        cls.from_search(made_results(5, failed=range(5)), **settings)


@every_display
def test_unknown_metric(cls, settings):
    with pytest.raises(ValueError, match=r"got 'f1'. There are \['score'\]"):
        cls.from_search(made_results(), metric="f1", **settings)


@pytest.mark.parametrize(
    ("cls", "params"),
    [
        (ParallelCoordinatesDisplay, ["alpha"]),
        (SliceDisplay, "alpha"),
        (ContourDisplay, ["alpha", "momentum"]),
    ],
)
def test_unknown_hyperparameter(cls, params):
    with pytest.raises(ValueError, match=r"got \['alpha'\]. There are .*momentum"):
        cls.from_search(made_results(), params=params)


@pytest.mark.parametrize("cls", [ParallelCoordinatesDisplay, SliceDisplay])
def test_nothing_differs(cls):
    with pytest.raises(ValueError, match=r"must differ between trials, got none"):
        cls.from_search(results_of([{"a": 1}] * 6, range(6)))


@pytest.mark.parametrize(
    "cls", [HyperparameterImportanceDisplay, SliceDisplay, ContourDisplay]
)
class TestModels:
    def test_too_few_trials(self, cls):
        with pytest.raises(ValueError, match=r"at least 5 trials with a score, got 4"):
            cls.from_search(made_results(6, failed=[0, 1]))

    def test_floor(self, cls):
        shown = {
            floor: pixels(cls.from_search(made_results(), floor=floor))
            for floor in (-1e9, None, 0.8)
        }
        # One below all trials is none; but many are below 0.8.
        np.testing.assert_array_equal(shown[-1e9], shown[None])
        assert (shown[0.8] != shown[None]).any()
        with pytest.raises(ValueError, match=r'"auto" or None, got \'low\''):
            cls.from_search(made_results(), floor="low")


@pytest.mark.parametrize("cls", [SliceDisplay, ContourDisplay])
class TestOptionalModels:
    def test_few_trials_need_no_model(self, cls):
        figure_of(cls.from_search(made_results(3), model=None))

    def test_unknown_model(self, cls):
        with pytest.raises(ValueError, match=r'"gaussian_process" or None, got \'gp\''):
            cls.from_search(made_results(), model="gp")


# Optional packages


@every_display
def test_without_matplotlib(cls, settings, monkeypatch):
    display = cls.from_search(made_results(), **settings)

    def find(name, *args, _find=builtins.__import__, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return _find(name, *args, **kwargs)

    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(builtins, "__import__", find)
    for draw in (
        display.plot,
        lambda: cls.from_search(made_results(), **settings),
    ):
        with pytest.raises(ImportError, match=rf"{cls.__name__} needs.*skhpo\[plot\]"):
            draw()


def test_importing_the_room_imports_neither_matplotlib_nor_networks():
    code = (
        "import sys, skhpo.inspection; "
        "print(*{module.split('.')[0] for module in sys.modules})"
    )
    # With it, scikit-learn itself imports every library of arrays that it finds.
    environment = {k: v for k, v in os.environ.items() if k != "SCIPY_ARRAY_API"}
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    ).stdout.split()
    assert "sklearn" in found
    assert not {"matplotlib", "tensorflow", "keras"} & set(found)


def test_the_star_is_what_the_search_chose():
    def scores(results):
        return int(np.argmin(results["mean_test_score"]))

    grid = {"max_depth": [1, 2, 3], "min_samples_leaf": [1, 50]}
    tree = DecisionTreeClassifier(random_state=0)
    search = GridSearchCV(tree, grid, refit=scores, cv=2).fit(X, Y)
    display = ContourDisplay.from_search(search)
    worst = search.cv_results_["mean_test_score"].min()
    assert display.best_.get_label() == f"best: {worst:.4g}"
    # Without a search the greatest is.
    greatest = search.cv_results_["mean_test_score"].max()
    display = ContourDisplay.from_search(search.cv_results_)
    assert display.best_.get_label() == f"best: {greatest:.4g}"


@pytest.mark.parametrize(
    "display", [ParallelCoordinatesDisplay, SliceDisplay, ContourDisplay]
)
def test_values_are_no_formulas(display):
    results = {
        "params": [
            {"pattern": pattern, "b": b}
            for pattern in (r"$\frac{bad$", r"[a-z]+$|\b\d{2}$")
            for b in range(4)
        ],
        "mean_test_score": np.arange(8.0),
    }
    shown = display.from_search(results)
    shown.figure_.canvas.draw()
    texts = [text.get_text() for text in shown.figure_.findobj(Text)]
    assert any(r"\frac{bad" in text for text in texts)


def test_lines_in_a_part_of_a_figure():
    part = plt.figure().subfigures(1, 2)[0]
    figure_of(
        ParallelCoordinatesDisplay.from_search(made_results(), ax=part.subplots())
    )
