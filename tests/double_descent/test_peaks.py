"""The peak finder: planted peaks are found where they are, and monotone, U-shaped or noisy curves have none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.double_descent.peaks import Turns, find_peak, turns

AT = np.geomspace(10, 1000, 21)


def planted(index, height, seeds=5, noise=0.02, generator=None):
    """Curves [S, 21] that fall from 1 to 0.1 over `AT`, with a peak of `height` times that at `index`."""
    generator = generator or np.random.default_rng(0)
    bump = 1 + (height - 1) * np.exp(-(((np.arange(21) - index) / 1.5) ** 2))
    return np.geomspace(1, 0.1, 21) * bump * np.exp(noise * generator.normal(size=(seeds, 21)))


@settings(deadline=None)
@given(st.integers(5, 16), st.floats(4.0, 1e4), st.integers(3, 8), st.integers(0, 1000))
def test_a_planted_peak_is_found_where_it_is(index, height, seeds, seed):
    found = find_peak(AT, planted(index, height, seeds, generator=np.random.default_rng(seed)))
    assert found is not None
    assert found.low95 <= AT[index] <= found.high95
    assert found.first["mean"] < found.height["mean"] > found.second["mean"]
    first, peak, second = found.positions
    assert first < peak < second and found.low95 <= found.position <= found.high95


@pytest.mark.parametrize("curve", [np.geomspace(1, 0.1, 21), np.geomspace(0.1, 1, 21)], ids=["falling", "rising"])
def test_a_monotone_curve_has_no_peak(curve):
    assert turns(curve) is None and find_peak(AT, np.stack([curve] * 5)) is None


def test_a_u_has_no_peak():
    u = 1 + (np.arange(21) - 10.0) ** 2
    assert turns(u) is None and find_peak(AT, np.stack([u] * 5)) is None


def test_noise_around_a_falling_or_a_flat_curve_rarely_has_one():
    """At most in 5% of cases, or 10 of 200; turns chosen and judged on the same seeds would find one in 18%."""
    generators = [np.random.default_rng(seed) for seed in range(200)]
    falling = [planted(10, 1.0, noise=0.2, generator=generator) for generator in generators]
    flat = [np.exp(0.2 * generator.normal(size=(5, 21))) for generator in generators]
    for curves in (falling, flat):
        assert sum(find_peak(AT, each) is not None for each in curves) <= 10


def test_a_peak_whose_height_spans_decades_between_seeds_is_found():
    """As at the interpolation threshold, where one seed is near a singular matrix."""
    curves = np.concatenate([planted(10, height, seeds=1) for height in (44.0, 45.0, 98.0, 212.0, 19252.0)])
    found = find_peak(AT, curves)
    assert found is not None and np.isclose(found.position, AT[10])


def test_a_peak_of_one_seed_alone_is_chance():
    curves = np.stack([np.geomspace(1, 0.1, 21)] * 5)
    curves[0] = planted(10, 50.0, seeds=1, noise=0.0)[0]
    assert find_peak(AT, curves) is None


@settings(deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.permutations(range(5)))
def test_units_and_the_order_of_seeds_do_not_matter(height, width, order):
    curves = planted(9, 6.0)
    one, other = find_peak(AT, curves), find_peak(width * AT, height * curves[list(order)])
    assert one is not None and other is not None
    assert np.isclose(other.position, width * one.position) and np.isclose(other.high95, width * one.high95)
    assert np.isclose(other.height["mean"], height * one.height["mean"])


def test_the_interval_is_no_narrower_than_the_measured_points():
    curves = np.stack([planted(10, 9.0, seeds=1, noise=0.0)[0]] * 5)
    found = find_peak(AT, curves)
    assert found is not None and np.isclose(found.position, AT[10])
    assert np.isclose(found.low95, np.sqrt(AT[9] * AT[10])) and np.isclose(found.high95, np.sqrt(AT[10] * AT[11]))


def test_the_turns_of_a_curve():
    assert turns(np.array([5.0, 2.0, 3.0, 9.0, 4.0, 1.0, 3.0])) == Turns(1, 3, 5)
    assert turns(np.array([1.0, 2.0])) is None


def test_a_plateau_is_no_peak():
    assert turns(np.array([3.0, 1.0, 2.0, 2.0])) is None


def test_a_bump_on_the_way_up_is_no_peak():
    rising = np.array([5.0, 1.0, 2.0, 1.5, 3.0, 4.0])
    assert turns(rising) is None
    assert turns(np.append(rising, 2.0)) == Turns(1, 5, 6)


@pytest.mark.parametrize(
    ("positions", "curves", "message"),
    [
        ([1, 2, 3], np.ones((1, 3)), "two seeds"),
        ([1, 2], np.ones((2, 3)), "2 positions"),
        ([1, 2, 3], np.zeros((2, 3)), "not positive"),
        ([1, 2, 3], np.full((2, 3), np.nan), "not positive"),
        ([0, 2, 3], np.ones((2, 3)), "positions must be positive"),
        ([1, 3, 2], np.ones((2, 3)), "increasing"),
    ],
)
def test_what_is_no_curve_is_refused(positions, curves, message):
    with pytest.raises(ValueError, match=message):
        find_peak(positions, curves)
