"""Columns of times: dates, text with offsets, and several columns that make one time."""

import datetime

import numpy as np
import pandas as pd
import pytest

from research.data.series.timestamps import joined_times, read_timestamps
from research.errors import UserError

HOURS = pd.date_range("2016-01-04", periods=60, freq="h")
EXPECTED = HOURS.to_numpy("datetime64[ms]")
ROWS = np.arange(60) + 2


def read(column, day_first=False, time_zone=None):
    return read_timestamps(pd.Series(column), ROWS, "a.csv", day_first=day_first, time_zone=time_zone)


@pytest.mark.parametrize("zone", [None, "UTC", "Etc/GMT+8"])
def test_columns_of_dates(zone):
    column = pd.Series(HOURS if zone is None else HOURS.tz_localize(zone))
    np.testing.assert_array_equal(read(column).times, EXPECTED)  # as they read
    if zone is not None:
        assert read(column, time_zone="Europe/Berlin").absolute
        shift = np.timedelta64(8 if zone != "UTC" else 0, "h")
        np.testing.assert_array_equal(read(column, time_zone="Europe/Berlin").times, EXPECTED + shift)


@pytest.mark.parametrize(("offset", "hours"), [("Z", 0), ("+01:00", -1), ("-0830", 8.5), (" UTC", 0)])
def test_offsets_from_utc(offset, hours):
    texts = HOURS.strftime("%Y-%m-%d %H:%M") + offset
    np.testing.assert_array_equal(read(texts).times, EXPECTED)
    found = read(texts, time_zone="Europe/Berlin")
    np.testing.assert_array_equal(found.times, EXPECTED + np.timedelta64(int(hours * 60), "m"))
    assert found.absolute


def test_offsets_that_change_need_a_zone(refusal):
    texts = HOURS.strftime("%Y-%m-%d %H:%M").to_numpy(object)
    with refusal("a.csv: row 32", "offset from UTC changes", "--data.time-zone"):
        read([*(texts[:30] + "+01:00"), *(texts[30:] + "+02:00")])
    with refusal("a.csv: row 5 has no offset"):
        read([*(texts[:3] + "Z"), texts[3], *(texts[4:] + "Z")])
    with refusal("a.csv: row 5 has no time"):
        read([*(texts[:3] + "Z"), "", *(texts[4:] + "Z")])


@pytest.mark.parametrize(
    ("index", "text", "words"),
    [
        (7, "soon", ("row 9", "'soon' is no time", "2016-01-31 23:55")),
        (0, "1451865600", ("row 2", "'1451865600' is no time")),
        (0, "12:30", ("row 2", "'12:30' is no time")),
        (3, "", ("row 5 has no time",)),
        (3, None, ("row 5 has no time",)),
        (59, "2016-02-30 00:00", ("row 61", "'2016-02-30 00:00' is no time")),
        (59, "9016-01-04 00:00", ("row 61", "year 9016")),
        (59, "x\x1b[2J\n" * 20, ("row 61", r"'x\x1b[2J\n")),
        (0, "2016-13-04 00:00", ("row 2", "is no time")),
    ],
)
def test_the_first_row_without_a_sound_time_is_named(refusal, index, text, words):
    texts = [*HOURS.strftime("%Y-%m-%d %H:%M")]
    texts[index] = text
    with refusal("a.csv", *words):
        read(texts)


QUARTER_HOURS = pd.date_range("2016-01-04", periods=200, freq="15min")
JOINED_HOURS = pd.date_range("2015-12-30", periods=200, freq="h")


def read_joined(*columns, day_first=False):
    joined = joined_times({f"column {index}": pd.Series(column) for index, column in enumerate(columns, 1)}, "a.csv")
    return read_timestamps(joined, np.arange(len(joined)) + 2, "a.csv", day_first=day_first, time_zone=None)


