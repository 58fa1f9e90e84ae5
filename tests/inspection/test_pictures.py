"""Which lines and points the pictures of hyperparameters and rungs have."""

import numpy as np
import pytest
from made_results import made_results, made_rungs, results_of
from matplotlib import pyplot as plt

from skhpo.inspection import (
    ContourDisplay,
    ParallelCoordinatesDisplay,
    RungDisplay,
    SliceDisplay,
)
from skhpo.inspection._trials import floor_of


def parabola(n_trials=60, **more):
    """Return results whose score is best at a rate of 0.01, of a smaller `width`."""
    random = np.random.RandomState(0)
    rows = [
        {"rate": 10 ** random.uniform(-4, 0), "width": random.uniform(0, 10)} | more
        for _ in range(n_trials)
    ]
    scores = [-((np.log10(row["rate"]) + 2) ** 2) - row["width"] / 10 for row in rows]
    return results_of(rows, scores)


def shown_params(results):
    """Return the settings of the trials that are not far below all others."""
    shown = results["mean_test_score"] >= floor_of(results["mean_test_score"])
    return [
        row for row, is_shown in zip(results["params"], shown, strict=True) if is_shown
    ]


# Parallel coordinates


def test_a_line_for_each_trial():
    results = results_of(
        [{"a": 0, "b": 1}, {"a": 10, "b": 100}, {"a": 5, "b": 10}, {"a": 5, "b": 1}],
        [3, 1, 2, np.nan],
    )
    display = ParallelCoordinatesDisplay.from_search(results)
    # From the worst to the best.
    heights = [line[:, 1].tolist() for line in display.lines_.get_segments()]
    assert heights == [[1, 1], [0.5, 0.5], [0, 0]]
    assert display.lines_.get_array().tolist() == [1, 2, 3]
    (failed,) = display.failed_.get_segments()
    assert failed[:, 1].tolist() == [0.5, 0]
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == ["a", "b"]
    assert display.ax_.get_legend().get_texts()[0].get_text() == "1 failed"
    assert display.colorbar_.ax.get_ylabel() == "score"


def test_absent_values_pass_below():
    display = ParallelCoordinatesDisplay.from_search(
        made_results(), params=["momentum", "optimizer"]
    )
    for momentum, optimizer in (line[:, 1] for line in display.lines_.get_segments()):
        # "adam" comes before "sgd", and has no momentum.
        assert (momentum < -0.05) == (optimizer < 0.5)
    assert "absent" in [text.get_text() for text in display.ax_.texts]


def test_order_of_coordinates():
    names = ["net__depth", "learning_rate"]
    display = ParallelCoordinatesDisplay.from_search(made_results(), params=names)
    assert list(display.hyperparameters) == ["depth", "learning_rate"]


def test_colours_leave_out_what_is_far_below():
    results = parabola()
    results["mean_test_score"][0] = -1e9
    display = ParallelCoordinatesDisplay.from_search(results)
    assert display.lines_.norm.vmin > -10
    assert display.colorbar_.extend == "min"


# Slices


@pytest.mark.parametrize("model", ["forest", "gaussian_process"])
def test_slice_of_a_parabola(model):
    results = parabola()
    display = SliceDisplay.from_search(results, "rate", model=model)
    points = display.points_["rate"].get_offsets()
    rates = [row["rate"] for row in results["params"]]
    np.testing.assert_allclose(points[:, 0], rates)
    np.testing.assert_allclose(points[:, 1], results["mean_test_score"])
    x, y = display.lines_["rate"].get_data()
    assert -2.5 < np.log10(x[y.argmax()]) < -1.5
    # On average over widths, of which the mean is about 5.
    assert y.max() == pytest.approx(-0.5, abs=0.3)
    assert display.axes_[0].get_xscale() == "log"
    low, high = display.axes_[0].dataLim.intervalx
    assert (low, high) == pytest.approx((min(rates), max(rates)))


