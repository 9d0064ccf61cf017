import numpy as np
import pandas as pd
import pytest

from research.data.series.seasons import by_season, season_of, seasons_of


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
def test_a_season_is_a_day_or_a_year_and_times_know_their_place_in_it(step, name, steps):
    assert season_of(step) == (name, steps)
    start = np.datetime64("2015-01") if np.datetime_data(step.dtype)[0] == "M" else np.datetime64("2015-01-01T00:00:00")
    times = (start + np.arange(3 * steps + 2) * step).astype("datetime64[s]")
    cycles, places = seasons_of(times, step)
    if name in ("day", "year") and steps != 206:  # which do not make a whole day
        np.testing.assert_array_equal(places, np.arange(len(times)) % steps)
        np.testing.assert_array_equal(cycles - cycles[0], np.arange(len(times)) // steps)
    assert len(np.unique(np.stack([cycles, places]), axis=1)[0]) == len(times)


@pytest.mark.parametrize("zone", ["Australia/Sydney", "UTC"])
def test_what_is_a_season_apart_is_at_the_same_time_of_the_clock(zone):
    times = pd.date_range("2024-09-01", periods=24 * 60, freq="h", tz="UTC").tz_convert(zone).tz_localize(None)
    for kept in (np.ones(len(times), bool), (times.hour > 8) & (times.hour < 17) & (times.day_of_week < 5)):
        values = np.asarray(times.hour, np.float64)[kept, None]
        found = by_season(times[kept].to_numpy("datetime64[s]"), values, np.timedelta64(1, "h"))
        assert np.nanmax(np.abs(found[24:] - found[:-24])) == 0
        assert np.nanmean(found) == pytest.approx(values.mean(), rel=0.01)
