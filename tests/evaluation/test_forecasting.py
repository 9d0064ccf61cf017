"""Evaluated forecasts against numbers worked out by hand, and what no metric may depend on."""

import numpy as np
import pytest

from research.errors import UserError
from research.evaluation.forecast_errors import seasonal_scale, window_losses
from research.evaluation.forecasting import evaluate_forecasts
from research.evaluation.metrics import FORECAST_ERRORS

COLUMNS = ("flow", "speed")


def hourly(N: int, P: int) -> np.ndarray:
    """Times [N, P] of windows that start one hour apart."""
    return np.datetime64("2016-03-04T00", "h") + np.arange(N)[:, None] + np.arange(P)


def evaluated(forecasts, truth, scale=(1.0, 1.0), **more):
    N, P, F = truth.shape
    return evaluate_forecasts(
        forecasts, truth, hourly(N, P), np.arange(1.0, P + 1), COLUMNS[:F], np.array(scale[:F]), **more
    )


@pytest.fixture
def drawn():
    draw = np.random.default_rng(0)
    truth = draw.uniform(1.0, 9.0, (60, 4, 2))
    truth[draw.random(truth.shape) < 0.1] = np.nan
    return np.where(np.isnan(truth), 5.0, truth) + draw.normal(size=truth.shape), truth


def test_metrics_equal_worked_out_values():
    truth, forecasts = np.array([[[10.0], [0.0]], [[20.0], [40.0]]]), np.array([[[12.0], [1.0]], [[15.0], [40.0]]])
    found = evaluated(forecasts, truth, scale=(4.0,))
    assert found.overall["mae"] == pytest.approx((2 + 1 + 5 + 0) / 4)
    assert found.overall["rmse"] == pytest.approx(np.sqrt((4 + 1 + 25 + 0) / 4))
    assert found.overall["mape"] == pytest.approx((0.20 + 0.25 + 0) / 3)  # the truth of 0 is left out
    assert found.overall["smape"] == pytest.approx((4 / 22 + 2 + 10 / 35 + 0) / 4)
    assert found.overall["mase"] == pytest.approx(2 / 4)
    assert found.zeros == 1
    assert found.per_horizon["mae"].tolist() == [3.5, 0.5]
    assert found.per_horizon["rmse"] == pytest.approx([np.sqrt(29 / 2), np.sqrt(1 / 2)])
    assert found.per_column["mae"].tolist() == [2.0]
    assert (found.windows, found.days, found.hours.tolist()) == (2, 1, [1.0, 2.0])


def test_a_perfect_forecast_errs_nowhere():
    truth = np.random.default_rng(1).normal(size=(5, 3, 2))
    found = evaluated(truth, truth)
    assert found.overall == dict.fromkeys(FORECAST_ERRORS, 0.0)
    assert all(np.array_equal(values, np.zeros(3)) for values in found.per_horizon.values())
    assert evaluated(np.zeros((2, 2, 1)), np.zeros((2, 2, 1))).overall["smape"] == 0.0


def test_what_is_forecast_for_unknown_truth_does_not_matter(drawn):
    forecasts, truth = drawn
    wild = np.where(np.isnan(truth), np.nan, forecasts)
    assert evaluated(wild, truth).metrics() == evaluated(forecasts, truth).metrics()


def test_a_change_of_unit_scales_what_is_in_that_unit_only(drawn):
    forecasts, truth = drawn
    here, there = evaluated(forecasts, truth), evaluated(12 * forecasts, 12 * truth, scale=(12.0, 12.0))
    for name in FORECAST_ERRORS:
        factor = 12 if name in ("mae", "rmse") else 1
        assert there.overall[name] == pytest.approx(factor * here.overall[name])
    assert there.mae_high95 == pytest.approx(12 * here.mae_high95)


