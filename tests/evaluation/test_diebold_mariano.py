"""The Diebold-Mariano test: published formulas, its size where windows overlap, gaps, and what it must not see."""

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import t

from research.evaluation.diebold_mariano import DRAWS, by_day, diebold_mariano

GAPPY = np.concatenate([np.arange(91), 168 + np.arange(91), 552 + np.arange(19)])  # as traffic_pems' test windows


def newey_west(difference, positions, lag):
    """The variance of the mean, pair by pair."""
    residuals = difference - difference.mean()
    weights = np.maximum(0.0, 1 - np.abs(positions[:, None] - positions) / (lag + 1))
    return residuals @ weights @ residuals / len(difference) ** 2


@pytest.mark.parametrize(
    ("positions", "horizon", "lag"), [(np.arange(80), 1, 0), (np.arange(80), 6, 5), (GAPPY, 24, 47)]
)
def test_the_statistic_equals_the_published_formulas(positions, horizon, lag):
    a, b = np.random.default_rng(0).gamma(2.0, size=(2, len(positions)))
    found, n, h = diebold_mariano(a, b, positions, horizon, lag), len(positions), horizon
    plain = (a - b).mean() / np.sqrt(newey_west(a - b, positions, lag))
    expected = plain * np.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    assert found["statistic"] == pytest.approx(expected)
    assert found["p_student"] == pytest.approx(2 * t.sf(abs(expected), n - 1))


def test_one_step_ahead_on_independent_losses_is_a_t_test():
    a, b = np.random.default_rng(1).normal(0.1, 1.0, size=(2, 200))
    found = diebold_mariano(a, b + 0.1, np.arange(200), 1, lag=0)
    error = (a - b - 0.1).std() / np.sqrt(200)
    assert found["high95"] is not None
    assert found["high95"] - found["mean"] == pytest.approx(1.972 * error, rel=0.03)
    assert found["p"] == pytest.approx(found["p_student"], abs=0.02)


def averages(draw, positions, horizon, carry):
    """Loss differences of windows [N]: those of steps, an AR(1) with mean 0, averaged over each horizon."""
    noise = lfilter([1.0], [1.0, -carry], draw.standard_normal(positions[-1] + horizon + 100))[100:]
    sums = np.concatenate([[0.0], np.cumsum(noise)])
    return (sums[positions + horizon] - sums[positions]) / horizon


@pytest.mark.parametrize(("positions", "horizon", "carry"), [(GAPPY, 24, 0.5), (np.arange(300), 1, 0.0)])
def test_equal_models_are_told_apart_once_in_twenty(positions, horizon, carry):
    draw, none = np.random.default_rng(2), np.zeros(len(positions))
    found = [diebold_mariano(averages(draw, positions, horizon, carry), none, positions, horizon) for _ in range(500)]
    band = 3 * np.sqrt(0.05 * 0.95 / 500)
    assert np.mean([one["p"] <= 0.05 for one in found]) == pytest.approx(0.05, abs=band)
    assert np.mean([one["low95"] <= 0 <= one["high95"] for one in found]) == pytest.approx(0.95, abs=band)
    if horizon > 1:  # what Student's t would claim over few windows that overlap
        assert np.mean([one["p_student"] < 0.05 for one in found]) > 0.09


def test_a_real_difference_is_found_and_antisymmetric():
    draw = np.random.default_rng(3)
    a, b = 5 + averages(draw, GAPPY, 24, 0.0), 6 + averages(draw, GAPPY, 24, 0.0)
    there, back = diebold_mariano(a, b, GAPPY, 24), diebold_mariano(b, a, GAPPY, 24)
    assert there["p"] is not None and there["p"] < 0.01
    assert there["high95"] is not None and back["low95"] is not None
    assert there["mean"] == -back["mean"] and there["high95"] == pytest.approx(-back["low95"]) and there["high95"] < 0


def test_no_difference_is_beyond_all_doubt():
    a = np.random.default_rng(8).normal(size=100)
    assert diebold_mariano(a, a + 1e3 + 1e-3 * a, np.arange(100), 6)["p"] == 1 / (DRAWS + 1)


