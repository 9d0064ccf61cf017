"""Intervals scored against numbers worked out by hand; the true quantiles score best."""

import numpy as np
import pytest
from scipy.stats import norm

from research.evaluation.interval_scores import interval_scores, winkler_scores

TIMES = np.array([["2016-03-04T00:00", "2016-03-04T07:30"], ["2016-03-05T00:05", "2016-03-06T07:00"]], "datetime64[m]")


def cells(*values: float) -> np.ndarray:
    """Four values as [2, 2, 1]."""
    return np.array(values).reshape(2, 2, 1)


def test_scores_equal_worked_out_values():
    low, high, truth = cells(2, 10, 10, 0), cells(2, 14, 12, 4), cells(2, np.nan, 9.5, 5)
    found = interval_scores(low, high, truth, TIMES, 0.8)
    assert found.coverage == pytest.approx(1 / 3)  # the ends belong to the interval
    assert (found.by_hour[0], found.by_hour[7]) == (0.5, 0.0) and np.isnan(np.delete(found.by_hour, [0, 7])).all()
    assert (found.days_by_hour[0], found.days_by_hour[7]) == (2, 1)
    assert (found.worst_hour, found.worst) == (7, 0.0)
    assert found.width == pytest.approx((0 + 2 + 4) / 3)
    assert found.winkler == pytest.approx((0 + (2 + 10 * 0.5) + (4 + 10 * 1)) / 3)
    assert found.per_horizon.tolist() == [0.5, 0.0]


@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_of_a_normal_variable_the_true_quantiles_have_the_least_winkler_score(coverage):
    z = norm.ppf((1 + coverage) / 2)
    truth = norm.ppf((np.arange(4000) + 0.5) / 4000)
    closed = 2 * norm.pdf(z) / ((1 - coverage) / 2)  # E(width + penalty), integrated by parts
    scores = [float(winkler_scores(-z * f, z * f, truth, coverage).mean()) for f in (0.8, 0.95, 1.0, 1.05, 1.2)]
    assert scores[2] == pytest.approx(closed, rel=2e-3)
    assert np.argmin(scores) == 2


def test_coverage_interval_stays_within_all_and_nothing():
    truth = np.zeros((40, 1, 1))
    truth[:3] = 2.0
    times = np.datetime64("2016-03-04", "h") + 24 * np.arange(40)[:, None]
    found = interval_scores(truth * 0 - 1, truth * 0 + 1, truth, times)
    assert found.coverage_low95 is not None
    assert found.coverage == 37 / 40 and 0 < found.coverage_low95 < 37 / 40 and found.coverage_high95 == 1.0


def test_broken_intervals_are_refused():
    with pytest.raises(ValueError, match="above its high end"):
        interval_scores(cells(3, 0, 0, 0), cells(2, 1, 1, 1), cells(1, 1, 1, 1), TIMES)
    with pytest.raises(ValueError, match="not a number"):
        interval_scores(cells(np.nan, 0, 0, 0), cells(2, 1, 1, 1), cells(1, 1, 1, 1), TIMES)
    with pytest.raises(ValueError, match="do not fit"):
        interval_scores(cells(0, 0, 0, 0), cells(1, 1, 1, 1), cells(1, 1, 1, 1), TIMES[:1])
