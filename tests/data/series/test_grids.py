import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.data.series.grids import Rows, on_grid

START = np.datetime64("2016-01-04T00:00:00")
STEP = np.timedelta64(300, "s")


def rows(seconds, values=None):
    values = np.arange(len(seconds), dtype=float)[:, None] if values is None else values
    instants = START + np.asarray(seconds).astype("timedelta64[s]")
    return Rows("", instants, values, np.arange(len(seconds)) + 2)


def seconds_of(grid):
    return (grid.instants - START).astype(int)


@settings(max_examples=60, deadline=None)
@given(kept=st.lists(st.booleans(), min_size=3, max_size=60), phase=st.integers(0, 299))
def test_rows_on_the_grid_stay_as_they_are(kept, phase):
    places = np.flatnonzero([True, *kept, True])
    grid = on_grid(rows(places * 300 + phase), STEP, "a.csv")
    np.testing.assert_array_equal(seconds_of(grid), np.arange(places[-1] + 1) * 300 + phase)
    np.testing.assert_array_equal(grid.values[places, 0], np.arange(len(places)))
    np.testing.assert_array_equal(grid.members > 0, np.isin(np.arange(places[-1] + 1), places))
    assert np.isnan(np.delete(grid.values[:, 0], places)).all() and not grid.moved.any()


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