DATES = {
    "ISO": QUARTER_HOURS.strftime("%Y-%m-%d"),
    "months first": QUARTER_HOURS.strftime("%m/%d/%Y"),
    "in words": QUARTER_HOURS.strftime("%d %b %Y"),
    "without signs": QUARTER_HOURS.strftime("%Y%m%d"),
    "a number": QUARTER_HOURS.strftime("%Y%m%d").astype(np.int64),
    "with a midnight": QUARTER_HOURS.strftime("%Y-%m-%d 00:00:00"),
    "dates": QUARTER_HOURS.normalize(),
    "dates as objects": QUARTER_HOURS.date,
}
CLOCKS = {
    "minutes": QUARTER_HOURS.strftime("%H:%M"),
    "seconds": QUARTER_HOURS.strftime("%H:%M:%S.000"),
    "halves of the day": QUARTER_HOURS.strftime("%I:%M %p"),
    "one number": QUARTER_HOURS.hour * 100 + QUARTER_HOURS.minute,
    "one number as text": QUARTER_HOURS.strftime("%H%M"),
    "one number with seconds": QUARTER_HOURS.strftime("%H%M%S").astype(np.int64),
    "a spreadsheet's": QUARTER_HOURS.strftime("1899-12-30 %H:%M:%S"),
    "times as objects": QUARTER_HOURS.time,
    "time since midnight": QUARTER_HOURS - QUARTER_HOURS.normalize(),
}


@pytest.mark.parametrize("date", DATES)
def test_dates(date):
    np.testing.assert_array_equal(
        read_joined(DATES[date], CLOCKS["minutes"]).times, QUARTER_HOURS.to_numpy("datetime64[ms]")
    )


@pytest.mark.parametrize("clock", CLOCKS)
def test_times_of_day(clock):
    np.testing.assert_array_equal(
        read_joined(DATES["ISO"], CLOCKS[clock]).times, QUARTER_HOURS.to_numpy("datetime64[ms]")
    )


def test_days_first():
    found = read_joined(QUARTER_HOURS.strftime("%d/%m/%Y"), CLOCKS["minutes"], day_first=True)
    np.testing.assert_array_equal(found.times, QUARTER_HOURS.to_numpy("datetime64[ms]"))


@pytest.mark.parametrize("as_numbers", [True, False])
def test_years_months_days_and_hours(as_numbers):
    parts = [JOINED_HOURS.year, JOINED_HOURS.month, JOINED_HOURS.day, JOINED_HOURS.hour, JOINED_HOURS.minute]
    columns = [part if as_numbers else part.astype(str) for part in parts]
    for count in (4, 5):
        np.testing.assert_array_equal(read_joined(*columns[:count]).times, JOINED_HOURS.to_numpy("datetime64[ms]"))
    np.testing.assert_array_equal(read_joined(*columns[:3]).times, JOINED_HOURS.normalize().to_numpy("datetime64[ms]"))
    months = JOINED_HOURS.to_numpy("datetime64[M]").astype("datetime64[ms]")
    np.testing.assert_array_equal(read_joined(*columns[:2]).times, months)


def test_hours_from_one_to_24():
    found = read_joined(JOINED_HOURS.strftime("%Y-%m-%d"), JOINED_HOURS.hour + 1)
    np.testing.assert_array_equal(found.times, (JOINED_HOURS + pd.Timedelta("1h")).to_numpy("datetime64[ms]"))
    assert [kind for kind, *_ in found.notes] == ["midnight"]


def test_offsets_stand_behind_the_time_of_day():
    found = read_joined(DATES["ISO"], QUARTER_HOURS.strftime("%H:%M") + "+01")
    assert [kind for kind, *_ in found.notes] == ["offsets"]


def test_an_empty_cell_leaves_no_time():
    for date, clock in (
        (["2016-01-04", ""], [0, 1]),
        (["2016-01-04"] * 2, [0, np.nan]),
        ([datetime.date(2016, 1, 4), None], [0, 1]),
    ):
        with pytest.raises(UserError, match="row 3 has no time"):
            read_joined(date, clock)


def test_what_is_no_time_is_shown_as_joined():
    with pytest.raises(UserError, match="row 2: '2016-01-04 noon' is no time"):
        read_joined(["2016-01-04"], ["noon"])


