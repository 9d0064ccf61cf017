"""One range for a set: which values become 0 and 255."""

import numpy as np
import pytest

from research.data.images.pixel_range import FLOATS, INTEGERS, Extremes, describe_range, extremes, ranges_of, scaled


@pytest.mark.parametrize(
    ("highs", "white"),
    [
        ((1,), 1),
        ((7, 250), 255),
        ((250, 3000), 4095),  # a camera of 12 bits, whatever its darkest picture says
        ((1023,), 1023),
        ((1024,), 4095),
        ((16383, 40), 16383),
        ((65535,), 65535),
        ((70000,), 70000),  # no camera's: its own
    ],
)
def test_white_is_the_next_bit_depth_for_all(highs, white):
    found = [Extremes(INTEGERS, 0, high) for high in highs]
    assert ranges_of(found) == ranges_of(reversed(found)) == {INTEGERS: (0, white)}


def test_whole_numbers_and_floats_have_a_range_each():
    found = [Extremes(INTEGERS, 3, 3000), Extremes(FLOATS, 0.1, 0.4), Extremes(FLOATS, -1e-5, 1.0002)]
    assert ranges_of(found) == {FLOATS: (0, 1), INTEGERS: (0, 4095)}
    assert ranges_of([]) == {}


def test_negative_values_are_not_lost():
    known = ranges_of([Extremes(INTEGERS, -1000, 3000), Extremes(INTEGERS, 0, 40)])[INTEGERS]
    assert known == (-1000, 3000)
    assert scaled(np.array([-1000, 1000, 3000]), known).tolist() == [0, 128, 255]


def test_what_is_beyond_becomes_black_or_white():
    values = np.array([-5.0, 0, 50, 100, 900, np.inf, -np.inf, np.nan])
    assert scaled(values, (0, 100)).tolist() == [0, 0, 128, 255, 255, 255, 0, 0]
    assert extremes(values) == Extremes(FLOATS, -5, 900)
    assert extremes(np.array([np.nan])) == Extremes(FLOATS, 0, 0)
    assert extremes(np.array([[7, 300]], ">u2")) == Extremes(INTEGERS, 7, 300)


def test_its_words():
    assert describe_range((0, 65535)) == "0 to 65,535 become 0 to 255"
    assert describe_range((-0.5, 1)) == "-0.5 to 1 become 0 to 255"
