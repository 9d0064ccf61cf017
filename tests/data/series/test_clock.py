import datetime

import numpy as np
import pytest

from research.data.series.clock import (
    calendar_features,
    check_zone,
    days_and_seconds,
    instants_of,
    is_change,
    shown_time,
    wall_clock,
    weekday,
)

TIMES = np.arange("1969-12-28T00:00", "1970-02-01T00:00", 37, "datetime64[m]")


def test_days_and_weekdays_are_those_of_datetime():
    days, seconds = days_and_seconds(TIMES)
    for index in range(0, len(TIMES), 50):
        time = TIMES[index].astype(datetime.datetime)
        assert weekday(days)[index] == time.weekday()
        assert seconds[index] == time.hour * 3600 + time.minute * 60


def test_the_clock_turns_once_a_day_from_midnight():
    times = np.array(["2016-01-04T00:00", "2016-01-04T06:00", "2016-01-05T12:00", "2016-01-06T18:00"], "datetime64[s]")
    sine, cosine = calendar_features(times, ["time_of_day"]).T
    np.testing.assert_allclose(sine, [0, 1, 0, -1], atol=1e-7)
    np.testing.assert_allclose(cosine, [1, 0, -1, 0], atol=1e-7)


def test_the_week_turns_once_in_seven_days_from_monday():
    found = calendar_features(TIMES, ["day_of_week"])
    angles = np.arctan2(found[:, 0], found[:, 1]) % (2 * np.pi)
    np.testing.assert_allclose(angles * 7 / (2 * np.pi), weekday(days_and_seconds(TIMES)[0]), atol=1e-5)
    week = np.array(["2016-01-04T03:00", "2016-01-11T17:00"], "datetime64[s]")
    np.testing.assert_array_equal(*calendar_features(week, ["day_of_week"]))


def test_the_year_turns_once_from_its_first_day_leap_or_not():
    times = np.array(["2023-01-01T05:00", "2023-07-02T12:00", "2024-07-02T00:00", "2024-12-31T00:00"], "datetime64[s]")
    found = calendar_features(times, ["time_of_year"])
    angles = np.arctan2(found[:, 0], found[:, 1]) % (2 * np.pi) / (2 * np.pi)
    np.testing.assert_allclose(angles, [0, 182 / 365, 0.5, 365 / 366], atol=1e-6)


def test_features_follow_the_order_of_their_names():
    both = calendar_features(TIMES, ["day_of_week", "time_of_day"])
    assert both.dtype == np.float32 and both.shape == (len(TIMES), 4)
    np.testing.assert_array_equal(both[:, 2:], calendar_features(TIMES, ["time_of_day"]))
    assert calendar_features(TIMES, []).shape == (len(TIMES), 0)


ZONE = "America/Los_Angeles"
SPRING = np.arange("2016-03-13T00:00", "2016-03-13T06:00", 5, "datetime64[m]").astype("datetime64[s]")
AUTUMN = np.arange("2016-11-06T00:00", "2016-11-06T06:00", 5, "datetime64[m]").astype("datetime64[s]")


def rows(times):
    return np.arange(len(times)) + 2


def shown(instants):
    """What a clock in Los Angeles shows, by the law of 2016: UTC - 7 h in summer, else UTC - 8 h."""
    summer = (instants >= np.datetime64("2016-03-13T10:00")) & (instants < np.datetime64("2016-11-06T09:00"))
    return instants - np.where(summer, 7, 8).astype("timedelta64[h]")


@pytest.mark.parametrize("day", ["2016-03-13", "2016-11-06", "2016-07-01", "2016-12-31"])
@pytest.mark.parametrize("minutes", [5, 15, 60])
def test_a_clock_is_followed_there_and_back(day, minutes):
    utc = (np.datetime64(day) + np.arange(0, 1440 * 2, minutes).astype("timedelta64[m]")).astype("datetime64[s]")
    local = shown(utc)
    np.testing.assert_array_equal(wall_clock(utc, ZONE), local)
    np.testing.assert_array_equal(instants_of(local, ZONE, rows(local), "a.csv"), utc)


@pytest.mark.parametrize("present", [range(0, 24, 2), range(13, 24), range(12), [0, 1, 2, 13, 14, 23]])
def test_rows_lost_from_the_hour_that_comes_twice(present):
    hour = AUTUMN[12:24]
    utc = np.concatenate([hour + np.timedelta64(7, "h"), hour + np.timedelta64(8, "h")])[list(present)]
    found = instants_of(shown(utc), ZONE, rows(utc), "a.csv")
    if min(present) < 12:  # else nothing tells that they are of the second round
        np.testing.assert_array_equal(found, utc)


def test_rows_that_are_sorted_by_what_the_clock_showed():
    hour = AUTUMN[12:24]
    both = np.repeat(hour, 2)
    found = instants_of(both, ZONE, rows(both), "a.csv")
    np.testing.assert_array_equal(np.sort(found), AUTUMN[12:36] + np.timedelta64(7, "h"))


def test_an_hour_that_no_clock_shows(refusal):
    with refusal("a.csv: row 26", "2016-03-13 02:00", "clocks in America/Los_Angeles skip"):
        instants_of(SPRING, ZONE, rows(SPRING), "a.csv")
    np.testing.assert_array_equal(instants_of(SPRING, None, rows(SPRING), "a.csv"), SPRING)


def test_times_may_go_back_only_when_clocks_do(refusal):
    autumn = np.concatenate([AUTUMN[:24], AUTUMN[12:]])
    for zone in (None, ZONE):
        assert len(instants_of(autumn, zone, rows(autumn), "a.csv")) == len(autumn)
    other_day = autumn - np.timedelta64(24, "h")
    for times, zone in ((other_day, None), (other_day, ZONE), (AUTUMN[::-1], None), (AUTUMN[::-1], ZONE)):
        with refusal("a.csv: row", "time goes back from 2016-11-0", "--data.series"):
            instants_of(times, zone, rows(times), "a.csv")


def test_what_looks_like_a_change_of_the_clock():
    assert is_change(np.datetime64("2016-03-13T02:00"), 3600)
    assert is_change(np.datetime64("2016-11-06T01:00"), 3600)
    for start, seconds in (("2016-03-13T02:00", 7200), ("2016-03-14T02:00", 3600), ("2016-03-13T12:00", 3600)):
        assert not is_change(np.datetime64(start), seconds)
    assert not is_change(np.datetime64("2016-01-10T02:00"), 3600)


@pytest.mark.parametrize("name", ["America/Los_Angles", "PST9", "", "../etc/passwd", "America", "a\0b", "x" * 5000])
def test_what_is_no_zone(refusal, name):
    check_zone(None)
    check_zone(ZONE)
    with refusal("is no time zone", "America/Los_Angeles" if "Angles" in name else ""):
        check_zone(name)


def test_times_are_shown_without_seconds_that_are_none():
    assert shown_time(np.datetime64("2016-01-04T00:05:00")) == "2016-01-04 00:05"
    assert shown_time(np.datetime64("2016-01-04T00:05:07")) == "2016-01-04 00:05:07"
