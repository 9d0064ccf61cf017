import numpy as np
import pandas as pd
import pytest

from research.data.series.forecast_windows import extend
from research.data.series.seasons import by_season, opening_of, season_of, seasons_of
from research.data.series.series_set import Series


@pytest.mark.parametrize(
    ("step", "name", "steps"),
    [
        (np.timedelta64(1, "h"), "day", 24),
        (np.timedelta64(7, "m"), "day", 206),
        (np.timedelta64(1, "D"), "day", 1),
        (np.timedelta64(7, "D"), "7 d", 1),
        (np.timedelta64(1, "M"), "year", 12),
        (np.timedelta64(3, "M"), "year", 4),
        (np.timedelta64(12, "M"), "year", 1),
        (np.timedelta64(5, "M"), "5 months", 1),
        (np.timedelta64(24, "M"), "2 years", 1),
    ],
)
def test_a_season_is_a_day_or_a_year_and_times_know_their_position_in_it(step, name, steps):
    assert season_of(step) == (name, steps)
    start = np.datetime64("2015-01") if np.datetime_data(step.dtype)[0] == "M" else np.datetime64("2015-01-01T00:00:00")
    times = (start + np.arange(3 * steps + 2) * step).astype("datetime64[s]")
    cycles, positions = seasons_of(times, step)
    if name in ("day", "year") and steps != 206:  # which do not make a whole day
        np.testing.assert_array_equal(positions, np.arange(len(times)) % steps)
        np.testing.assert_array_equal(cycles - cycles[0], np.arange(len(times)) // steps)
    assert len(np.unique(np.stack([cycles, positions]), axis=1)[0]) == len(times)


@pytest.mark.parametrize("zone", ["Australia/Sydney", "UTC"])
def test_what_is_a_season_apart_is_at_the_same_time_of_the_clock(zone):
    times = pd.date_range("2024-09-01", periods=24 * 60, freq="h", tz="UTC").tz_convert(zone).tz_localize(None)
    for present in (np.ones(len(times), bool), (times.hour > 8) & (times.hour < 17) & (times.day_of_week < 5)):
        values = np.asarray(times.hour, np.float64)[present, None]
        found = by_season(times[present].to_numpy("datetime64[s]"), values, np.timedelta64(1, "h"))
        assert np.nanmax(np.abs(found[24:] - found[:-24])) == 0
        assert np.nanmean(found) == pytest.approx(values.mean(), rel=0.01)


HOUR, DAY = np.timedelta64(1, "h"), np.timedelta64(24, "h")


def business_days(count):
    return pd.bdate_range("2024-01-01", periods=count).to_numpy("datetime64[s]")


def opening_hours(days):
    hours = (business_days(days)[:, None] + np.arange(9, 17) * HOUR).reshape(-1)
    friday = (hours.astype("datetime64[D]").astype(int) + 3) % 7 == 4
    return hours[~(friday & (hours - hours.astype("datetime64[D]") > 14 * HOUR))]


def going_on(times, step, horizon, zone=None):
    one = Series("", times, np.ones((len(times), 1)))
    return extend(one, step, horizon, zone, opening_of([times], step)).times[len(times) :]


def test_a_tuesday_is_followed_by_weekdays():
    times = business_days(202)
    found = going_on(times, DAY, 5)
    assert pd.DatetimeIndex(times[-1:]).day_name().tolist() == ["Tuesday"]
    assert pd.DatetimeIndex(found).day_name().tolist() == ["Wednesday", "Thursday", "Friday", "Monday", "Tuesday"]


@pytest.mark.parametrize("cut", range(1, 60, 7))
@pytest.mark.parametrize("make", [business_days, opening_hours])
def test_times_ahead_are_those_that_come(make, cut):
    times = make(120)
    step = DAY if make is business_days else HOUR
    np.testing.assert_array_equal(going_on(times[:-cut], step, cut), times[len(times) - cut :])


def test_a_saturday_now_and_then_opens_no_saturdays_but_every_other_one_does():
    saturdays = np.datetime64("2024-01-06T00:00:00") + 7 * DAY * np.arange(40)
    for every, there in ((20, False), (2, True)):
        opening = opening_of([np.sort(np.concatenate([business_days(200), saturdays[::every]]))], DAY)
        assert opening is not None and opening[:, 0].tolist() == [True] * 5 + [there, False]


def test_days_lost_at_random_are_no_calendar():
    present = np.random.default_rng(0).random(400) > 0.5
    assert opening_of([np.datetime64("2024-01-01T00:00:00") + np.flatnonzero(present) * DAY], DAY) is None
    for step in (7 * DAY, np.timedelta64(7, "m"), np.timedelta64(1, "M")):
        assert opening_of([business_days(10)], step) is None


def test_a_weekend_that_was_never_reached_has_the_hours_of_other_days():
    opening = opening_of([opening_hours(3)], HOUR)  # Monday to Wednesday
    assert opening is not None and np.flatnonzero(opening[5]).tolist() == list(range(9, 17))


def test_hours_are_those_of_the_clock_across_its_change():
    times = opening_hours(200)
    opening = opening_of([times], HOUR)
    assert opening is not None
    last = Series("", np.array(["2024-03-29T14:00:00"], "datetime64[s]"), np.ones((1, 1)))  # Friday; 13:00 UTC
    found = extend(last, HOUR, 8, "Europe/Berlin", opening).times[1:]
    assert str(found[0]) == "2024-04-01T09:00:00"  # on Monday, after the clock was put forward
