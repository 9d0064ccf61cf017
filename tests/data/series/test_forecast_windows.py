import numpy as np
import pytest

from research.data.series.forecast_windows import extend, last_windows
from research.data.series.reference import expected, fit_reference
from research.data.series.series_set import Series

HOUR = np.timedelta64(1, "h")
START = np.datetime64("2016-01-04T00:00:00")


def series(count, name="", start=START):
    values = np.random.default_rng(count).normal(size=(count, 2))
    return Series(name, start + np.arange(count) * HOUR, values)


def test_the_context_is_the_end_and_the_horizon_is_to_come():
    train = [series(24 * 9, "A"), series(24 * 5, "B")]
    reference = fit_reference(train, HOUR, "day")
    new = [series(30, "B", np.datetime64("2016-02-01T00:00:00")), series(7, "A", np.datetime64("2016-02-03T00:00:00"))]
    found = last_windows(new, reference, 6, 24, calendar=("time_of_day",))
    assert found.starts.tolist() == [24, 54 + 1] and len(found.values) == 30 + 24 + 7 + 24
    for start, one, index in zip(found.starts, new, (1, 0), strict=True):
        np.testing.assert_array_equal(found.values[start : start + 6], one.values[-6:])
        assert found.known[start : start + 6].all() and not found.known[start + 6 : start + 30].any()
        ahead = one.times[-1] + np.arange(1, 25) * HOUR
        np.testing.assert_array_equal(found.times[start + 6 : start + 30], ahead)
        values = expected(reference, index, ahead)
        np.testing.assert_array_equal(found.expected[start + 6 : start + 30], values)
        assert (found.series[start : start + 30] == index).all()


@pytest.mark.parametrize(
    ("last", "after"),
    [
        ("2016-03-13T00:00", ["01:00", "03:00", "04:00"]),
        ("2016-11-06T00:00", ["01:00", "01:00", "02:00"]),
        ("2016-07-01T00:00", ["01:00", "02:00", "03:00"]),
    ],
)
def test_times_ahead_follow_the_clock_of_their_zone(last, after):
    one = Series("", np.array([last], "datetime64[s]"), np.ones((1, 1)))
    ahead = extend(one, HOUR, 3, "America/Los_Angeles")
    assert [str(time)[11:16] for time in ahead.times[1:]] == after
    assert np.isnan(ahead.values[1:]).all() and ahead.values[0] == 1
    np.testing.assert_array_equal(np.diff(extend(one, HOUR, 3).times), HOUR)
    days = extend(one, 24 * HOUR, 3, "America/Los_Angeles").times
    np.testing.assert_array_equal(np.diff(days), np.timedelta64(1, "D"))


def test_the_second_round_of_an_hour_is_known_by_what_came_before():
    times = np.array(["2016-11-06T00:00", "2016-11-06T01:00", "2016-11-06T01:00"], "datetime64[s]")
    ahead = extend(Series("", times, np.ones((3, 1))), HOUR, 2, "America/Los_Angeles")
    assert [str(time)[11:16] for time in ahead.times[3:]] == ["02:00", "03:00"]


@pytest.mark.parametrize(
    ("step", "last", "after"),
    [
        (3, "2016-03-12T21:00", [0, 3, 6, 9]),
        (3, "2016-11-05T21:00", [0, 3, 6, 9]),
        (12, "2016-11-05T12:00", [0, 12, 0, 12]),
        (2, "2016-03-13T00:00", [3, 4, 6, 8]),  # clocks skip 2:00
        (2, "2016-03-13T03:00", [4, 6, 8, 10]),
        (1, "2016-11-06T00:00", [1, 1, 2, 3]),
    ],
)
def test_resampled_steps_ahead_keep_to_the_hours_of_the_clock(step, last, after):
    one = Series("", np.array([last], "datetime64[s]"), np.ones((1, 1)))
    times = extend(one, step * HOUR, 4, "America/Los_Angeles", resampled=True).times[1:]
    assert [int(str(time)[11:13]) for time in times] == after


def test_contexts_that_do_not_do(refusal):
    train = series(24 * 9)
    reference = fit_reference([train], HOUR, "mean")
    with refusal("the series has 5 steps; a forecast needs the 6 before it"):
        last_windows([series(5)], reference, 6, 24)
    gappy = series(10)
    gappy.values[6, 1] = np.nan
    with refusal("the series is unknown at 2016-01-04 06:00", "6 steps"):
        last_windows([gappy], reference, 6, 24)
    masked = last_windows([gappy], reference, 6, 24, missing="mask")
    assert masked.known[masked.starts[0] : masked.starts[0] + 6].sum() == 11
    gappy.values[6] = 0
    gappy.values[3] = np.nan  # before the context
    assert last_windows([gappy], reference, 6, 24).starts.tolist() == [4]
    with refusal("series 'C' was not in training"):
        last_windows([series(9, "C")], reference, 6, 24)