def test_axes_have_the_scale_that_was_searched():
    """A few marks on it where it spans less than two powers of ten, and no other line.

    Where a search liked it, there are many trials: that is no linear scale.
    """
    rates = np.array([3e-4, 1e-3, 5e-3, 6e-3, 6.5e-3, 7e-3, 7.5e-3, 8e-3], dtype=object)
    values = {"rate": np.ma.array(rates, mask=False)}
    scores = np.linspace(0.0, 1.0, len(rates))
    guessed = SliceDisplay(values, scores).plot()
    assert guessed.axes_[0].get_xscale() == "linear"
    (panel,) = SliceDisplay(values, scores, log_scaled={"rate": True}).plot().axes_
    assert panel.get_xscale() == "log"
    labels = [text.get_text() for text in panel.get_xticklabels()]
    assert labels == ["5e-4", "0.001", "0.002", "0.005"]
    assert not panel.get_xticks(minor=True).size
    assert not panel.lines
    display = ContourDisplay(
        values | {"b": values["rate"]}, scores, log_scaled={"b": 1}
    )
    ax = display.plot().ax_
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")
    display = ParallelCoordinatesDisplay(values, scores, log_scaled={"rate": True})
    heights = [line[0, 1] for line in display.plot().lines_.get_segments()]
    expected = np.log(rates.astype(float) / 3e-4) / np.log(8e-3 / 3e-4)
    np.testing.assert_allclose(heights, expected)


def test_a_gaussian_process_knows_a_smooth_function():
    display = SliceDisplay.from_search(parabola(), "rate", model="gaussian_process")
    x, mean, deviation = display.predictions["rate"]
    expected = -((np.log10(x.astype(float)) + 2) ** 2)
    np.testing.assert_allclose(mean - mean.max(), expected, atol=0.1)
    assert (deviation < 0.1).all()


def test_a_panel_for_each_hyperparameter():
    display = SliceDisplay.from_search(made_results(failed=[2]))
    names = [
        "learning_rate",
        "hidden_layer_sizes",
        "activation",
        "depth",
        "optimizer",
        "momentum",
    ]
    assert [ax.get_xlabel() for ax in display.axes_] == names
    assert list(display.points_) == names
    labels = [text.get_text() for text in display.axes_[2].get_xticklabels()]
    assert labels == ["None", "relu", "tanh"]
    below, failed = display.marks_["depth"]
    assert below.get_label().startswith("2 below ")
    assert failed.get_label() == "1 failed"


def test_categories_are_points_with_bars():
    display = SliceDisplay.from_search(made_results(), "optimizer")
    assert display.lines_["optimizer"].get_xdata().tolist() == [0, 1]
    assert display.lines_["optimizer"].get_linestyle() == "None"
    places = display.points_["optimizer"].get_offsets()[:, 0]
    is_sgd = [row["net__optimizer"] == "sgd" for row in shown_params(made_results())]
    assert np.rint(places).tolist() == [float(value) for value in is_sgd]


def test_absent_values_are_left_of_the_line():
    display = SliceDisplay.from_search(made_results(), "momentum")
    rows = shown_params(made_results())
    x = display.points_["momentum"].get_offsets()[:, 0]
    momentums = [row.get("net__momentum", np.nan) for row in rows]
    least = np.nanmin(momentums)
    assert ((x < least) == np.isnan(momentums)).all()
    assert display.lines_["momentum"].get_xdata().min() == pytest.approx(least)


def test_predictions_are_for_all_of_the_resource():
    rows = [{"rate": k, "epochs": 1 + 8 * (k % 2)} for k in range(40)]
    results = {"n_resources": np.array([row["epochs"] for row in rows])}
    results |= results_of(rows, [row["epochs"] for row in rows])
    display = SliceDisplay.from_search(results, "rate")
    np.testing.assert_allclose(display.lines_["rate"].get_ydata(), 9)


def test_slice_without_a_model():
    display = SliceDisplay.from_search(parabola(3), model=None)
    assert display.predictions is None
    assert display.lines_ == {}


def test_axes_for_each_panel():
    _, axes = plt.subplots(1, 2)
    display = SliceDisplay.from_search(parabola(), ax=axes)
    assert display.axes_.tolist() == axes.tolist()
    with pytest.raises(ValueError, match=r"each of the 2 panels, got 1. Leave ax out"):
        SliceDisplay.from_search(parabola(), ax=axes[0])


# Contours


