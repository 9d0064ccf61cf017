import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.data.series.reference import fit_reference, leave_one_day_out
from research.data.series.series_set import Series
from research.data.series.windows import build_windows, window_starts

HOUR = np.timedelta64(1, "h")
START = np.datetime64("2016-01-04T00:00:00")
KNOWN = st.lists(st.tuples(st.booleans() | st.just(True), st.just(True)), min_size=9, max_size=50)

# keras.utils.timeseries_dataset_from_array(np.arange(13.), None, sequence_length=context + horizon,
# sequence_stride=stride) of Keras 3.15: the first element of each window, and the last window whole.
KERAS = {
    (3, 2, 1): ([0, 1, 2, 3, 4, 5, 6, 7, 8], [8, 9, 10, 11, 12]),
    (3, 2, 2): ([0, 2, 4, 6, 8], [8, 9, 10, 11, 12]),
    (4, 3, 3): ([0, 3, 6], [6, 7, 8, 9, 10, 11, 12]),
}


def series(values, name="", start=START, interpolated=None):
    values = np.asarray(values, float)
    values = values[:, None] if values.ndim == 1 else values
    return Series(name, start + np.arange(len(values)) * HOUR, values, interpolated)


@pytest.mark.parametrize("lengths", KERAS)
@pytest.mark.parametrize("missing", ["drop", "mask"])
def test_windows_are_those_of_keras(lengths, missing):
    context, horizon, stride = lengths
    one = series(np.arange(13))
    found = build_windows([one], fit_reference([one], HOUR, "mean"), context, horizon, stride=stride, missing=missing)
    windows = found.values[found.starts[:, None] + np.arange(context + horizon), 0]
    firsts, last = KERAS[lengths]
    np.testing.assert_array_equal(windows[:, 0], firsts)
    np.testing.assert_array_equal(windows[-1], last)


@settings(max_examples=150, deadline=None)
@given(known=KNOWN, context=st.integers(1, 5), horizon=st.integers(1, 4), stride=st.integers(1, 4))
def test_no_window_touches_what_is_unknown_and_none_is_lost(known, context, horizon, stride):
    known = np.array(known)
    span = context + horizon
    candidates = range(0, len(known) - span + 1, stride)
    assert window_starts(known, context, horizon, stride, "drop").tolist() == [
        start for start in candidates if known[start : start + span].all()
    ]
    assert window_starts(known[:, :1], context, horizon, stride, "mask").tolist() == [
        start for start in candidates if known[start + context : start + span, 0].any()
    ]


@settings(max_examples=60, deadline=None)
@given(known=KNOWN, seed=st.integers(0, 99), missing=st.sampled_from(["drop", "mask"]))
def test_no_context_ends_on_a_value_interpolated_from_a_later_one(known, seed, missing):
    interpolated = np.random.default_rng(seed).random(len(known)) < 0.2
    usual = window_starts(np.array(known), 3, 2, 1, missing)
    found = window_starts(np.array(known), 3, 2, 1, missing, interpolated=interpolated)
    np.testing.assert_array_equal(found, usual[~interpolated[usual + 2]])


def test_a_change_after_the_cut_changes_no_window_before_it():
    generator = np.random.default_rng(0)
    known = generator.random((200, 2)) > 0.02
    for cut in (50, 120):
        other = known.copy()
        other[cut:] = generator.random((200 - cut, 2)) > 0.5
        for missing in ("drop", "mask"):
            both = [window_starts(flags, 6, 4, 1, missing) for flags in (known, other)]
            np.testing.assert_array_equal(*(each[each + 10 <= cut] for each in both))


def test_series_lie_one_below_the_other_and_no_window_crosses_an_end():
    one, two = series(np.arange(12.0), "B"), series(np.r_[np.arange(100.0, 104), np.nan, np.arange(105, 115)], "A")
    reference = fit_reference([two, one], HOUR, "mean")  # in another order
    found = build_windows([one, two], reference, 3, 2, calendar=("time_of_day", "day_of_week"))
    np.testing.assert_array_equal(found.starts, [*range(8), *range(12 + 5, 12 + 11)])
    np.testing.assert_array_equal(found.series, np.repeat([1, 0], [12, 15]))
    np.testing.assert_array_equal(found.expected[:, 0], np.repeat(reference.table[[1, 0], 0, 0], [12, 15]))
    np.testing.assert_array_equal(found.spread, reference.spread)
    np.testing.assert_array_equal(found.times, np.concatenate([one.times, two.times]))
    assert found.values[16] == 0 and not found.known[16] and found.known.sum() == 26
    assert found.calendar.shape == (27, 4)
    kinds = [array.dtype for array in found]
    assert kinds == ["f8", bool, "f8", "f8", "f4", "M8[s]", "i4", "i4"] and found.scaled.dtype == "f4"
    assert build_windows([], reference, 3, 2).starts.size == 0


def test_expectations_may_be_those_without_the_day_itself():
    one = series(np.random.default_rng(0).normal(size=24 * 9))
    reference = fit_reference([one], HOUR, "day")
    usual = build_windows([one], reference, 6, 24)
    others = build_windows([one], reference, 6, 24, expectations=leave_one_day_out(reference, [one]))
    np.testing.assert_array_equal(usual.expected, np.tile(reference.table[0], (9, 1)))
    np.testing.assert_allclose(
        (one.values - others.expected)[:, 0], (one.values - usual.expected)[:, 0] * 9 / 8, atol=1e-6
    )


@pytest.mark.parametrize("kind", ["mean", "day"])
def test_a_large_level_takes_nothing_from_what_a_net_reads(kind):
    changes = np.random.default_rng(0).normal(0, 5, (24 * 9, 2))
    changes[40] = np.nan
    found = []
    for level in (0.0, 48e6, -2e9):
        one = Series("", series(changes[:, 0]).times, changes * [1, 0.1] + level)
        found.append(build_windows([one], fit_reference([one], HOUR, kind), 6, 24))
    for one in found[1:]:
        np.testing.assert_allclose(one.scaled, found[0].scaled, atol=2e-6)
        np.testing.assert_array_equal(one.scaled[40], 0)
    assert found[0].scaled.std() > 0.9


def test_series_shorter_than_a_window(refusal):
    one, short = series(np.arange(30.0), "A"), series(np.arange(29.0), "B")
    reference = fit_reference([one, short], HOUR, "mean")
    assert build_windows([one], reference, 6, 24).starts.tolist() == [0]
    for missing in ("drop", "mask"):
        with refusal("the test part of series B is 29 steps long; it must be 30", "6 of context and 24 of horizon"):
            build_windows([one, short], reference, 6, 24, missing=missing, where="test")
    with refusal("the series is 0 steps long"):
        window_starts(np.zeros((0, 1), bool), 6, 24)


def test_series_without_any_whole_window(refusal):
    values = np.arange(60.0)
    values[29::30] = np.nan
    one = series(values)
    reference = fit_reference([one], HOUR, "mean")
    with refusal("the train part has no window of 6 + 24 steps", "at most 29 in a row", "--data.fill", "mask"):
        build_windows([one], reference, 6, 24)
    assert len(build_windows([one], reference, 6, 24, missing="mask").starts) == 31


def test_series_that_the_reference_does_not_know(refusal):
    one = series(np.arange(60.0), "A")
    with refusal("series 'B' was not in training", "'A'"):
        build_windows([one._replace(name="B")], fit_reference([one], HOUR, "mean"), 6, 24)
