"""Times as text, in the usual forms and in either order of day and month."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.data.series.text_times import other_order_is_meant
from research.data.series.timestamps import read_timestamps

HOURS = pd.date_range("2016-01-04", periods=60, freq="h")
EXPECTED = HOURS.to_numpy("datetime64[ms]")
ROWS = np.arange(60) + 2


def read(column, day_first=False, time_zone=None):
    return read_timestamps(pd.Series(column), ROWS, "a.csv", day_first=day_first, time_zone=time_zone)


@pytest.mark.parametrize(
    ("form", "day_first"),
    [
        ("%Y-%m-%d %H:%M", False),
        ("%Y-%m-%d %H:%M", True),  # a year first is never turned round
        ("%Y-%m-%dT%H:%M:%S.000", False),
        ("%Y/%m/%d %H:%M", True),
        ("%m/%d/%Y %H:%M", False),
        ("%d/%m/%Y %H:%M", True),
        ("%d.%m.%Y %H:%M:%S", True),
        ("%d-%m-%Y %H:%M", True),
        ("%m/%d/%Y %I:%M %p", False),
        ("%d/%m/%Y %I:%M:%S%p", True),
        ("%d %B %Y %H:%M", False),
        ("%Y%m%d%H%M", False),
    ],
)
def test_forms_of_time(form, day_first):
    found = read(HOURS.strftime(form), day_first)
    np.testing.assert_array_equal(found.times, EXPECTED)
    assert not found.absolute


def test_days_and_hours_without_their_zero_and_midnight_without_a_time():
    texts = [f"{t.day}/{t.month}/{t.year}" + (f" {t.hour}:00" if t.hour else "") for t in HOURS]
    np.testing.assert_array_equal(read(texts, day_first=True).times, EXPECTED)


def test_days_taken_for_months(refusal):
    days = pd.date_range("2016-01-04", periods=60).strftime
    with refusal("row 11", "'13/01/2016 00:00' is no time", "--data.day-first"):
        read(days("%d/%m/%Y %H:%M"))
    with refusal("row 11", "'01/13/2016 00:00' is no time", "leave out --data.day-first"):
        read(days("%m/%d/%Y %H:%M"), day_first=True)
    with refusal("row 2", "'13/01/2016 00:00' is no time", "--data.day-first"):
        read(pd.date_range("2016-01-13", periods=60).strftime("%d/%m/%Y %H:%M"))


@pytest.mark.parametrize(
    ("offset", "minutes"),
    [
        ("+01", 60), ("-08", -480), ("+00", 0), (" +0530", 330), ("+05:30", 330), ("\u221203", -180), ("z", 0),
        (" GMT", 0), ("GMT+02:00", 120), ("+00:53:28", 53 + 28 / 60), ("+01:00[Europe/Berlin]", 60),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "form", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H", "%Y%m%dT%H%M%S", "%m/%d/%Y %H:%M", "%Y-%m-%d %I:%M %p"]
)
def test_no_offset_from_utc_is_lost(form, offset, minutes):
    texts = HOURS.strftime(form) + offset
    aware = read(texts, time_zone="Asia/Tokyo")
    assert aware.absolute and not aware.notes
    np.testing.assert_array_equal(aware.times, EXPECTED - np.timedelta64(round(minutes * 60), "s"))
    local = read(texts)
    np.testing.assert_array_equal(local.times, EXPECTED)  # as they read, which is said
    assert local.notes == (("offsets", 60, 0),) and not local.absolute


@pytest.mark.parametrize(("before", "after"), [("+01", "+02"), ("Z", "+01"), ("+0100", "+02:00")])
def test_an_offset_of_hours_alone_may_not_change_without_a_zone(refusal, before, after):
    texts = HOURS.strftime("%Y-%m-%d %H:%M:%S").to_numpy(object)
    texts = [*(texts[:30] + before), *(texts[30:] + after)]
    with refusal("a.csv: row 32", "offset from UTC changes", "--data.time-zone"):
        read(texts)
    assert read(texts, time_zone="Europe/Berlin").absolute


@pytest.mark.parametrize("text", ["2016-01-04 00:00 CET", "2016-01-04 00:00 Europe/Berlin", "04 Jan 2016 00:00 EST"])
def test_a_zone_by_name_is_refused_with_what_to_do(refusal, text):
    with refusal("row 2", repr(text), "+01:00", "--data.time-zone Europe/Berlin"):
        read([text] * 60)


@pytest.mark.parametrize("offset", ["+1", "+99:00", "+16", "+01:75", "-8:00"])
def test_an_offset_that_is_none(refusal, offset):
    with refusal("row 2", offset, "write offsets from UTC as +01:00"):
        read(HOURS.strftime("%Y-%m-%d %H:%M") + offset)


@pytest.mark.parametrize(
    ("form", "end"),
    [
        ("%Y-%m-%d %H:%M", " 24:00"),
        ("%Y-%m-%dT%H:%M:%S", "T24:00:00"),
        ("%Y-%m-%dT%H:%M:%S.000", "T24:00:00.000"),
        ("%Y-%m-%dT%H", "T24"),
        ("%d.%m.%Y %H:%M", " 24:00"),
        ("%d %b %Y %H:%M", " 24:00"),
        ("%Y%m%d%H", "24"),
        ("%Y%m%d%H%M", "2400"),
        ("%Y-%m-%d %H:%M:%S+01", " 24:00:00+01"),
    ],
)
def test_midnight_that_ends_a_day(form, end):
    days = pd.Series((HOURS - pd.Timedelta("1h")).strftime(form.split("%H")[0].rstrip("T ")))
    texts = [day + end if hour.hour == 0 else hour.strftime(form) for hour, day in zip(HOURS, days, strict=True)]
    found = read(texts, day_first=form.startswith("%d"))
    np.testing.assert_array_equal(found.times, EXPECTED)
    assert found.notes[0] == ("midnight", 3, 0)


@pytest.mark.parametrize("text", ["2016-01-04 24:15", "2016-01-04 25:00", "2016-01-04 24:00:01"])
def test_hours_beyond_the_day(refusal, text):
    with refusal("row 2", repr(text), "write 2016-01-31 23:55"):
        read([text] * 60)


@pytest.mark.parametrize(
    ("form", "freq"),
    [("%Y%m%d", "D"), ("%Y%m%d%H", "h"), ("%Y%m%d%H%M%S", "s"), ("%Y%m", "MS"), ("%Y", "YS"), ("%Y-%m", "MS"),
     ("%m/%Y", "MS"), ("%b %Y", "MS")],
)  # fmt: skip
@pytest.mark.parametrize("day_first", [False, True])
def test_numbers_of_a_calendar(form, freq, day_first):
    times = pd.date_range("1990-01-01", periods=60, freq=freq)
    found = read(times.strftime(form), day_first)
    np.testing.assert_array_equal(found.times, times.to_numpy("datetime64[ms]"))
    assert not found.notes
    if "%Y%" in form:
        np.testing.assert_array_equal(read(times.strftime(form).astype(np.int64)).times, found.times)


def test_quarters():
    times = pd.date_range("1990-01-01", periods=60, freq="QS")
    texts = [f"{time.year}-Q{time.quarter}" for time in times]
    np.testing.assert_array_equal(read(texts).times, times.to_numpy("datetime64[ms]"))


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

    def parse(form, flag):
        texts = pd.Series(times.strftime(form))
        return read_timestamps(texts, np.arange(60) + 2, "a.csv", day_first=flag, time_zone=None).times

    np.testing.assert_array_equal(parse(forms[day_first], day_first), times.to_numpy("datetime64[ms]"))
    with refusal("a.csv: row 2", "leave out --data.day-first" if day_first else "give --data.day-first"):
        parse(forms[not day_first], day_first)
