import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.data.series.gaps import bin_edges, failing_zeros, fill_gaps, resample_steps, true_runs

START = np.datetime64("2016-01-04T00:00:00")
FLAGS = st.lists(st.booleans(), max_size=40).map(lambda each: np.array(each, bool))


@settings(max_examples=80, deadline=None)
@given(FLAGS)
def test_true_runs_are_whole_and_cover_every_true_flag(flags):
    again = np.zeros(len(flags), bool)
    starts, ends = true_runs(flags)
    for start, end in zip(starts, ends, strict=True):
        assert start < end and not again[max(start - 1, 0) : end].any()
        again[start:end] = True
    np.testing.assert_array_equal(again, flags)


@settings(max_examples=100, deadline=None)
@given(flags=FLAGS, longest=st.integers(0, 6), seed=st.integers(0, 99))
def test_short_gaps_lie_on_the_line_between_their_neighbours(flags, longest, seed):
    values = np.random.default_rng(seed).normal(size=(len(flags), 1))
    values[flags] = np.nan
    expected = values.copy()
    for start, end in zip(*true_runs(flags), strict=True):
        if start > 0 and end < len(flags) and end - start <= longest:
            line = np.linspace(values[start - 1, 0], values[end, 0], end - start + 2)
            expected[start:end, 0] = line[1:-1]
    np.testing.assert_allclose(fill_gaps(values, longest), expected, atol=1e-12)


def test_columns_are_filled_each_for_itself():
    values = np.array([[0, 5], [np.nan, np.nan], [2, np.nan], [3, 8]])
    np.testing.assert_array_equal(fill_gaps(values, 1), [[0, 5], [1, np.nan], [2, np.nan], [3, 8]])
    np.testing.assert_array_equal(fill_gaps(values, 2), [[0, 5], [1, 6], [2, 7], [3, 8]])


def test_zeros_amid_high_values_are_not_quiet_nights():
    values = np.array([60.0, 0, 0, 62, 61, 5, 0, 0, 4, 60, 0, np.nan, 63, 0])
    np.testing.assert_array_equal(np.flatnonzero(failing_zeros(values)), [1, 2])
    assert not failing_zeros(np.zeros(5)).any() and not failing_zeros(np.ones(5)).any()


@pytest.mark.parametrize("aggregate", ["mean", "sum"])
@pytest.mark.parametrize(("step", "longer"), [(300, 3600), (600, 86_400), (3600, 21_600), (300, 900)])
@pytest.mark.parametrize("late", [0, 1, 5])
def test_longer_steps_are_those_of_pandas(aggregate, step, longer, late):
    generator = np.random.default_rng(late)
    times = START + (late + np.arange(700)) * np.timedelta64(step, "s")
    values = generator.normal(size=(700, 2))
    values[generator.random((700, 2)) < 0.02] = np.nan
    frame = pd.DataFrame(values, pd.DatetimeIndex(times)).resample(pd.Timedelta(seconds=longer))
    expected = getattr(frame, aggregate)().where(frame.count() == longer // step)
    found_times, found = resample_steps(times, values, step, longer, aggregate)
    expected = expected.loc[found_times[0] : found_times[-1]]
    np.testing.assert_array_equal(found_times, expected.index.to_numpy())
    np.testing.assert_allclose(found, expected.to_numpy(), atol=1e-12)
    assert len(found) >= 700 // (longer // step) - 1


def test_a_day_and_more_begin_at_midnight():
    times = START + np.timedelta64(7, "h") + np.arange(24 * 9) * np.timedelta64(1, "h")
    for days, count in ((1, 8), (2, 4), (7, 1)):
        found, values = resample_steps(times, np.ones((len(times), 1)), 3600, days * 86_400, "sum")
        assert len(found) == count and found[0] == START + np.timedelta64(1, "D")
        assert (values == 24 * days).all()


def test_hours_of_rows_that_lie_off_them():
    times = START + np.timedelta64(2, "m") + np.arange(36) * np.timedelta64(5, "m")
    found, values = resample_steps(times, np.arange(36.0)[:, None], 300, 3600, "last")
    np.testing.assert_array_equal(found, START + np.arange(3) * np.timedelta64(1, "h"))
    np.testing.assert_array_equal(values[:, 0], [11, 23, 35])


@pytest.mark.parametrize("days", [2, 7])
def test_steps_longer_than_a_day_stand_as_they_are(days):
    for start in ("2016-01-06T00:00:00", "2016-01-06T05:00:00"):
        times = np.datetime64(start) + np.arange(6) * np.timedelta64(days, "D")
        assert bin_edges(times, days * 86_400, 2 * days * 86_400).tolist() == [0, 2, 4, 6]


def hours_in(zone, start, count=24 * 20):
    """Every hour that passes, as a clock in `zone` shows it."""
    times = pd.date_range(start, periods=count, freq="h", tz="UTC").tz_convert(zone).tz_localize(None)
    return times[np.flatnonzero(times.hour == 0)[0] :].to_numpy("datetime64[s]")


CHANGES = [("Australia/Sydney", "2023-09-25"), ("Europe/Berlin", "2023-10-20"), ("America/Los_Angeles", "2024-03-05")]


@pytest.mark.parametrize(("zone", "start"), CHANGES)
@pytest.mark.parametrize("longer", [2, 3, 4, 6, 8, 12])
def test_longer_steps_keep_to_the_clock_across_its_change(zone, start, longer):
    times = hours_in(zone, start)
    hours = (times - times.astype("datetime64[D]")).astype("timedelta64[h]").astype(int)
    found, means = resample_steps(times, hours[:, None].astype(float), 3600, longer * 3600, "mean")
    counts = resample_steps(times, np.ones((len(times), 1)), 3600, longer * 3600, "sum")[1][:, 0]
    odd = counts != longer
    assert odd.sum() <= 1 and set(counts[odd]) <= {longer - 1, longer + 1}
    begins = (found - found.astype("datetime64[D]")).astype("timedelta64[h]").astype(int)
    assert (begins[~odd] % longer == 0).all() and (np.diff(found) > np.timedelta64(0, "s")).all()
    np.testing.assert_array_equal(means[~odd, 0], begins[~odd] + (longer - 1) / 2)
    assert counts.sum() >= len(times) - longer + 1


@pytest.mark.parametrize("longer", [1800, 3600])
def test_an_hour_that_a_clock_shows_twice_is_two_of_the_shorter_steps(longer):
    times = (hours_in("Europe/Berlin", "2023-10-20")[:, None] + np.arange(6) * np.timedelta64(600, "s")).reshape(-1)
    found, values = resample_steps(times, np.ones((len(times), 1)), 600, longer, "sum")
    assert (values == longer // 600).all() and len(found) == len(times) * 600 // longer


def test_rows_of_two_hours_share_the_days_of_the_clock_after_its_change():
    times = hours_in("Europe/Berlin", "2023-10-20")[::2]
    found = resample_steps(times, np.ones((len(times), 1)), 7200, 21_600, "sum")[0]
    assert (found - found.astype("datetime64[D]")).astype("timedelta64[h]").astype(int).tolist()[-4:] == [0, 6, 12, 18]
