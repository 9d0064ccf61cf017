"""Several columns make one time, however date and time of day are written."""

import datetime

import numpy as np
import pandas as pd
import pytest

from research.data.series.joined_times import joined_times
from research.data.series.stamps import stamps_of
from research.errors import UserError

TIMES = pd.date_range("2016-01-04", periods=200, freq="15min")
HOURS = pd.date_range("2015-12-30", periods=200, freq="h")


def read(*columns, day_first=False):
    joined = joined_times([pd.Series(column) for column in columns])
    return stamps_of(joined, np.arange(len(joined)) + 2, "a.csv", day_first=day_first, time_zone=None)


DATES = {
    "ISO": TIMES.strftime("%Y-%m-%d"),
    "months first": TIMES.strftime("%m/%d/%Y"),
    "in words": TIMES.strftime("%d %b %Y"),
    "without signs": TIMES.strftime("%Y%m%d"),
    "a number": TIMES.strftime("%Y%m%d").astype(np.int64),
    "with a midnight": TIMES.strftime("%Y-%m-%d 00:00:00"),
    "dates": TIMES.normalize(),
    "dates as objects": TIMES.date,
}
CLOCKS = {
    "minutes": TIMES.strftime("%H:%M"),
    "seconds": TIMES.strftime("%H:%M:%S.000"),
    "halves of the day": TIMES.strftime("%I:%M %p"),
    "one number": TIMES.hour * 100 + TIMES.minute,
    "one number as text": TIMES.strftime("%H%M"),
    "one number with seconds": TIMES.strftime("%H%M%S").astype(np.int64),
    "a spreadsheet's": TIMES.strftime("1899-12-30 %H:%M:%S"),
    "times as objects": TIMES.time,
    "time since midnight": TIMES - TIMES.normalize(),
}


@pytest.mark.parametrize("date", DATES)
def test_dates(date):
    np.testing.assert_array_equal(read(DATES[date], CLOCKS["minutes"]).times, TIMES.to_numpy("datetime64[ms]"))


@pytest.mark.parametrize("clock", CLOCKS)
def test_times_of_day(clock):
    np.testing.assert_array_equal(read(DATES["ISO"], CLOCKS[clock]).times, TIMES.to_numpy("datetime64[ms]"))


def test_days_first():
    found = read(TIMES.strftime("%d/%m/%Y"), CLOCKS["minutes"], day_first=True)
    np.testing.assert_array_equal(found.times, TIMES.to_numpy("datetime64[ms]"))


@pytest.mark.parametrize("as_numbers", [True, False])
def test_years_months_days_and_hours(as_numbers):
    parts = [HOURS.year, HOURS.month, HOURS.day, HOURS.hour, HOURS.minute]
    columns = [part if as_numbers else part.astype(str) for part in parts]
    for count in (4, 5):
        np.testing.assert_array_equal(read(*columns[:count]).times, HOURS.to_numpy("datetime64[ms]"))
    np.testing.assert_array_equal(read(*columns[:3]).times, HOURS.normalize().to_numpy("datetime64[ms]"))
    months = HOURS.to_numpy("datetime64[M]").astype("datetime64[ms]")
    np.testing.assert_array_equal(read(*columns[:2]).times, months)


def test_hours_from_one_to_24():
    found = read(HOURS.strftime("%Y-%m-%d"), HOURS.hour + 1)
    np.testing.assert_array_equal(found.times, (HOURS + pd.Timedelta("1h")).to_numpy("datetime64[ms]"))
    assert [kind for kind, *_ in found.notes] == ["midnight"]


def test_offsets_stand_behind_the_time_of_day():
    found = read(DATES["ISO"], TIMES.strftime("%H:%M") + "+01")
    assert [kind for kind, *_ in found.notes] == ["offsets"]


def test_an_empty_cell_leaves_no_time():
    for date, clock in (
        (["2016-01-04", ""], [0, 1]),
        (["2016-01-04"] * 2, [0, np.nan]),
        ([datetime.date(2016, 1, 4), None], [0, 1]),
    ):
        with pytest.raises(UserError, match="row 3 has no time"):
            read(date, clock)


def test_what_is_no_time_is_shown_as_joined():
    with pytest.raises(UserError, match="row 2: '2016-01-04 noon' is no time"):
        read(["2016-01-04"], ["noon"])
