"""AUROC and its interval against scikit-learn, the jackknife, the binomial distribution and simulation."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest, norm
from sklearn.metrics import roc_auc_score

from research.microscope.auroc import auroc, interval


def mixed(seed=0, positives=13, negatives=20):
    """Responses [N, 6]: smooth, reversed, rounded (ties), mostly zero (a ReLU's), two-valued, constant."""
    random = np.random.default_rng(seed)
    positive = random.permutation(np.arange(positives + negatives) < positives)
    smooth = random.normal(size=len(positive)) + positive
    columns = [smooth, -smooth, smooth.round(), np.maximum(smooth - 1, 0), smooth > 0.5, np.full(len(positive), 3.25)]
    return np.stack(columns, axis=1).astype(np.float32), positive


def outcome(positives, negatives):
    return np.r_[positives, negatives].astype(float)[:, None], np.arange(len(positives) + len(negatives)) < len(
        positives
    )


def test_auroc_is_scikit_learns_with_ties_too():
    responses, positive = mixed()
    expected = [roc_auc_score(positive, column) for column in responses.T]
    assert auroc(responses, positive) == pytest.approx(expected, abs=1e-12)


def test_auroc_counts_ties_half():
    assert auroc(*outcome([1, 2], [0, 2])) == [(1 + 0 + 1 + 0.5) / 4]


def test_auroc_of_the_reversed_filter_is_the_complement():
    responses, positive = mixed()
    assert auroc(-responses, positive) == pytest.approx(1 - auroc(responses, positive), abs=1e-12)


def test_auroc_and_interval_see_ranks_only():
    responses, positive = mixed()
    stretched = np.exp(responses.astype(np.float64))
    assert np.array_equal(auroc(stretched, positive), auroc(responses, positive))
    assert np.array_equal(interval(stretched, positive), interval(responses, positive))


def test_a_filter_does_not_depend_on_its_neighbours():
    responses, positive = mixed()
    whole = np.stack([auroc(responses, positive), *interval(responses, positive)])
    alone = [np.r_[auroc(column, positive), *interval(column, positive)] for column in np.split(responses, 6, axis=1)]
    assert np.array_equal(whole.T, alone)


def test_interval_is_delongs_on_the_logit_scale():
    # Leaving one item of a side of m out, the AUROC becomes (m A - V) / (m - 1): scikit-learn tells V (and W) so.
    responses, positive = mixed()
    low, high = interval(responses, positive)
    for column, filter_low, filter_high in list(zip(responses.T, low, high, strict=True))[:5]:
        area, variance = roc_auc_score(positive, column), 0.0
        for side in (np.flatnonzero(positive), np.flatnonzero(~positive)):
            left = [roc_auc_score(np.delete(positive, i), np.delete(column, i)) for i in side]
            variance += np.var(len(side) * area - (len(side) - 1) * np.array(left), ddof=1) / len(side)
        middle, half = np.log(area / (1 - area)), norm.ppf(0.975) * np.sqrt(variance) / (area * (1 - area))
        expected = 1 / (1 + np.exp(-(middle - half))), 1 / (1 + np.exp(-(middle + half)))
        assert (filter_low, filter_high) == pytest.approx(expected, abs=1e-9)


def test_interval_worked_by_hand():
    # V = 1, 3/4, 1/2 and W = 1, 1, 2/3, 1/3 give A = 3/4, var V = 1/16, var W = 11/108
    low, high = interval(*outcome([6, 4, 2], [0, 1, 3, 5]))
    half = 1.959964 * np.sqrt(1 / 48 + 11 / 432) / (3 / 16)
    odds = 3 * np.exp([-half, half])
    assert (low[0], high[0]) == pytest.approx(odds / (1 + odds), abs=1e-6)


@pytest.mark.parametrize("area", [0.6, 0.8, 0.95])
def test_interval_covers_the_true_area_95_times_in_100(area):
    runs, random = 4000, np.random.default_rng(1)
    positive = np.arange(120) < 50
    responses = random.normal(size=(120, runs)) + np.sqrt(2) * norm.ppf(area) * positive[:, None]
    low, high = interval(responses, positive)
    covered = np.mean((low <= area) & (area <= high))
    assert 0.94 < covered < 0.965, covered  # binomial error: 0.0034; the rest is DeLong's approximation


def test_a_perfect_filter_is_not_certain():
    responses, positive = outcome(np.arange(9, 19), np.arange(8))
    low, high = interval(np.hstack([responses, -responses]), positive)
    # the exact limit of 8 successes in 8 trials: the smaller side makes so many independent pairs
    limit = binomtest(8, 8).proportion_ci(0.95, method="exact").low
    assert (low[0], high[0]) == pytest.approx((limit, 1))
    assert (low[1], high[1]) == pytest.approx((0, 1 - limit))


def test_a_perfect_outcome_is_as_rare_as_its_interval_says():
    # the worst case: the others leave the filter cold (0), the thing is above with probability `limit`, else below
    limit, runs = interval(*outcome(np.arange(8, 16), np.arange(8)))[0][0], 20_000
    above = np.random.default_rng(2).random((8, runs)) < limit
    perfect = auroc(np.vstack([np.where(above, 1, -1), np.zeros((8, runs))]), np.arange(16) < 8) == 1
    low, high = binom.interval(0.99, runs, 0.025)
    assert low <= np.count_nonzero(perfect) <= high


def test_a_constant_filter_has_half_and_an_interval_around_it():
    responses, positive = mixed()
    low, high = interval(responses, positive)
    assert auroc(responses, positive)[5] == 0.5
    assert high[5] - 0.5 == pytest.approx(0.5 - low[5])
    assert 0.1 < high[5] - 0.5 < 0.5


def test_intervals_stay_in_place_for_every_small_outcome():
    # all 2^8 ways to put 8 ranks on two sides: neither NaN, nor a point, nor beyond [0, 1]
    for code in range(256):
        positive = np.array([code >> bit & 1 for bit in range(8)], bool)
        if 2 <= positive.sum() <= 6:
            low, high = interval(np.arange(8.0)[:, None], positive)
            assert 0 <= low[0] < auroc(np.arange(8.0)[:, None], positive)[0] + 1e-12 < high[0] + 2e-12
            assert low[0] < high[0] <= 1


def test_wrong_arrays_are_refused():
    responses, positive = mixed()
    with pytest.raises(ValueError, match="of bool"):
        auroc(responses, positive.astype(int))
    with pytest.raises(ValueError, match="1 of each"):
        auroc(responses, np.zeros_like(positive))
    with pytest.raises(ValueError, match="2 of each"):
        interval(responses, np.arange(len(positive)) == 0)
