"""Day and month in the wrong order are known where only the other order makes a series."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.data.series.orders import other_order_is_meant
from research.data.series.stamps import stamps_of


def turned(times):
    """`times` with day and month in the other order."""
    return pd.to_datetime(times.strftime("%d/%m/%Y %H:%M"), format="%m/%d/%Y %H:%M").to_numpy("datetime64[s]")


@settings(max_examples=40, deadline=None)
@given(
    day=st.integers(1, 12),
    count=st.integers(25, 200),
    months=st.sampled_from([1, 3]),
    year=st.integers(1950, 2020),
)
def test_months_read_as_days_are_known(day, count, months, year):
    times = pd.DatetimeIndex([pd.Timestamp(year, 1, day) + pd.DateOffset(months=months * k) for k in range(count)])
    right = times.to_numpy("datetime64[s]")
    assert other_order_is_meant(turned(times), right) and not other_order_is_meant(right, turned(times))


@pytest.mark.parametrize("hours", [range(24), range(9, 17)])
def test_hours_of_a_few_days_read_as_those_of_months_are_known(hours):
    times = pd.date_range("2024-03-01", "2024-03-12 23:00", freq="h")
    times = times[np.isin(times.hour, hours)]
    right = times.to_numpy("datetime64[s]")
    assert other_order_is_meant(turned(times), right) and not other_order_is_meant(right, turned(times))


def test_time_that_goes_back_in_one_order_alone_is_known():
    times = pd.DatetimeIndex([*pd.date_range("2024-03-09", periods=4), *pd.date_range("2024-04-01", periods=4)])
    assert other_order_is_meant(turned(times), times.to_numpy("datetime64[s]"))


def test_what_makes_sense_either_way_is_taken_as_it_is_read():
    days = pd.date_range("2024-03-01", periods=12)
    assert not other_order_is_meant(turned(days), days.to_numpy("datetime64[s]"))
    years = pd.date_range("2000-07-01", periods=24, freq=pd.DateOffset(years=1))
    assert not other_order_is_meant(turned(years), years.to_numpy("datetime64[s]"))


@pytest.mark.parametrize("day_first", [False, True])
def test_the_flag_that_mends_it_is_named(refusal, day_first):
    times = pd.date_range("1990-01-01", periods=60, freq="MS")
    forms = {False: "%m/%d/%Y", True: "%d/%m/%Y"}

    def read(form, flag):
        texts = pd.Series(times.strftime(form))
        return stamps_of(texts, np.arange(60) + 2, "a.csv", day_first=flag, time_zone=None).times

    np.testing.assert_array_equal(read(forms[day_first], day_first), times.to_numpy("datetime64[ms]"))
    with refusal("a.csv: row 2", "leave out --data.day-first" if day_first else "give --data.day-first"):
        read(forms[not day_first], day_first)
