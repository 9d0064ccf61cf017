"""Figures of a regression: all that is there and no more, true to their numbers, readable whatever the rows are."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from research.report import member_curves as member_curves_module
from research.report import regression_figures
from research.report.member_curves import member_curves, member_values
from research.report.regression_figures import column_importance, predicted_against_truth, regression, running_median


@pytest.fixture
def axes_of(monkeypatch):
    """`axes_of(draw, *arguments)`: the axes of the figure that `draw` makes; nothing of it may be cut off."""
    drawn = []

    def keep(figure):
        FigureCanvasAgg(figure).draw()
        drawn.append(figure)
        return b""

    def call(draw, *arguments):
        for module in (regression_figures, member_curves_module):
            monkeypatch.setattr(module, "png", keep)
        draw(*arguments)
        figure = drawn[-1]
        box, page = figure.get_tightbbox(), figure.bbox_inches
        assert box.x0 >= -0.01 and box.y0 >= -0.01 and box.x1 <= page.x1 + 0.01 and box.y1 <= page.y1 + 0.01
        return figure.axes[0]

    return call


def history(seed, epochs=60, names=("loss", "mae")):
    falling = 15000 + 90000 * np.exp(-np.arange(epochs) / 9) + 800 * np.random.default_rng(seed).normal(size=epochs)
    part = {name: falling.tolist() for name in names}
    return {"epoch": list(range(1, epochs + 1)), "train": part, "validation": part}


def lines_of(axes):
    return {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}


def ticks_of(axis):
    return [label.get_text() for label in axis.get_ticklabels() if label.get_text()]


def test_a_report_has_the_figures_that_there_is_data_for(regression_evaluation_of):
    evaluation = regression_evaluation_of()
    whole = regression([history(0)], [9], evaluation, "USD")
    assert list(whole) == ["learning_curves", "predicted", "residuals", "importance"]
    assert all(png[:8] == b"\x89PNG\r\n\x1a\n" for png in whole.values())
    lean = evaluation | {"low": None, "high": None, "importance": None}
    assert list(regression([], [], lean)) == ["predicted", "residuals"]
    assert regression([], [], lean)["predicted"] != whole["predicted"]
    assert "learning_curves" in regression([history(0, 3, ("loss",))], [2], lean)  # of a run without MAE in its history


def test_forty_members_are_two_means_with_bands(axes_of):
    histories = [history(seed, 60 + seed % 3) for seed in range(40)]
    axes = axes_of(member_curves, histories, [30] * 39 + [50], "mae", "USD")
    lines = lines_of(axes)
    assert set(lines) == {"training", "validation", "median best epoch: 30"} and len(axes.collections) == 2
    expected = np.mean([member["train"]["mae"][:60] for member in histories], axis=0)
    np.testing.assert_allclose(lines["training"].get_ydata()[:60], expected)
    assert axes.get_title(loc="left") == "MAE in USD over epochs, 40 trainings"
    assert "40,000" in ticks_of(axes.yaxis)


def test_few_members_have_a_line_each(axes_of):
    axes = axes_of(member_curves, [history(seed) for seed in range(3)], [])
    assert len(axes.lines) == 2 * (3 + 1) and not axes.collections


def test_curves_end_where_fewer_than_half_still_train():
    epochs, values = member_values([history(0, 5), history(1, 8), history(2, 20)], "train", "mae")
    assert epochs.tolist() == list(range(1, 9)) and values.shape == (3, 8)
    assert np.isnan(values[0, 5:]).all() and np.isfinite(values[1:]).all()
    assert member_values([history(0)], "train", "none")[1].size == 0


def test_gaps_and_single_epochs_are_no_obstacle(axes_of):
    broken = history(0, 3)
    broken["train"] = {"mae": [None, float("inf"), float("nan")]}
    assert set(lines_of(axes_of(member_curves, [broken], [2]))) == {"validation", "best epoch: 2"}
    assert lines_of(axes_of(member_curves, [history(0, 1)], []))["training"].get_marker() == "."
    assert not axes_of(member_curves, [broken | {"validation": {}}], []).lines


@pytest.mark.parametrize(("spread", "scale"), [(0.3, "linear"), (1.5, "log")])
def test_a_wide_target_has_logarithmic_axes_with_separators(axes_of, spread, scale):
    truth = np.random.default_rng(0).lognormal(12, spread, 200)
    axes = axes_of(predicted_against_truth, truth, truth, None, "price, USD")
    assert axes.get_xscale() == axes.get_yscale() == scale and axes.get_xlim() == axes.get_ylim()
    shown = ticks_of(axes.xaxis)
    assert "300,000" in shown or "100,000" in shown
    equal = lines_of(axes)["equal"]
    assert np.array_equal(equal.get_xdata(), equal.get_ydata())


def test_every_row_is_drawn_inside_or_counted_at_the_border(axes_of):
    truth = np.linspace(100.0, 200.0, 50)
    predicted = np.append(truth[:-2] + 5, [9e9, -9e9])
    axes = axes_of(predicted_against_truth, predicted, truth, (predicted - np.inf, predicted + np.inf))
    lines = lines_of(axes)
    np.testing.assert_array_equal(lines["row"].get_ydata(), predicted[:-2])
    border = lines["off the axis: 2"].get_ydata()
    assert border.tolist() == [axes.get_ylim()[1], axes.get_ylim()[0]] and abs(axes.get_ylim()[1]) < 300
    axes = axes_of(regression_figures.residuals, predicted, truth)
    assert len(lines_of(axes)["row"].get_ydata()) == 48 and "off the axis: 2" in lines_of(axes)


@pytest.mark.parametrize("values", [[5.0], [0.0, 0.0], [3.0, 3.0, 3.0], [-2.0, 4.0]])
def test_few_equal_or_negative_values_can_be_drawn(axes_of, values):
    assert axes_of(predicted_against_truth, values, values).get_xscale() == "linear"
    assert axes_of(regression_figures.residuals, values, values).get_ylim()[1] > 0


def test_the_running_median_follows_the_middle_of_the_residuals():
    x = np.random.default_rng(0).permutation(np.linspace(0, 1, 600))
    noise = np.where(np.arange(600) % 10 == 0, 1000.0, 0.0)  # which a mean would follow
    at, median = running_median(x, 3 * x + noise)
    assert np.all(np.diff(at) > 0) and np.abs(median - 3 * at).max() < 0.1
    assert running_median(x[:20], x[:20])[0].size == 0


def test_the_twenty_most_important_columns_are_drawn_greatest_first(axes_of):
    increase = np.random.default_rng(0).permutation(np.arange(30.0)) - 3
    increase[4] = np.nan
    axes = axes_of(column_importance, [f"c{index}" for index in range(30)], increase, np.ones(30), "USD")
    order = np.argsort(-np.nan_to_num(increase, nan=-99))[:20]
    assert ticks_of(axes.yaxis) == [f"c{index}" for index in order]
    assert [bar.get_width() for bar in axes.patches] == increase[order].tolist()
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first is on top


def test_long_names_are_shortened_and_leave_room_for_the_bars(axes_of):
    axes = axes_of(column_importance, ["a very long name of a column $of$ \n mine" * 3], [1.0], [0.1], "USD")
    assert ticks_of(axes.yaxis)[0].endswith("…") and axes.get_position().width > 0.4
