import numpy as np
import pandas as pd
import pytest

from research.data.series.closed_times import closed_forecasts, closed_text, weekly_opening
from research.data.series.series_set import Series

MINUTE, HOUR, DAY = (np.timedelta64(1, unit) for unit in "mhD")


def series(times, known=None):
    values = np.ones((len(times), 1))
    if known is not None:
        values[~known] = np.nan
    return Series("", times.to_numpy("datetime64[s]"), values)


@pytest.mark.parametrize(("freq", "step"), [("h", HOUR), ("10min", 10 * MINUTE), ("3h", 3 * HOUR)])
def test_hours_without_a_known_row_are_named(freq, step):
    times = pd.date_range("2024-01-01", "2024-03-01", freq=freq)
    known = (times.day_of_week < 5) & (times.hour >= 9) & (times.hour < 18)
    opening = weekly_opening([[series(times, known)]], step)
    assert opening is not None and closed_text(opening).startswith(
        "no rows on Saturday and Sunday, at 00:00-09:00, 18:00-24:00, and forecasts go on"
    )
    ahead = np.datetime64("2024-03-01T15:00:00") + np.arange(6) * HOUR
    assert closed_forecasts(ahead, opening).startswith("3 of 6 times (first: 2024-03-01 18:00) are on Saturday")
    assert closed_forecasts(ahead[:3], opening) == ""


def test_what_one_of_several_series_has_is_not_closed():
    days = pd.date_range("2024-01-01", periods=200)
    business = days[days.day_of_week < 5]
    assert weekly_opening([[series(days)], [series(business)]], DAY) is None
    six = weekly_opening([[series(days[days.day_of_week < 6])], [series(business)]], DAY)
    assert six is not None and "no rows on Sunday, and" in closed_text(six)
    assert weekly_opening([[series(days)]], DAY) is None and closed_forecasts(days.to_numpy(), None) == ""


@pytest.mark.parametrize("step", [np.timedelta64(1, "M"), 7 * DAY, 7 * HOUR])
def test_steps_that_do_not_divide_a_day_have_no_hours(step):
    assert weekly_opening([[series(pd.date_range("2024-01-01", periods=99, freq="MS"))]], step) is None