def test_contours_have_the_best_where_the_trials_do():
    results = parabola(200)
    display = ContourDisplay.from_search(
        results, ["rate", "width"], model="gaussian_process"
    )
    x, y, mean = display.prediction
    assert mean.shape == (len(y), len(x)) == (40, 40)
    row, column = np.unravel_index(mean.argmax(), mean.shape)
    assert -2.3 < np.log10(x[column]) < -1.7
    assert row == 0
    best = results["params"][results["mean_test_score"].argmax()]
    assert display.best_.get_xdata() == [best["rate"]]
    assert display.best_.get_ydata() == [best["width"]]
    points = display.points_.get_offsets()
    widths = [row["width"] for row in results["params"]]
    np.testing.assert_allclose(points[:, 1], widths)
    np.testing.assert_array_equal(
        display.points_.get_array(), results["mean_test_score"]
    )
    assert display.ax_.get_xlabel() == "rate"
    assert (display.ax_.get_xscale(), display.ax_.get_yscale()) == ("log", "linear")


def test_the_most_important_two_are_taken():
    random = np.random.RandomState(0)
    rows = [dict(zip("abcd", random.uniform(size=4), strict=True)) for _ in range(100)]
    results = results_of(rows, [5 * row["d"] + 2 * row["b"] for row in rows])
    display = ContourDisplay.from_search(results)
    assert list(display.hyperparameters) == ["d", "b"]
    display = ContourDisplay.from_search(results, model=None)
    assert list(display.hyperparameters) == ["a", "b"]
    assert display.areas_ is None


def test_categories_are_areas():
    display = ContourDisplay.from_search(
        made_results(failed=[1, 2]), ["optimizer", "depth"]
    )
    assert display.areas_.get_array().shape == (40, 2)
    assert display.failed_.get_label() == "2 failed"
    assert len(display.points_.get_offsets()) == 38


@pytest.mark.parametrize("params", ["depth", ["depth"], ["depth", "net__depth"]])
def test_contours_are_of_two(params):
    with pytest.raises(ValueError, match=r"params must name two hyperparameters, got"):
        ContourDisplay.from_search(made_results(), params)


def test_only_one_differs():
    results = results_of([{"a": k, "b": 1} for k in range(9)], range(9))
    with pytest.raises(ValueError, match=r"must differ between trials, got \['a'\]"):
        ContourDisplay.from_search(results)


# Rungs


def lines_of(display, bracket):
    lines = [line.tolist() for line in display.lines_[bracket].get_segments()]
    return sorted(line for line in lines if len(line) > 1)


def test_a_line_for_each_candidate():
    display = RungDisplay.from_search(made_rungs())
    assert lines_of(display, 0) == [[[1, 4], [2, 5]], [[1, 5], [2, 6], [4, 8]]]
    assert lines_of(display, 1) == [[[2, 10], [4, 12]]]
    stopped = sorted(display.stopped_.get_offsets().tolist())
    assert stopped == [[1, 2], [1, 3], [2, 5], [2, 9]]
    finished = sorted(display.finished_.get_offsets().tolist())
    assert finished == [[4, 8], [4, 12]]
    assert display.ax_.get_xlabel() == "epochs"
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == [
        "bracket 0: 4 → 2 → 1 candidates",
        "bracket 1: 2 → 1 candidates",
        "stopped",
        "at the end",
    ]
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == list("124")


def test_a_candidate_may_fail():
    display = RungDisplay.from_search(made_rungs(failed=[0, 6]))
    assert lines_of(display, 0) == [[[1, 4], [2, 5]], [[1, 5], [2, 6]]]
    (mark,) = display.marks_
    assert (mark.get_label(), mark.get_xdata().tolist()) == ("2 failed", [1, 4])


def test_equal_candidates_are_told_apart():
    rows = [{"a": 1, "epochs": epochs} for epochs in (1, 1, 2)]
    results = {"n_resources": np.array([1, 1, 2])} | results_of(rows, [1, 2, 3])
    display = RungDisplay.from_search(results)
    assert display.candidates.tolist() == [0, 1, 0]


def test_rungs_by_any_parameter():
    rows = [{"a": a, "net__epochs": n} for n, a in [(1, 0), (1, 1), (3, 1)]]
    display = RungDisplay.from_search(results_of(rows, [1, 2, 3]), resource="epochs")
    assert lines_of(display, 0) == [[[1, 2], [3, 3]]]
    assert display.ax_.get_xlabel() == "epochs"


def test_no_rungs():
    with pytest.raises(ValueError, match=r"RungDisplay needs the column 'n_resources'"):
        RungDisplay.from_search(made_results())