def test_the_parts_average_to_the_whole(drawn):
    forecasts, truth = drawn
    found, known = evaluated(forecasts, truth), ~np.isnan(truth)
    by_horizon = np.average(found.per_horizon["mae"], weights=known.sum(axis=(0, 2)))
    by_column = np.average(found.per_column["rmse"] ** 2, weights=known.sum(axis=(0, 1)))
    by_window = np.average(window_losses(forecasts, truth), weights=known.sum(axis=(1, 2)))
    assert (by_horizon, by_window) == pytest.approx((found.overall["mae"], found.overall["mae"]))
    assert by_column == pytest.approx(found.overall["rmse"] ** 2)


def test_what_is_nowhere_known_is_not_a_number_and_no_metric():
    truth = np.array([[[1.0, np.nan], [np.nan, np.nan]]])
    found = evaluated(np.zeros((1, 2, 2)), truth, scale=(0.0, 1.0))
    assert np.isnan(found.per_horizon["mae"][1]) and np.isnan(found.per_column["mae"][1])
    assert np.isnan(found.overall["mase"])  # the one known column has no scale
    assert set(found.metrics()) == {"mae", "rmse", "mape", "smape"}  # of one day there is no interval either


def test_metrics_are_flat_plain_numbers(drawn):
    forecasts, truth = drawn
    metrics = evaluated(forecasts, truth, bounds=(forecasts - 2, forecasts + 2)).metrics()
    assert {*FORECAST_ERRORS, "mae_low95", "mae_high95", "interval_coverage", "interval_worst_hour_coverage"} < set(
        metrics
    )
    assert all(type(value) is float for value in metrics.values())
    assert metrics["mae_low95"] < metrics["mae"] < metrics["mae_high95"]


def test_forecasts_that_are_not_finite_are_named(drawn):
    forecasts, truth = drawn
    truth[2, 1, 0], forecasts[2, 1, 0] = 1.0, np.inf
    with pytest.raises(UserError, match=r"not finite for 1 of 60 windows \(the first is 2\).*learning rate"):
        evaluated(forecasts, truth)


def test_without_any_truth_nothing_is_evaluated():
    with pytest.raises(UserError, match="no target of any window is known"):
        evaluated(np.zeros((2, 2, 1)), np.full((2, 2, 1), np.nan))


@pytest.mark.parametrize("broken", ["forecasts", "hours", "columns", "times", "scale"])
def test_what_does_not_fit_together_is_refused(broken):
    given = {
        "forecasts": np.zeros((3, 2, 1)),
        "truth": np.zeros((3, 2, 1)),
        "times": hourly(3, 2),
        "hours": np.ones(2),
        "columns": ("flow",),
        "scale": np.ones(1),
    }
    with pytest.raises(ValueError, match=r"fit together|is not one number"):
        evaluate_forecasts(**(given | {broken: np.concatenate([given[broken]] * 2)}))


def test_seasonal_scale_is_the_seasonal_naive_error_within_spans():
    values = np.array([[1.0], [2.0], [4.0], [np.nan], [9.0], [100.0], [200.0], [103.0], [206.0]])
    # Rows 0..4: |4 - 1| and |9 - 4|, of which row 3 knows nothing; rows 5..8: |103 - 100| and |206 - 200|.
    assert seasonal_scale(values, [(0, 5), (5, 9)], 2).tolist() == [(3 + 5 + 3 + 6) / 4]
    assert np.isnan(seasonal_scale(values, [(0, 2)], 4)).all()


def test_losses_of_columns_are_put_on_one_scale():
    truth, forecasts = np.array([[[0.0, 0.0]], [[np.nan, np.nan]]]), np.array([[[3.0, 400.0]], [[1.0, 1.0]]])
    losses = window_losses(forecasts, truth, np.array([1.0, 100.0]))
    assert losses[0] == 3.5 and np.isnan(losses[1])
    assert window_losses(forecasts, truth, squared=True)[0] == (9 + 160000) / 2
