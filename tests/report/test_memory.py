"""The figure of memory cells: alike ones stand beside each other, and those drawn as lines are worth it."""

import numpy as np
import pytest

from research.report.memory import by_phase, memory, most_swinging

TIMES = np.datetime64("2016-03-04T00:00") + np.arange(96) * np.timedelta64(15, "m")


def waves(peaks, spikes=0.0):
    """Cells [96, H] that are highest at `peaks`, in steps of 96, each with an offset and a size of its own."""
    noise = np.random.default_rng(0)
    cells = np.cos(2 * np.pi * (np.arange(96)[:, None] - peaks) / 96)
    sizes, offsets = noise.uniform(0.2, 2, len(peaks)), noise.normal(size=len(peaks))
    return cells * sizes + offsets + spikes * (noise.random(cells.shape) > 0.98)


@pytest.mark.parametrize("spikes", [0.0, 0.2])
def test_cells_are_ordered_by_when_they_are_highest(spikes):
    peaks = np.random.default_rng(1).permutation(8) * 12 + 3
    assert np.array_equal(by_phase(waves(peaks, spikes)), np.argsort(peaks))


def test_cells_that_never_move_come_first():
    cells = waves(np.array([30, 20, 10]))
    cells[:, 1] = 0.7
    assert by_phase(cells).tolist() == [1, 2, 0]


@pytest.mark.parametrize(("H", "shown"), [(1, 1), (3, 3), (4, 4), (64, 4)])
def test_a_few_cells_of_all_phases_are_drawn_as_lines(H, shown):
    cells = np.random.default_rng(H).normal(size=(96, H)) * np.linspace(1, 2, H)
    found = most_swinging(cells)
    assert len(found) == shown and found == sorted(set(found))
    assert int(cells.std(axis=0).argmax()) in found


def test_the_figure_can_be_drawn_and_follows_its_numbers():
    cells = waves(np.arange(5) * 10)
    drawn = memory(TIMES, cells, np.arange(96), "flow")
    assert drawn == memory(TIMES, cells, np.arange(96), "flow") != memory(TIMES, -cells, np.arange(96), "flow")
    for odd in (np.zeros((96, 5)), cells[:, :1]):
        assert memory(TIMES, odd, np.arange(96), "flow")[:4] == b"\x89PNG"
    assert memory(TIMES[:1], cells[:1], np.arange(1), "flow")[:4] == b"\x89PNG"
