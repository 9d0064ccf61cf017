"""Intervals against published and worked-out values."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from research.evaluation.intervals import across_seeds, assured, fewest_for, proportion, rank_of, student_half_width


def wilson(successes: int, trials: int) -> tuple[float, float]:
    z, share = norm.ppf(0.975), successes / trials
    centre = share + z * z / (2 * trials)
    reach = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2))
    return (centre - reach) / (1 + z * z / trials), (centre + reach) / (1 + z * z / trials)


@pytest.mark.parametrize(("successes", "trials"), [(5, 10), (1, 7), (9931, 10000), (0, 10), (10, 10), (347, 360)])
def test_proportion_is_wilsons_interval(successes, trials):
    assert proportion(successes, trials) == pytest.approx(wilson(successes, trials), abs=1e-9)


def test_proportion_equals_published_values():
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3
    assert proportion(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert proportion(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert proportion(0, 20) == pytest.approx((0.0000, 0.1611), abs=5e-5)
    assert proportion(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)


def test_across_seeds_known_values():
    found = across_seeds([1.0, 2.0, 3.0, 4.0, 5.0])
    assert found["mean"] == 3.0
    assert found["std"] == pytest.approx(math.sqrt(2.5))
    half = 2.7764451 * math.sqrt(2.5 / 5)  # t at 0.975 with 4 degrees of freedom, from any table
    assert (found["low95"], found["high95"]) == pytest.approx((3 - half, 3 + half), rel=1e-6)
    assert found["values"] == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_across_seeds_covers_the_mean_95_times_in_100():
    values = np.random.default_rng(0).normal(7.0, 2.0, (2000, 4))
    std = values.std(axis=1, ddof=1)
    half = np.array([student_half_width(1.0, 4)]) * std
    inside = np.mean(np.abs(values.mean(axis=1) - 7.0) <= half)
    assert 0.935 < inside < 0.965


def test_one_seed_has_no_interval():
    assert across_seeds([0.5]) == {"mean": 0.5, "std": None, "low95": None, "high95": None, "values": [0.5]}


def test_equal_seeds_have_an_interval_of_no_width():
    found = across_seeds([0.25, 0.25, 0.25])
    assert found["std"] == 0.0
    assert found["low95"] == found["high95"] == 0.25


def test_no_values_are_refused():
    with pytest.raises(ValueError, match="no values"):
        across_seeds([])


def test_an_interval_ends_where_the_metric_does():
    free, bounded = across_seeds([0.99, 1.0]), across_seeds([0.99, 1.0], 0.0, 1.0)
    assert free["high95"] > 1 and bounded["high95"] == 1.0
    assert free["low95"] == bounded["low95"] and free["mean"] == bounded["mean"]


WRITTEN = [(0.9, 9, 9), (0.9, 19, 18), (0.9, 29, 27), (0.9, 99, 90), (0.9, 10, 10), (0.29, 99, 29), (0.57, 99, 57)]
SUMS = [(1 - 0.1, 9, 9), (0.1 * 3, 9, 3), (0.7 + 0.2, 19, 18), (0.95, 19, 19), (0.9, 8, 9), (0.999, 999, 999)]


@pytest.mark.parametrize(("level", "n", "rank"), [*WRITTEN, *SUMS])
def test_a_rank_is_that_of_the_level_as_it_was_written(level, n, rank):
    assert rank_of(level, n) == rank
    assert rank_of(np.float64(level), n) == rank


@pytest.mark.parametrize(("level", "fewest"), [(0.9, 9), (0.95, 19), (0.99, 99), (0.999, 999), (0.8, 4), (0.85, 6)])
def test_the_fewest_values_are_those_whose_rank_is_among_them(level, fewest):
    assert fewest_for(level) == fewest
    assert rank_of(level, fewest) == fewest and rank_of(level, fewest - 1) == fewest


@pytest.mark.parametrize(("level", "n"), [(0.9, 9), (0.8, 5), (0.9, 40)])
def test_coverage_is_less_than_what_is_assured_in_one_of_twenty_samples(level, n):
    uniform = np.sort(np.random.default_rng(0).random((20_000, n)), axis=1)  # the coverage of a value is itself
    short = np.mean(uniform[:, rank_of(level, n) - 1] < assured(level, n))
    assert short == pytest.approx(0.05, abs=0.006)
    with pytest.raises(ValueError, match="8 values cannot hold 90%"):
        assured(0.9, 8)
