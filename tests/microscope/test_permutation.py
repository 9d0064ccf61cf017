"""Permutation p-values against full enumeration, and their error rates when there is nothing to find."""

import itertools

import numpy as np
import pytest
from scipy.stats import binom, kstest, mannwhitneyu

from research.microscope.permutation import permutation_p

HALF = np.arange(40) < 20
RUNS = 400


def noise(random, filters, *, shared=0.0):
    """Responses [40, F] that know nothing of `HALF`; correlated by `shared`."""
    own, common = random.normal(size=(40, filters)), random.normal(size=(40, 1))
    return np.sqrt(1 - shared) * own + np.sqrt(shared) * common


def within_band(errors, rate=0.05):
    low, high = binom.interval(0.99, len(errors), rate)
    return low <= np.count_nonzero(errors) <= high


def enumerated(responses, positives, alternative):
    """p by all C(N, positives) memberships; the first `positives` pictures are the positives."""

    def value(members):
        others = np.delete(responses, members)
        wins = np.sign(responses[list(members)][:, None] - others).sum()
        return abs(wins) if alternative == "two-sided" else wins

    found = [value(members) for members in itertools.combinations(range(len(responses)), positives)]
    return np.mean(np.array(found) >= value(tuple(range(positives))))


@pytest.mark.parametrize("alternative", ["greater", "two-sided"])
def test_p_is_mann_whitneys_exact_p(alternative):
    responses = np.random.default_rng(0).normal(size=(11, 8))
    responses[:5] += 0.7
    p, _ = permutation_p(responses, np.arange(11) < 5, permutations=20_000, seed=1, alternative=alternative)
    exact = mannwhitneyu(responses[:5], responses[5:], alternative=alternative, method="exact").pvalue
    assert np.all(np.abs(p - exact) < 4 * np.sqrt(exact * (1 - exact) / 20_000) + 1e-4)


@pytest.mark.parametrize("alternative", ["greater", "two-sided"])
def test_p_is_the_enumerated_one_where_there_are_ties(alternative):
    responses = np.random.default_rng(3).integers(0, 3, size=(9, 6)).astype(float)
    p, _ = permutation_p(responses, np.arange(9) < 4, permutations=20_000, seed=1, alternative=alternative)
    exact = np.array([enumerated(column, 4, alternative) for column in responses.T])
    assert np.all(np.abs(p - exact) < 4 * np.sqrt(exact * (1 - exact) / 20_000) + 1e-4)


def test_p_is_never_zero_nor_above_one_nor_above_the_corrected_p():
    random = np.random.default_rng(4)
    responses = np.maximum(noise(random, 50) + np.linspace(-4, 4, 50) * HALF[:, None], 0)
    p, corrected = permutation_p(responses, HALF, permutations=99, seed=0)
    assert p.min() == corrected.min() == 1 / 100
    assert np.all(p <= corrected)
    assert np.all(corrected <= 1)
    assert np.any(p < corrected)


def test_of_one_filter_there_is_nothing_to_correct():
    responses = noise(np.random.default_rng(5), 1)
    p, corrected = permutation_p(responses, HALF, permutations=199, seed=0)
    assert np.array_equal(p, corrected)


def test_twins_of_a_filter_cost_nothing():
    # max-statistic, unlike Bonferroni: 100 copies are one filter; and stretching a copy changes no rank
    responses = noise(np.random.default_rng(6), 1)
    p, corrected = permutation_p(np.exp(responses * np.linspace(0.5, 2, 100)), HALF, permutations=199, seed=0)
    assert np.all(corrected == p[0])


def test_constant_filters_have_p_one_and_disturb_nobody():
    responses = noise(np.random.default_rng(7), 3)
    padded = np.hstack([responses, np.zeros((40, 2)), np.full((40, 1), -1e30)])
    for alternative in ("greater", "two-sided"):
        p, corrected = permutation_p(padded, HALF, permutations=199, seed=0, alternative=alternative)
        alone = permutation_p(responses, HALF, permutations=199, seed=0, alternative=alternative)
        assert np.all(p[3:] == 1)
        assert np.all(corrected[3:] == 1)
        assert np.array_equal(p[:3], alone[0])


def test_a_filter_of_many_ties_is_found_among_smooth_ones():
    # silent but for 12 of the 20 positives: AUROC 0.8, as surprising as 0.88 of a smooth filter
    responses = noise(np.random.default_rng(8), 200)
    responses[:, 7] = np.arange(40) < 12
    _, corrected = permutation_p(responses, HALF, permutations=999, seed=0)
    assert corrected[7] < 0.02


def test_blocks_change_no_bit_and_the_seed_does():
    responses = noise(np.random.default_rng(9), 30).round(1)
    whole = permutation_p(responses, HALF, permutations=300, seed=0, block=300)
    for block in (1, 7, 256):
        assert np.array_equal(whole, permutation_p(responses, HALF, permutations=300, seed=0, block=block))
    assert not np.array_equal(whole, permutation_p(responses, HALF, permutations=300, seed=1))


def test_two_sided_hears_silence_and_greater_does_not():
    responses = noise(np.random.default_rng(10), 1) - 3 * HALF[:, None]
    assert permutation_p(responses, HALF, permutations=199, seed=0)[0] == 1
    assert permutation_p(responses, HALF, permutations=199, seed=0, alternative="two-sided")[0] == 1 / 200


@pytest.mark.parametrize("alternative", ["greater", "two-sided"])
def test_a_decoys_p_is_uniform(alternative):
    random, p = np.random.default_rng(11), []
    for run in range(RUNS):
        p += permutation_p(noise(random, 1), HALF, permutations=399, seed=run, alternative=alternative)[0].tolist()
    assert kstest(p, "uniform").pvalue > 0.01
    assert within_band(np.array(p) <= 0.05)


def test_false_positive_rate_on_shuffled_labels():
    # responses that are very different among the pictures, as a trained filter's are; the labels are what is random
    random = np.random.default_rng(12)
    responses = np.maximum(random.standard_t(2, size=(40, 1)), 0)
    p = [permutation_p(responses, random.permutation(HALF), permutations=199, seed=run)[0] for run in range(RUNS)]
    assert within_band(np.array(p) <= 0.05)


@pytest.mark.parametrize("shared", [0.0, 0.9])
def test_family_wise_error_over_512_filters(shared):
    random, smallest, uncorrected = np.random.default_rng(13), [], []
    for run in range(RUNS):
        p, corrected = permutation_p(noise(random, 512, shared=shared), HALF, permutations=199, seed=run)
        smallest.append(corrected.min())
        uncorrected.append(p.min())
    assert within_band(np.array(smallest) <= 0.05)
    assert not within_band(np.array(uncorrected) <= 0.05)
