import numpy as np
import pandas as pd
import pytest

from research.data.series.stamps import stamps_of
from research.errors import UserError

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
    with refusal("a.csv: row 5 has no time"):
        read([*(texts[:3] + "Z"), "", *(texts[4:] + "Z")])


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


SECONDS = EXPECTED.astype("datetime64[s]").astype(np.int64)


@pytest.mark.parametrize(
    "cells",
    [
        SECONDS, SECONDS.astype(float), SECONDS * 1000, SECONDS * 10**6, SECONDS * 10**9, SECONDS.astype(str),
        (SECONDS * 1000).astype(str), (SECONDS * 1000).astype(float), pd.array(SECONDS, dtype="Int64"),
    ],
)  # fmt: skip
def test_unix_times_are_utc(cells):
    local, tokyo = read(cells), read(cells, time_zone="Asia/Tokyo")
    for found in (local, tokyo):
        np.testing.assert_array_equal(found.times, EXPECTED)
        assert found.notes == (("unix", 60, 0),)
    assert tokyo.absolute and not local.absolute


def test_unix_times_have_parts_of_a_second():
    found = read([f"{second}.25" for second in SECONDS])
    np.testing.assert_array_equal(found.times, EXPECTED + np.timedelta64(250, "ms"))


DAYS = 42373 + np.arange(60) / 24  # as a spreadsheet counts 2016-01-04 0:00 and the hours after


@pytest.mark.parametrize(
    "cells",
    [
        DAYS,
        [f"{day:.10f}" for day in DAYS],
        [f"{day:.4f}" for day in DAYS],  # to 4 seconds
        [f"{day:.5f}".replace(".", ",") for day in DAYS],
        [f"{day:.15g}" for day in DAYS],  # whole where they can be
    ],
)
def test_day_numbers_of_a_spreadsheet(cells):
    found = read(cells)
    np.testing.assert_array_equal(found.times, EXPECTED)
    assert found.notes == (("excel", 60, 0),) and not found.absolute
    assert not read(cells, time_zone="Asia/Tokyo").absolute  # what its clock showed


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


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (np.arange(60), ("row 2", "'0' is no time", "Unix time", "--data.time")),
        (np.arange(60) + 60000, ("row 2", "'60000'")),  # modified Julian dates, say
        (np.r_[SECONDS[:30], SECONDS[30:] * 1000], ("row 32", "or not what the first row has")),
        ([*SECONDS[:30].astype(str), *["soon"] * 30], ("row 32", "'soon' is no time")),
        (["1.45187E+12"] * 60, ("row 2", "'1.45187E+12'", "digits are lost")),
        (["12:30"] * 60, ("row 2", "has no date", "--data.time Date Time")),
        (["04/01/16 10:00"] * 60, ("row 2", "year has two digits")),
        (np.r_[np.nan, SECONDS[1:]], ("row 2 has no time",)),
        ([True] * 60, ("row 2", "'True' is no time")),
    ],
)
def test_numbers_that_are_no_times(refusal, cells, words):
    with refusal("a.csv", *words):
        read(cells)
    with pytest.raises(UserError) as error:
        read(cells)
    assert "day-first" not in str(error.value)