def test_order_and_unknown_windows_do_not_matter():
    draw = np.random.default_rng(4)
    a, b = draw.normal(size=(2, len(GAPPY)))
    order, expected = draw.permutation(len(GAPPY)), diebold_mariano(a, b, GAPPY, 24)
    assert diebold_mariano(a[order], b[order], GAPPY[order], 24) == pytest.approx(expected)
    more = [np.append(part, np.nan) for part in (a, b)]
    assert diebold_mariano(*more, np.append(GAPPY, 900), 24) == expected


def test_gaps_of_any_length_beyond_the_reach_are_the_same():
    a, b = np.random.default_rng(5).normal(size=(2, 100))
    near, far = (np.concatenate([np.arange(50), gap + np.arange(50)]) for gap in (200, 3000))
    assert diebold_mariano(a, b, near, 24) == diebold_mariano(a, b, far, 24)
    assert diebold_mariano(a, b, near, 24)["statistic"] != diebold_mariano(a, b, np.arange(100), 24)["statistic"]


def test_windows_a_stride_apart_are_the_same_as_a_coarser_clock():
    a, b = np.random.default_rng(6).normal(size=(2, 60))
    fine, coarse = diebold_mariano(a, b, 6 * np.arange(60), 24, lag=47), diebold_mariano(a, b, np.arange(60), 4, lag=7)
    # The weight of windows k strides apart is 1 - 6 k / 48 here and 1 - k / 8 there; a horizon spans 4 windows.
    assert fine["statistic"] == pytest.approx(coarse["statistic"])
    assert diebold_mariano(a, b, 6 * np.arange(60), 24)["lag"] == 6 * 11  # 1.3 sqrt(60) windows


@pytest.mark.parametrize(
    ("a", "b", "horizon"),
    [([1.0], [2.0], 1), ([1.0, 2.0, 3.0], [2.0, 3.0, 4.0], 1), ([1.0, 2.0, 4.0], [1.0, 1.0, 1.0], 24)],
)
def test_windows_that_cannot_tell_have_a_mean_only(a, b, horizon):
    found = diebold_mariano(np.array(a), np.array(b), np.arange(len(a)), horizon)
    assert found["mean"] == np.mean(np.subtract(a, b)) and found["windows"] == len(a)
    assert all(found[name] is None for name in ("low95", "high95", "statistic", "p", "p_student"))


@pytest.mark.parametrize(
    ("a", "positions", "message"),
    [
        ([1.0, 2.0, 3.0], [0, 1], "cannot be compared"),
        ([np.nan, np.nan], [0, 1], "nothing is known"),
        ([1.0, np.inf], [0, 1], "not finite"),
        ([1.0, 2.0], [4, 4], "at one position"),
    ],
)
def test_what_cannot_be_compared_is_refused(a, positions, message):
    with pytest.raises(ValueError, match=message):
        diebold_mariano(np.array(a), np.zeros(len(a)), np.array(positions), 1)


def test_by_day_is_the_paired_t_test_of_daily_means():
    a, b = np.random.default_rng(7).normal(size=(2, 5, 24))
    found, daily = by_day(a, b, np.arange(5)[:, None]), (a - b).mean(axis=1)
    assert found["mean"] == pytest.approx(daily.mean()) and found["clusters"] == 5
    assert found["p"] == pytest.approx(2 * t.sf(abs(daily.mean()) / (daily.std(ddof=1) / np.sqrt(5)), 4))


def test_the_interval_excludes_zero_exactly_where_p_is_at_most_five_percent():
    noise, flat = np.random.default_rng(0).normal(size=40), np.zeros(40)
    low, high = 0.0, 5.0  # between these leads p crosses 5%
    for _ in range(60):
        lead = (low + high) / 2
        found = diebold_mariano(noise - noise.mean() + lead, flat, np.arange(40), 1, lag=0)
        assert (found["low95"] > 0) == (found["p"] <= 0.05)
        low, high = (low, lead) if found["p"] <= 0.05 else (lead, high)
    assert found["p"] == pytest.approx(0.05, abs=2e-4)
