"""Figures of a forecast: all that is there and no more, true to their numbers, whatever a series really leaves."""

import struct

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from research.report import forecast_figures
from research.report.forecast_figures import coverage_by_hour, error_by_horizon, forecasting, forecasts
from research.report.formats import MONTH


def size(png: bytes) -> tuple[int, int]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", png[16:24])


@pytest.fixture
def axes_of(monkeypatch):
    """`axes_of(draw, *arguments)`: the axes of the figure that `draw` makes."""
    figures_drawn = []

    def keep(figure):
        FigureCanvasAgg(figure).draw()
        figures_drawn.append(figure)
        return b""

    def call(draw, *arguments):
        monkeypatch.setattr(forecast_figures, "png", keep)
        draw(*arguments)
        return figures_drawn[-1].axes

    return call


def drawn(axes):
    return {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}


def test_a_report_has_the_figures_that_there_is_data_for(forecast_evaluation_of, forecast_panel_of):
    history = {"epoch": [1, 2], "train": {"loss": [2.0, 1.0]}, "validation": {"loss": [2.0, 1.5]}}
    whole = forecasting([history], [2], forecast_evaluation_of(), [forecast_panel_of()])
    assert set(whole) == {"learning_curves", "forecasts", "error_by_horizon", "coverage_by_hour"}
    assert forecasting([], [], forecast_evaluation_of(P=1) | {"intervals": None}) == {}


@pytest.mark.slow
def test_a_panel_is_the_same_bytes_for_the_same_numbers_and_others_for_others(forecast_panel_of):
    panel = forecast_panel_of()
    plain = forecasts([panel])
    assert forecasts([forecast_panel_of()]) == plain
    for name in ("truth", "forecast", "low", "expected", "past"):
        assert forecasts([panel | {name: panel[name] + 10}]) != plain, name


def test_a_panel_shows_every_number_where_and_when_it_is(axes_of, forecast_panel_of):
    panel = forecast_panel_of()
    (axes,) = axes_of(forecasts, [panel], "veh/h")
    lines = drawn(axes)
    assert set(lines) == {"seen", "truth", "forecast", "expected (reference)"} and axes.get_ylabel() == "veh/h"
    for label, name in (("seen", "past"), ("forecast", "forecast"), ("expected (reference)", "expected")):
        assert np.array_equal(lines[label].get_ydata(), panel[name])
    # The truth goes on from what was seen, and is left open where nobody measured.
    assert np.array_equal(lines["truth"].get_ydata(), [panel["past"][-1], *panel["truth"]], equal_nan=True)
    assert np.array_equal(lines["truth"].get_xdata(orig=True)[1:], panel["times"])
    band = axes.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == panel["low"].min() and band[:, 1].max() == panel["high"].max()


def test_days_and_hours_are_written_below(axes_of, forecast_panel_of):
    (axes,) = axes_of(forecasts, [forecast_panel_of()])
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert "05 Mar" in labels and "12:00" in labels and len(labels) <= 9


@pytest.mark.parametrize(("L", "P", "bounds"), [(12, 1, True), (12, 1, False), (72, 288, False), (1, 2, True)])
def test_any_length_can_be_drawn(forecast_panel_of, L, P, bounds):
    width, _ = size(forecasts([forecast_panel_of(L, P, bounds)] * 2))
    assert width == round(5.4 * 160)


def test_the_interval_of_a_single_step_is_as_visible_as_a_band(axes_of, forecast_panel_of):
    panel = forecast_panel_of(12, 1)
    (axes,) = axes_of(forecasts, [panel])
    bar = axes.collections[0]
    assert bar.get_paths()[0].vertices[:, 1].tolist() == [panel["low"][0], panel["high"][0]]
    assert bar.get_linewidth()[0] > 4


def test_a_baseline_that_is_far_off_hides_no_difference_between_the_others(axes_of):
    near = {"model": [10.0, 12.0], "profile": [11.0, 12.0]}
    (plain,) = axes_of(error_by_horizon, [1, 2], near)
    (axes,) = axes_of(error_by_horizon, [1, 2], near | {"last value": [300.0, 400.5]})
    assert axes.get_ylim() == plain.get_ylim()
    assert set(drawn(axes)) == {"model", "profile", "last value, up to 400.5"}


def test_models_are_solid_and_baselines_are_told_apart_from_them(axes_of):
    errors = {name: [1.0, 2.0] for name in ("lstm", "gru", "last value", "historical average")}
    (axes,) = axes_of(error_by_horizon, [1, 2], errors, "mae", "", 2)
    looks = {label: (line.get_linestyle(), line.get_color()) for label, line in drawn(axes).items()}
    assert len(set(looks.values())) == 4
    assert [style == "-" for style, _ in looks.values()] == [True, True, False, False]


def test_steps_of_months_are_drawn_as_months(axes_of):
    (axes,) = axes_of(error_by_horizon, MONTH * np.arange(1, 4), {"model": [1.0, 2.0, 3.0]})
    assert axes.get_xlabel() == "months ahead"
    np.testing.assert_allclose(drawn(axes)["model"].get_xdata(), [1, 2, 3])


def test_what_is_known_at_no_horizon_is_left_out(axes_of):
    (axes,) = axes_of(error_by_horizon, [1, 2], {"model": [1.0, np.nan], "naive": [np.nan, np.nan]}, "mape")
    assert set(drawn(axes)) == {"model"} and "%" in axes.get_yticklabels()[0].get_text()


def test_coverage_leaves_an_hour_without_truth_empty_and_shows_the_worst(axes_of, forecast_evaluation_of):
    shares = forecast_evaluation_of()["intervals"]["by_hour"]
    (axes,) = axes_of(coverage_by_hour, shares, 0.9)
    assert np.array_equal(drawn(axes)["held"].get_ydata(), shares, equal_nan=True)
    assert axes.get_ylim()[0] < np.nanmin(shares) and axes.get_ylim()[1] >= 1.0
    assert "meant: 90%" in drawn(axes)
    (axes,) = axes_of(coverage_by_hour, np.full(24, np.nan), 0.9)
    assert axes.get_ylim()[0] > 0.5
    (axes,) = axes_of(coverage_by_hour, np.full(24, 0.02), 0.9)
    assert axes.get_ylim()[0] == 0.0
