import datetime

import numpy as np

from research.data.series.clock import calendar_features, days_and_seconds, weekday

TIMES = np.arange("1969-12-28T00:00", "1970-02-01T00:00", 37, "datetime64[m]")


def test_days_and_weekdays_are_those_of_datetime():
    days, seconds = days_and_seconds(TIMES)
    for place in range(0, len(TIMES), 50):
        time = TIMES[place].astype(datetime.datetime)
        assert weekday(days)[place] == time.weekday()
        assert seconds[place] == time.hour * 3600 + time.minute * 60


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
