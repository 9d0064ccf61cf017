"""The one table of metrics, and that all who name a metric find it there."""

import math

import numpy as np
import pytest

from research.evaluation.classification import evaluate_logits
from research.evaluation.forecast_errors import errors_of_cells
from research.evaluation.metrics import FORECAST_ERRORS, ROWS, metric_names, metric_of
from research.evaluation.regression import evaluate_regression
from research.experiment.images import loss as images
from research.experiment.series import loss as series


def test_every_metric_has_one_row_with_sound_bounds():
    assert len({row.name for row in ROWS}) == len({row.label for row in ROWS}) == len(ROWS)
    assert all(row.low < row.high for row in ROWS)


def test_every_metric_that_is_measured_has_a_row():
    found = evaluate_logits(np.eye(3), np.arange(3), "abc").metrics()
    found |= evaluate_regression(np.arange(3), np.ones(3), (np.zeros(3), np.ones(3))).metrics()
    for name in (*found, *images.METRICS, *series.METRICS, *FORECAST_ERRORS):
        assert metric_of(f"test/{name}").name == name.removesuffix("_low95").removesuffix("_high95")
    assert set(FORECAST_ERRORS) == set(errors_of_cells(np.ones((1, 1, 1)), np.ones((1, 1, 1)), np.ones(1)))


def test_every_metric_that_early_stopping_may_watch_has_a_better_way():
    signs = {name: metric_of(name).sign for name in (*images.METRICS, *series.METRICS)}
    assert signs == {"loss": 1.0, "accuracy": -1.0, "scaled_mae": 1.0}
    with pytest.raises(ValueError, match="coverage"):
        _ = metric_of("interval_coverage").sign


def test_r2_is_best_at_its_upper_bound_and_has_no_lower_one():
    assert metric_of("r2").bounded(1.5) == 1.0 and metric_of("r2").bounded(-7.0) == -7.0
    assert sorted([-3.0, 0.9, 0.2], key=metric_of("r2").sort_key) == [0.9, 0.2, -3.0]
    assert sorted([0.3, 0.1], key=metric_of("rmsle").sort_key) == [0.1, 0.3]


def test_a_metric_without_a_row_is_named():
    with pytest.raises(ValueError, match="auc"):
        metric_of("test/auc")


def test_what_is_unknown_is_last_whichever_way_is_better():
    values = [0.5, math.nan, 0.2, None, 0.9]
    assert sorted(values, key=metric_of("accuracy").sort_key)[:3] == [0.9, 0.5, 0.2]
    assert sorted(values, key=metric_of("mae").sort_key)[:3] == [0.2, 0.5, 0.9]


def test_forecast_errors_reach_their_bounds_and_no_further():
    cells = errors_of_cells(np.array([[[3.0], [-1.0]]]), np.array([[[1.0], [1.0]]]), np.ones(1))
    assert metric_of("mape").high > cells["mape"].max() == 2.0  # 200%
    assert metric_of("smape").high == cells["smape"].max() == 2.0
    assert metric_of("mae").bounded(-1.0) == 0.0 and metric_of("mae").bounded(None) is None


def test_names_go_without_the_ends_of_intervals():
    assert metric_names(["loss", "mae", "mae_low95", "mae_high95", "loss"]) == ["loss", "mae"]
