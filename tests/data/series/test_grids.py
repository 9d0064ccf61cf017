import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.data.series.grids import Rows, on_grid, regular_step

START = np.datetime64("2016-01-04T00:00:00")
STEP = np.timedelta64(300, "s")


def rows(seconds, values=None):
    values = np.arange(len(seconds), dtype=float)[:, None] if values is None else values
    instants = START + np.asarray(seconds).astype("timedelta64[s]")
    return Rows("", instants, values, np.arange(len(seconds)) + 2)


def seconds_of(grid):
    return (grid.instants - START).astype(int)


@settings(max_examples=60, deadline=None)
@given(present=st.lists(st.booleans(), min_size=3, max_size=60), phase=st.integers(0, 299))
def test_rows_on_the_grid_stay_as_they_are(present, phase):
    steps = np.flatnonzero([True, *present, True])
    grid = on_grid(rows(steps * 300 + phase), STEP, "a.csv")
    np.testing.assert_array_equal(seconds_of(grid), np.arange(steps[-1] + 1) * 300 + phase)
    np.testing.assert_array_equal(grid.values[steps, 0], np.arange(len(steps)))
    np.testing.assert_array_equal(grid.members > 0, np.isin(np.arange(steps[-1] + 1), steps))
    assert np.isnan(np.delete(grid.values[:, 0], steps)).all() and not grid.moved.any()


def test_repeated_times_are_the_mean_of_what_is_known():
    values = np.array([[1.0, 5], [3, np.nan], [8, np.nan], [4, np.nan]])
    grid = on_grid(rows([0, 0, 0, 300], values), STEP, "a.csv")
    np.testing.assert_array_equal(grid.values, [[4, 5], [4, np.nan]])
    np.testing.assert_array_equal(grid.members, [3, 1])


def test_stray_rows_go_to_the_nearest_step():
    grid = on_grid(rows([0, 300, 749, 900, 1351]), STEP, "a.csv")
    np.testing.assert_array_equal(grid.values[:, 0], [0, 1, 2, 3, np.nan, 4])
    np.testing.assert_array_equal(grid.moved, [False, False, True, False, False, True])
    np.testing.assert_array_equal(seconds_of(grid), np.arange(6) * 300)


@pytest.mark.parametrize("middle", [0, 149, 150, 151, 240])
def test_an_unsteady_clock_keeps_its_rows_wherever_they_lie_in_a_step(middle):
    jitter = np.random.default_rng(3).integers(-20, 21, 400)
    grid = on_grid(rows(np.arange(400) * 300 + middle + jitter), STEP, "a.csv")
    np.testing.assert_array_equal(grid.values[:, 0], np.arange(400))
    assert abs(seconds_of(grid)[0] - middle) <= 20


def test_rows_that_fall_together(refusal):
    seconds = np.cumsum(np.random.default_rng(0).integers(1, 599, 300))
    with refusal("a.csv", "no regular step", "5 min"):
        on_grid(rows(seconds), STEP, "a.csv")


def test_a_stray_year_does_not_fill_the_memory(refusal):
    seconds = [*(np.arange(100) * 300), 10**9]
    with refusal("a.csv: row 102", "2047-09-12", "steps for 101 rows"):
        on_grid(rows(seconds), STEP, "a.csv")


def in_seconds(count):
    return np.timedelta64(count, "s")


def at(seconds):
    return START + np.asarray(seconds).astype("timedelta64[s]")


@pytest.mark.parametrize("step", [1, 7, 60, 300, 433, 3600, 7200, 86_400, 604_800])
def test_a_step_without_gaps(step):
    assert regular_step({"": at(np.arange(50) * step)}, "a.csv") == in_seconds(step)
    assert regular_step({"": at([0, step])}, "a.csv") == in_seconds(step)


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**31), lost=st.floats(0, 0.35), step=st.sampled_from([300, 3600, 433]))
def test_rows_lost_at_random_are_gaps(seed, lost, step):
    present = np.random.default_rng(seed).random(400) >= lost
    assert regular_step({"": at(np.flatnonzero(present) * step)}, "a.csv") == in_seconds(step)


@pytest.mark.parametrize("seed", range(5))
def test_most_rows_lost_are_gaps(seed):
    present = np.random.default_rng(seed).random(4000) >= 0.6
    assert regular_step({"": at(np.flatnonzero(present) * 300)}, "a.csv") == in_seconds(300)


def test_days_without_nights_or_weekends_are_gaps():
    days, hours = np.divmod(np.arange(24 * 60), 24)
    for present in ((days % 7 < 5), (hours >= 8) & (hours < 18), days < 0.5 * hours):
        assert regular_step({"": at(np.flatnonzero(present) * 3600)}, "a.csv") == in_seconds(3600)
    assert regular_step({"": at(np.flatnonzero(np.arange(100) % 7 < 5) * 86_400)}, "a.csv") == np.timedelta64(
        86_400, "s"
    )


@pytest.mark.parametrize("spread", [2, 20, 60])
def test_a_clock_that_is_not_steady(spread):
    jitter = np.random.default_rng(0).integers(-spread, spread + 1, 500)
    assert regular_step({"": at(np.arange(500) * 300 + jitter)}, "a.csv") == in_seconds(300)
    assert regular_step({"": at((np.arange(500) * 300.4).astype(int))}, "a.csv") == np.timedelta64(
        300, "s"
    )  # and one that is slow


def test_rows_right_after_one_another_do_not_make_seconds_of_it():
    steps = np.arange(500) * 300 + np.random.default_rng(0).integers(-60, 61, 500)
    seconds = np.unique(np.concatenate([steps, steps[::20] + 1]))
    assert regular_step({"": at(seconds)}, "a.csv") == in_seconds(300)


def test_two_steps_are_both_named(refusal):
    for first, second, words in (
        (300, 900, ("5 min", "15 min")),
        (3600, 1800, ("1 h", "30 min")),
        (300, 420, ("7 min",)),
    ):
        seconds = np.cumsum([first] * 50 + [second] * 40)
        with refusal("a.csv: two different steps", *words, "from 2016-01-04 0"):
            regular_step({"": at(seconds)}, "a.csv")
        with refusal("two different steps", "A from", "B from", *words):
            regular_step({"A": at(np.arange(50) * first), "B": at(np.arange(40) * second)}, "a.csv")


def test_every_other_row_lost_for_a_while_is_no_second_step():
    present = np.ones(2000, bool)
    present[1000:1020:2] = False
    assert regular_step({"": at(np.flatnonzero(present) * 300)}, "a.csv") == in_seconds(300)


def test_times_without_any_step(refusal):
    with refusal("a.csv: its rows keep to no regular step", "8 s to", "apart"):
        regular_step({"": at(np.cumsum(np.arange(1, 80) ** 3))}, "a.csv")
    with refusal("a.csv", "two rows or more"):
        regular_step({"A": at([0]), "B": at([5])}, "a.csv")
