"""Steps of months: known for what they are, whatever day of the month rows keep to, and followed as pandas does."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.tseries import offsets

from research.data.series.grids import Rows, on_grid, regular_step
from research.data.series.months import following, months_in

KINDS = {
    "start": lambda n: offsets.MonthBegin(n),
    "end": lambda n: offsets.MonthEnd(n),
    "first weekday": lambda n: offsets.BusinessMonthBegin(n),
    "last weekday": lambda n: offsets.BusinessMonthEnd(n),
    "day": lambda n: pd.DateOffset(months=n),
}
STARTS = {
    "start": "2011-05-01", "end": "2011-05-31", "first weekday": "2011-05-02", "last weekday": "2011-05-31",
    "day": "2011-05-17",
}  # fmt: skip


def calendar(kind, months, count, start=None):
    offset = KINDS[kind](months)
    begin = pd.Timestamp(start or STARTS[kind])
    return pd.DatetimeIndex([begin + index * offset for index in range(count)]).to_numpy("datetime64[s]")


def rows(times):
    return Rows("", times, np.arange(len(times), dtype=float)[:, None], np.arange(len(times)) + 2)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    months=st.sampled_from([1, 2, 3, 6, 12]),
    count=st.integers(13, 60),
    hour=st.sampled_from([0, 7]),
)
def test_months_go_on_as_pandas_offsets_do(kind, months, count, hour):
    times = calendar(kind, months, count + 9) + np.timedelta64(hour, "h")
    step = regular_step({"": times[:count]}, "a.csv")
    assert months_in(step) == months
    grid = on_grid(rows(times[:count]), step, "a.csv")
    np.testing.assert_array_equal(grid.instants, times[:count])
    assert (grid.members == 1).all() and not grid.moved.any()
    np.testing.assert_array_equal(following(times[:count], step, 9), times[count:])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), kind=st.sampled_from(sorted(KINDS)), months=st.sampled_from([1, 3, 12]))
def test_months_that_are_lost_are_gaps(seed, kind, months):
    times = calendar(kind, months, 60)
    present = np.random.default_rng(seed).random(60) > 0.2
    present[[0, -1]] = True
    grid = on_grid(rows(times[present]), regular_step({"": times[present]}, "a.csv"), "a.csv")
    np.testing.assert_array_equal(grid.instants, times)
    np.testing.assert_array_equal(grid.members == 1, present)


def test_a_last_trading_day_may_lie_before_a_holiday():
    times = calendar("last weekday", 1, 60)
    times[10] -= np.timedelta64(1, "D")
    step = regular_step({"": times}, "a.csv")
    grid = on_grid(rows(times), step, "a.csv")
    assert months_in(step) == 1 and (grid.members == 1).all() and np.flatnonzero(grid.moved).tolist() == [10]


@pytest.mark.parametrize("days", [7, 28, 30, 31, 91, 365])
def test_so_many_days_are_no_months(days):
    times = np.datetime64("2011-05-03T00:00:00") + np.arange(60) * np.timedelta64(days, "D")
    assert months_in(step := regular_step({"": times}, "a.csv")) == 0 and step == np.timedelta64(days, "D")


def test_quarters_and_then_months_are_two_steps(refusal):
    times = np.concatenate([calendar("start", 3, 20), calendar("start", 1, 40, "2016-05-01")])
    with refusal("a.csv: two different steps, 1 month (from 2016-05-01", "and 3 months (from 2011-05-01"):
        regular_step({"": times}, "a.csv")


def test_one_day_or_other_of_each_month_is_no_step(refusal):
    times = calendar("start", 1, 60) + np.random.default_rng(0).integers(0, 20, 60).astype("timedelta64[D]")
    with refusal("a.csv: its rows keep to no regular step", "one day of the month"):
        regular_step({"": times}, "a.csv")
