"""Which points and lines the history of a search has."""

import numpy as np
import pytest
from made_results import made_results, made_rungs, results_of
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV

from skhpo.inspection import SearchHistoryDisplay


def of_scores(*scores):
    return results_of([{"a": row} for row in range(len(scores))], scores)


def line_of(display, name="best so far"):
    return display.lines_[name].get_data()


def test_best_so_far():
    display = SearchHistoryDisplay.from_search(of_scores(1, np.nan, 3, 2, 4))
    x, y = line_of(display)
    assert x.tolist() == [0, 1, 2, 3, 4]
    assert y.tolist() == [1, 1, 3, 3, 4]
    points = display.points_["best so far"].get_offsets()
    assert points.tolist() == [[0, 1], [2, 3], [3, 2], [4, 4]]
    assert display.ax_.get_xlabel() == "Trial"
    assert display.ax_.get_ylabel() == "score"


def test_failed_and_far_trials_are_marked():
    display = SearchHistoryDisplay.from_search(of_scores(np.nan, 1, 2, 3, 2, 1, -99))
    below, failed = display.marks_
    assert (below.get_label(), below.get_xdata().tolist()) == ("1 below 1", [6])
    assert (failed.get_label(), failed.get_xdata().tolist()) == ("1 failed", [0])
    assert display.ax_.get_ylim()[0] > 0
    # Nothing is best before the first score.
    assert line_of(display)[0].tolist() == [1, 2, 3, 4, 5, 6]


def test_searches_are_compared():
    display = SearchHistoryDisplay.from_search(
        {"grid": of_scores(1, 2), "bayes": of_scores(2, 1, 3)}, show_trials=False
    )
    assert line_of(display, "grid")[1].tolist() == [1, 2]
    assert line_of(display, "bayes")[1].tolist() == [2, 2, 3]
    assert display.points_ == {}
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == ["grid", "bayes"]


def test_seeds_are_a_mean_with_a_band():
    display = SearchHistoryDisplay.from_search(
        {"bayes": [of_scores(1, 3), of_scores(np.nan, 1, 5)]}
    )
    x, y = line_of(display, "bayes")
    # From where both have a score; one that has ended keeps its best.
    assert x.tolist() == [1, 2]
    assert y.tolist() == [2, 4]
    vertices = display.bands_["bayes"].get_paths()[0].vertices
    assert (vertices[:, 1].min(), vertices[:, 1].max()) == (1, 5)
    label = display.lines_["bayes"].get_label()
    assert label == "bayes (mean ± std of 2)"


def test_seconds_are_those_of_all_splits():
    display = SearchHistoryDisplay.from_search(of_scores(1, 2, 3), x="seconds")
    assert line_of(display)[0].tolist() == [2, 4, 6]
    assert display.ax_.get_xlabel() == "Seconds spent"


@pytest.mark.parametrize(
    ("continues", "spent"),
    [
        (None, [1, 2, 3, 4, 6, 8, 12, 14, 16, 20]),
        (True, [1, 2, 3, 4, 5, 6, 8, 10, 12, 14]),
    ],
)
def test_resource_that_rungs_spend(continues, spent):
    display = SearchHistoryDisplay.from_search(
        made_rungs(), x="resource", continues=continues
    )
    assert line_of(display)[0].tolist() == spent
    assert display.ax_.get_xlabel() == "epochs spent"


def test_hyperband_tells_whether_it_continues():
    class WithCheckpoints(DummyClassifier):
        def __init__(self, epochs=1, checkpoint_dir=None):
            self.epochs = epochs
            self.checkpoint_dir = checkpoint_dir

    class Hyperband:
        resource = "epochs"
        estimator = WithCheckpoints()
        cv_results_ = made_rungs()

    display = SearchHistoryDisplay.from_search(Hyperband(), x="resource")
    assert line_of(display)[0][-1] == 14


def test_resource_that_the_estimator_has():
    X, y = np.arange(20).reshape(10, 2), [0, 1] * 5
    search = GridSearchCV(
        DummyClassifier(random_state=3), {"strategy": ["prior", "most_frequent"]}
    ).fit(X, y)
    display = SearchHistoryDisplay.from_search(
        search, x="resource", resource="random_state"
    )
    assert line_of(display)[0].tolist() == [3, 6]


@pytest.mark.parametrize(
    ("search", "settings", "message"),
    [
        (made_results(), {"x": "epochs"}, r"x must be one of .* got 'epochs'"),
        (made_results(), {"x": "resource"}, r"Name the parameter that counts"),
        ({}, {}, r"at least one search"),
        ({"grid": []}, {}, r"a list of searches must have at least one"),
    ],
)
def test_errors(search, settings, message):
    with pytest.raises(ValueError, match=message):
        SearchHistoryDisplay.from_search(search, **settings)


def test_seconds_that_nobody_measured():
    results = made_results()
    del results["mean_fit_time"]
    with pytest.raises(ValueError, match=r"needs the column 'mean_fit_time'"):
        SearchHistoryDisplay.from_search(results, x="seconds")


def test_a_fit_without_a_time_takes_none():
    results = made_results(4)
    results["mean_fit_time"][1] = np.nan
    display = SearchHistoryDisplay.from_search(results, x="seconds")
    ((spent, _),) = display.histories["best so far"]
    np.testing.assert_array_equal(spent, [2, 2, 4, 6])


def test_metrics_of_two_names_both_stand_at_the_axis():
    searches = {
        name: made_results(metrics=[name]) for name in ("accuracy", "neg_log_loss")
    }
    display = SearchHistoryDisplay.from_search(searches)
    assert display.ax_.get_ylabel() == "accuracy / negative log loss"
