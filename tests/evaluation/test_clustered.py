"""Means over days: Student's interval where days are of one size, and honest where values repeat within a day."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from research.evaluation.clustered import clustered_mean


def test_days_of_one_size_give_students_interval_of_their_means():
    values = np.random.default_rng(0).normal(1.0, 2.0, (6, 4))
    found, expected = clustered_mean(values, np.arange(6)[:, None]), ttest_1samp(values.mean(axis=1), 0.0)
    low, high = expected.confidence_interval(0.95)
    assert (found["mean"], found["low95"], found["high95"]) == pytest.approx((values.mean(), low, high))
    assert found["p"] == pytest.approx(expected.pvalue)
    assert found["clusters"] == 6


def test_days_of_different_size_equal_worked_out_values():
    # Mean 3; sums less counts * 3: (1 + 2 - 6, 6 - 3) = (-3, 3); error sqrt(2 / 1 * 18) / 3 = 2; t(1) at 97.5%: 12.706.
    found = clustered_mean(np.array([1.0, 2.0, 6.0]), np.array([0, 0, 1]))
    assert found["mean"] == 3.0
    assert found["high95"] == pytest.approx(3 + 2 * 12.706205, rel=1e-6)


def test_what_is_unknown_does_not_count():
    values, days = np.array([1.0, np.nan, 3.0, 5.0, np.nan]), np.array([0, 0, 1, 2, 9])
    assert clustered_mean(values, days) == clustered_mean(values[[0, 2, 3]], days[[0, 2, 3]])
    with pytest.raises(ValueError, match="no known values"):
        clustered_mean(np.full(3, np.nan), np.arange(3))


def test_repeating_a_days_values_is_no_new_evidence():
    values, days = np.random.default_rng(1).normal(size=8), np.arange(8) // 2
    assert clustered_mean(np.tile(values, 50), np.tile(days, 50)) == pytest.approx(clustered_mean(values, days))


@pytest.mark.parametrize(("values", "days"), [([1.0, 3.0], [0, 0]), ([0.1 + 0.2, 0.3], [0, 1])])
def test_days_that_cannot_tell_have_a_mean_only(values, days):
    found = clustered_mean(np.array(values), np.array(days))
    assert found["low95"] is found["high95"] is found["p"] is None


def test_the_interval_holds_the_mean_in_nineteen_of_twenty_backtests():
    # 15 days of hourly errors that share a day's luck, seen by 24 overlapping windows each.
    draw, held = np.random.default_rng(2), 0
    for _ in range(400):
        hours = draw.normal(5.0, 1.0, (15, 1)) + draw.normal(0.0, 1.0, (15, 24))
        found = clustered_mean(np.repeat(hours, 24), np.repeat(np.arange(15), 24 * 24))
        assert found["low95"] is not None and found["high95"] is not None
        held += found["low95"] <= 5.0 <= found["high95"]
    assert held / 400 == pytest.approx(0.95, abs=3 * np.sqrt(0.05 * 0.95 / 400))
