import numpy as np
import pandas as pd
import pytest

from research.data.series.stamps import stamps_of

HOURS = pd.date_range("2016-01-04", periods=60, freq="h")
EXPECTED = HOURS.to_numpy("datetime64[ms]")
ROWS = np.arange(60) + 2


def read(column, day_first=False, time_zone=None):
    return stamps_of(pd.Series(column), ROWS, "a.csv", day_first=day_first, time_zone=time_zone)


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


@pytest.mark.parametrize(
    ("place", "text", "words"),
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
def test_the_first_row_without_a_sound_time_is_named(refusal, place, text, words):
    texts = [*HOURS.strftime("%Y-%m-%d %H:%M")]
    texts[place] = text
    with refusal("a.csv", *words):
        read(texts)


def test_days_taken_for_months(refusal):
    days = pd.date_range("2016-01-04", periods=60).strftime
    with refusal("row 11", "'13/01/2016 00:00' is no time", "--data.day-first"):
        read(days("%d/%m/%Y %H:%M"))
    with refusal("row 11", "'01/13/2016 00:00' is no time", "leave out --data.day-first"):
        read(days("%m/%d/%Y %H:%M"), day_first=True)
    with refusal("row 2", "'13/01/2016 00:00' is no time", "--data.day-first"):
        read(pd.date_range("2016-01-13", periods=60).strftime("%d/%m/%Y %H:%M"))


def test_numbers_are_no_times(refusal):
    with refusal("row 2", "1451865600 is a number"):
        read(np.arange(60) * 300 + 1451865600)
