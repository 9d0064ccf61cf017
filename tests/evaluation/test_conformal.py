"""Conformal widths: the textbook rank, coverage on exchangeable days, and what must not change it."""

import re

import numpy as np
import pytest

from research.errors import UserError
from research.evaluation.conformal import conformal_widths, quantile_widths, too_few_days


def column(values) -> np.ndarray:
    """Values [N] as residuals [N, 1, 1]."""
    return np.asarray(values, float)[:, None, None]


def one_group(residuals, days, coverage=0.9, **more):
    return conformal_widths(residuals, np.zeros(days.shape, int), days, coverage, count=1, **more)


@pytest.mark.parametrize(("n", "coverage"), [(9, 0.9), (10, 0.9), (19, 0.9), (27, 0.9), (40, 0.5), (99, 0.95)])
def test_with_one_residual_a_day_the_width_is_the_textbook_rank(n, coverage):
    residuals = np.random.default_rng(n).normal(size=n)
    found = one_group(column(residuals), np.arange(n)[:, None], coverage)
    rank = int(np.ceil((n + 1) * coverage - 1e-9))
    assert found.above[0, 0] == found.below[0, 0] == np.sort(np.abs(residuals))[rank - 1]
    assert found.promised[0, 0] == coverage


@pytest.mark.parametrize("signed", [False, True])
def test_new_days_are_covered_as_promised(signed):
    # Skewed residuals that repeat within a day, hours of different spread: every hour must hold 90% of new days.
    draw, spread = np.random.default_rng(0), np.array([1.0, 3.0, 10.0])
    hours, days = np.tile(np.arange(3), (20, 1)), np.repeat(np.arange(20), 3).reshape(20, 3)
    held = []
    for _ in range(600):
        sample = (draw.exponential(size=(21, 3)) - 1) * spread
        found = conformal_widths(sample[:20, :, None], hours, days, signed=signed, count=3)
        low, high = found.around(np.zeros((1, 3, 1)), np.zeros((1, 3, 1)), hours[:1])
        held.append((low[0, :, 0] <= sample[20]) & (sample[20] <= high[0, :, 0]))
    ranks = 2 * 20 / 21 - 1 if signed else 19 / 21  # ceil(21 * .95) = 20 a side; ceil(21 * .9) = 19
    assert np.mean(held, axis=0) == pytest.approx([ranks] * 3, abs=3 * np.sqrt(ranks * (1 - ranks) / 600))


def test_seeing_a_days_residuals_many_times_is_no_new_evidence():
    residuals, days = np.random.default_rng(1).normal(size=30), np.arange(30) // 3
    once, often = (one_group(column(np.tile(residuals, k)), np.tile(days, k)[:, None]) for k in (1, 24))
    assert once.above == often.above and once.days == often.days == 10
    apart = one_group(column(np.tile(residuals, 24)), np.arange(720)[:, None])
    assert apart.above < often.above  # as if windows were independent: too narrow


def test_a_days_residuals_share_one_weight():
    # Day 0 has 90 small residuals, days 1..9 one each: 90% of 11 days is 9.9, so only the widest will do.
    residuals = np.concatenate([np.full(90, 0.1), np.arange(1.0, 10.0)])
    days = np.concatenate([np.zeros(90, int), np.arange(1, 10)])
    assert one_group(column(residuals), days[:, None]).above[0, 0] == 9.0
    assert one_group(column(residuals), days[:, None], 0.5).above[0, 0] == 5.0  # 5.5 of 11: day 0 and 1..5


@pytest.mark.parametrize(("level", "fewest"), [(0.9, 9), (0.95, 19), (0.99, 99), (0.8, 4), (2 / 3, 2), (0.5, 1)])
@pytest.mark.parametrize("signed", [False, True])
def test_below_the_fewest_days_that_hold_the_level_there_is_no_interval(level, fewest, signed):
    coverage = 2 * level - 1 if signed else level
    if not coverage:
        return
    for n in (fewest - 1, fewest):
        residuals, days = column(np.arange(1.0, n + 1)), np.arange(n)[:, None]
        reason = too_few_days(residuals, days, coverage, ["flow"], signed)
        if n >= fewest:
            assert not reason and one_group(residuals, days, coverage, signed=signed).above[0, 0] == n
        elif n:
            assert f"takes {fewest} held-out days, and column flow has {n}: hold out more" in reason
            with pytest.raises(UserError, match=f"no interval: .* takes {fewest} held-out days, and column 1 has {n}"):
                one_group(residuals, days, coverage, signed=signed)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 6, 8, 17])
