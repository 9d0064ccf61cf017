"""Baselines: exact where the series is periodic, blind to the future and to other series, and honest at gaps."""

import numpy as np
import pytest

from research.evaluation.baselines import last_value, seasonal_naive

L, SEASON = 3, 4


def windows(R: int, P: int) -> np.ndarray:
    return np.arange(R - L - P + 1)


def naive(values, starts, P, firsts=None, expected=-1.0):
    firsts = np.zeros_like(starts) if firsts is None else firsts
    cycles, positions = np.divmod(np.arange(len(values)), SEASON)
    expectations = np.full((len(starts), P, values.shape[1]), expected)
    return seasonal_naive(values, starts, firsts, L, cycles, positions, expectations)


@pytest.mark.parametrize("P", [1, 4, 11])
def test_a_periodic_series_is_forecast_without_error(P):
    values = np.tile(np.random.default_rng(0).normal(size=(SEASON, 2)), (10, 1))
    starts = windows(40, P)[SEASON:]
    found = naive(values, starts, P)
    truth = values[starts[:, None] + L + np.arange(P)]
    assert np.array_equal(found.forecasts, truth)
    assert found.windows == len(starts)


def test_beyond_a_season_the_last_known_one_repeats():
    values = np.arange(30.0)[:, None]
    found = naive(values, np.array([10]), 9)  # the origin is row 12; rows 9..12 are the season before
    assert found.forecasts[0, :, 0].tolist() == [9, 10, 11, 12, 9, 10, 11, 12, 9]


def test_nothing_after_the_origin_or_of_another_series_is_read():
    values = np.random.default_rng(1).normal(size=(40, 1))
    starts, firsts = np.array([20]), np.array([18])
    other = values.copy()
    other[starts[0] + L :] = 1e9
    other[: firsts[0]] = -1e9
    expected = np.zeros((1, 9, 1))
    for source in (values, other):
        assert np.array_equal(naive(source, starts, 9, firsts).forecasts, naive(values, starts, 9, firsts).forecasts)
        assert np.array_equal(last_value(source, starts, firsts, L, expected), np.full((1, 9, 1), values[22, 0]))


def test_where_the_day_before_is_unknown_the_latest_known_day_stands_in():
    values = np.arange(40.0)[:, None]
    values[17] = np.nan  # the season before row 21
    found = naive(values, np.array([17]), 4)  # origin row 19; targets 20..23
    assert found.forecasts[0, :, 0].tolist() == [16, 13, 18, 19]
    assert found.seasonal[0, :, 0].tolist() == [True, False, True, True]
    assert found.windows == 0


def test_where_no_day_is_known_the_expected_value_is_said():
    values = np.arange(10.0)[:, None]
    found = naive(values, np.array([0, 1]), 4, expected=7.5)  # origins 2 and 3: row -1 is not the last row
    assert found.forecasts[0, :, 0].tolist() == [7.5, 0, 1, 2]
    assert found.seasonal[:, 0, 0].tolist() == [False, True]
    empty = np.full((10, 1), np.nan)
    assert np.array_equal(naive(empty, np.array([3]), 2, expected=7.5).forecasts, np.full((1, 2, 1), 7.5))


def test_the_last_known_value_lasts():
    values = np.array([[1.0, 2.0], [3.0, np.nan], [np.nan, np.nan], [5.0, 6.0]])
    found = last_value(values, np.array([0]), np.array([0]), 3, np.zeros((1, 2, 2)))
    assert found.tolist() == [[[3.0, 2.0], [3.0, 2.0]]]
    assert last_value(values, np.array([2]), np.array([2]), 1, np.full((1, 1, 2), 9.0)).tolist() == [[[9.0, 9.0]]]


def test_an_hour_that_comes_twice_goes_back_to_the_day_before_not_to_itself():
    positions = np.array([0, 1, 2, 3, 0, 1, 1, 2, 3, 0, 1, 2, 3])
    cycles = np.array([0] * 4 + [1] * 5 + [2] * 4)
    values = np.arange(13.0)[:, None]
    found = seasonal_naive(values, np.array([3, 4]), np.zeros(2, int), L, cycles, positions, np.full((2, 6, 1), -1.0))
    assert found.forecasts[0, :, 0].tolist() == [1, 2, 3, 4, 5, 2]  # from row 5: row 6 is at position 1 again
    assert found.forecasts[1, :, 0].tolist() == [2, 3, 4, 6, 2, 3]  # of the two the later one, when it is known
    assert found.windows == 2


def test_an_hour_that_is_skipped_goes_back_a_day_further_and_is_not_called_the_day_before():
    positions = np.array([0, 1, 2, 3, 0, 2, 3, 0, 1, 2, 3])
    cycles = np.array([0] * 4 + [1] * 3 + [2] * 4)
    values = np.arange(11.0)[:, None]
    found = seasonal_naive(values, np.array([4]), np.zeros(1, int), L, cycles, positions, np.full((1, 4, 1), -1.0))
    assert found.forecasts[0, :, 0].tolist() == [4, 1, 5, 6]
    assert found.seasonal[0, :, 0].tolist() == [True, False, True, True]