@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize(("minutes", "first"), [(30, 1), (30, 0), (15, 1)])
def test_numbers_of_the_parts_of_a_day_are_no_times(refusal, minutes, first, as_text):
    numbers = (HOURS.hour * 60 + HOURS.minute) // minutes + first
    with refusal("a.csv: 'column 2' goes to ", "parts of the day", "write times of day such as 12:30"):
        read_joined(HOURS.strftime("%Y-%m-%d"), numbers.astype(str) if as_text else numbers)


@pytest.mark.parametrize("count", [2, 3, 4, 6, 12])
@pytest.mark.parametrize("first", [0, 1])
def test_numbers_of_the_parts_of_an_hour_are_no_minutes(refusal, count, first):
    numbers = np.arange(200) % count + first
    with refusal(f"a.csv: 'column 3' goes to {count - 1 + first} alone", "parts of the hour"):
        read_joined(JOINED_HOURS.strftime("%Y-%m-%d"), JOINED_HOURS.hour, numbers)


def test_minutes_of_a_single_hour_are_times():
    found = read_joined(["2016-01-04"] * 4, [7] * 4, [1, 2, 3, 4])
    np.testing.assert_array_equal(found.times, np.datetime64("2016-01-04T07:00") + np.arange(1, 5))


SECONDS = (QUARTER_HOURS.hour * 60 + QUARTER_HOURS.minute) * 60


@pytest.mark.parametrize(
    "numbers",
    [SECONDS, (JOINED_HOURS.hour * 3600)[:200], SECONDS // 60, JOINED_HOURS.hour * 60, np.arange(200) % 288 + 1],
)
def test_seconds_and_minutes_of_the_day_are_no_times(refusal, numbers):
    with refusal(f"a.csv: 'column 2' goes to {max(numbers)}", "parts of the day", "such as 12:30"):
        read_joined(DATES["ISO"], np.asarray(numbers))


def test_one_wrong_number_of_many_is_named_by_its_row():
    numbers = np.asarray(CLOCKS["one number"]).copy()
    numbers[5] = 175
    with pytest.raises(UserError, match="row 7: '2016-01-04 01:75' is no time"):
        read_joined(DATES["ISO"], numbers)


@pytest.mark.parametrize("order", [("day", "month", "year", "hour"), ("month", "day", "year", "hour", "minute")])
def test_years_come_first(refusal, order):
    with refusal("a.csv: name years first", "--data.time Year Month Day Hour"):
        read_joined(*(getattr(JOINED_HOURS, name) for name in order))


@pytest.mark.parametrize(
    ("columns", "advice"),
    [
        ((["42370"], ["00:15"]), "spreadsheet's day number; let the spreadsheet show dates"),
        (([42370], [0.0104]), "spreadsheet's day number; let the spreadsheet show dates"),
        ((["2016-01-04"], ["09.30"]), "write its time of day as 12:30"),
        ((["04.01.2016"], ["9,5"]), "write its time of day as 12:30"),
        ((["2016-01-04"], [0.0104]), "write its time of day as 12:30"),
        ((pd.Series(pd.to_datetime(["2016-01-04"]).tz_localize("Europe/Berlin")), ["12:30"]), "write dates alone"),
    ],
)
def test_advice_fits_the_columns_of_a_time(refusal, columns, advice):
    with refusal("a.csv: row 2", "is no time", advice):
        read_joined(*columns)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("2016-01-04+01:00", "a date alone takes no offset from UTC; leave it out"),
        ("2016-01-04Z", "a date alone takes no offset from UTC; leave it out"),
        ("2016-01-04 12:30 GMT+1", "write offsets from UTC as +01:00"),
        ("2016-01-04 12:30 UTC-3", "write offsets from UTC as +01:00"),
    ],
)
def test_advice_fits_the_offset(refusal, text, advice):
    with refusal("a.csv: row 2", "is no time", advice):
        read([text] * 60)