def test_the_level_that_is_advised_is_one_that_the_days_hold(n, signed):
    residuals, days = column(np.arange(1.0, n + 1)), np.arange(n)[:, None]
    advised = re.search(r"--forecast.coverage ([0-9.]+)\)", too_few_days(residuals, days, 0.99, signed=signed))
    assert (advised is None) == (signed and n == 1)
    if advised:
        assert one_group(residuals, days, float(advised[1]), signed=signed).above[0, 0] == n


def test_hours_with_too_few_days_take_in_their_neighbours_around_midnight():
    days, hours = np.repeat(np.arange(12), 24).reshape(12, 24), np.tile(np.arange(24), (12, 1))
    residuals = np.broadcast_to(np.arange(24.0), (12, 24)).copy()[:, :, None]
    residuals[:, 0] = np.nan  # nothing known of hour 0
    residuals[5:, 12] = np.nan  # five days of hour 12
    found = conformal_widths(residuals, hours, days)
    assert np.flatnonzero(found.reach[:, 0]).tolist() == [0, 12]
    assert found.above[0, 0] == 23.0  # of hours 23 and 1
    assert found.above[12, 0] == 13.0 and found.days[12, 0] == 12
    assert np.array_equal(np.delete(found.above[:, 0], [0, 12]), np.delete(np.arange(24.0), [0, 12]))


def test_neighbours_are_pooled_on_request():
    residuals, days = np.random.default_rng(2).normal(size=(12, 24, 1)), np.repeat(np.arange(12), 24).reshape(12, 24)
    hours = np.tile(np.arange(24), (12, 1))
    pooled = conformal_widths(residuals, hours, days, neighbours=12)
    assert np.array_equal(pooled.above, np.full((24, 1), one_group(residuals, days).above[0, 0]))


def test_unknown_residuals_and_the_order_of_windows_do_not_matter():
    draw = np.random.default_rng(3)
    residuals, days = draw.normal(size=(30, 2, 2)), np.repeat(np.arange(15), 4).reshape(30, 2)
    more = np.concatenate([residuals, np.full((5, 2, 2), np.nan)])
    found = one_group(more, np.concatenate([days, np.full((5, 2), 99)]))
    order = draw.permutation(30)
    again = one_group(residuals[order], days[order])
    assert np.array_equal(found.above, again.above) and np.array_equal(found.days, again.days)


def test_a_column_without_residuals_is_refused():
    residuals = np.stack([np.ones((3, 1)), np.full((3, 1), np.nan)], axis=2)
    with pytest.raises(UserError, match="column 2 has no known value in any held-out window"):
        one_group(residuals, np.arange(3)[:, None], 0.5)


def test_days_of_many_sizes_reach_the_level_to_the_last_residual():
    """Day weights of 1/3, 1/7 and so on sum to whole numbers only in fractions: 9 of 10 is rank 9, not the next one."""
    draw = np.random.default_rng(5)
    for sizes in ([3, 7, 11, 13, 6, 9, 23, 49, 1], [7] * 19, [3, 6, 7, 9, 11, 13, 14, 17, 19] * 11):
        n, days = len(sizes), np.repeat(np.arange(len(sizes)), sizes)
        residuals = days + draw.uniform(0.1, 0.9, len(days))  # a day lies wholly above the one before
        rank = (n + 1) * 9 // 10
        assert (n + 1) % 10 == 0
        found = one_group(column(residuals), days[:, None]).above[0, 0]
        assert found == residuals[days == rank - 1].max()


def test_widths_follow_the_scale_of_the_residuals():
    residuals, scale = np.random.default_rng(4).normal(size=(20, 3, 1)), np.array([1.0, 2.0, 5.0])[:, None]
    days = np.repeat(np.arange(20), 3).reshape(20, 3)
    groups, ends = np.zeros((20, 3), int), np.full((20, 3, 1), 7.0)
    plain, scaled = one_group(residuals, days), one_group(residuals * scale / scale, days)
    low, high = plain.around(ends, ends, groups)
    wide_low, wide_high = scaled.around(ends, ends, groups, scale)
    assert np.allclose(wide_high - 7, (high - 7) * scale) and np.allclose(7 - wide_low, (7 - low) * scale)


def test_quantiles_are_mended_by_what_they_miss():
    truth, days = column(np.arange(20.0)), np.arange(20)[:, None]
    groups = np.zeros((20, 1), int)
    short = quantile_widths(truth - 5, truth - 1, truth, groups, days, count=1)
    assert short.above[0, 0] == short.below[0, 0] == 1.0  # always one short
    generous = quantile_widths(truth - 3, truth + 2, truth, groups, days, count=1)
    low, high = generous.around(truth - 3, truth + 2, groups)
    assert generous.above[0, 0] == -2.0
    assert np.array_equal(low, truth - 1) and np.array_equal(high, truth)
    low, high = generous.around(truth - 1, truth + 1, groups)  # would cross: both in the middle
    assert np.array_equal(low, truth) and np.array_equal(high, truth)
