import numpy as np
import pytest

from research.data.series.seasons import season_of, seasons_of


@pytest.mark.parametrize(
    ("step", "name", "steps"),
    [
        (np.timedelta64(1, "h"), "day", 24),
        (np.timedelta64(7, "m"), "day", 205),
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
    if name in ("day", "year") and steps != 205:  # which do not make a whole day
        np.testing.assert_array_equal(places, np.arange(len(times)) % steps)
        np.testing.assert_array_equal(cycles - cycles[0], np.arange(len(times)) // steps)
    assert len(np.unique(np.stack([cycles, places]), axis=1)[0]) == len(times)
