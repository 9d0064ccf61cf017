"""Gradient descent on two scales: the closed form against simulation, and step sizes that remove the double descent."""

import jax.numpy as jnp
import numpy as np
import pytest

from research.double_descent.peaks import turns
from research.double_descent.two_scales import (
    best_step,
    closed_form_risk,
    measured_risk,
    rates_that_agree,
    regression,
)

MODEL = regression((100, 30), (1.0, 0.1), (0.07, 1.8), 10.0)
STEPS = np.unique(np.geomspace(1, 30_000, 60).round().astype(int))


def measured(model, rates, rows, steps, seeds=5):
    arrays = (model.scales, model.coefficients, model.noise_variance, rates, np.arange(seeds), steps)
    return np.asarray(measured_risk(*map(jnp.asarray, arrays), rows=rows))


def test_groups_are_laid_out_in_order():
    np.testing.assert_array_equal(regression((2, 1), (1.0, 0.5), (3.0, 4.0), 1.0).scales, [1.0, 1.0, 0.5])


def test_the_closed_form_starts_at_the_signal_and_ends_at_the_noise():
    rates = np.full(130, 0.01)
    start, end = closed_form_risk(MODEL, rates, 1000, np.array([0, 10**7]))
    assert start == pytest.approx(10 + 100 * 0.07**2 + 30 * 0.18**2)
    assert end == pytest.approx(10 * (1 + 130 / 1000))


@pytest.mark.slow
def test_descent_ends_at_least_squares():
    """Its expected risk is exactly noise * (1 + D / (n - D - 1)) for normal features."""
    model = regression((5, 5), (1.0, 0.7), (1.0, -1.0), 4.0)
    found = measured(model, np.full((1, 10), 0.3), 60, np.array([1500]), seeds=200)[:, 0, 0]
    expected = 4.0 * (1 + 10 / (60 - 10 - 1))
    assert abs(found.mean() - expected) < 4 * found.std() / np.sqrt(len(found))


def test_descent_follows_the_closed_form_when_rows_are_many():
    model, rates = MODEL._replace(noise_variance=200.0), np.full((1, 130), 0.02)
    found = measured(model, rates, 20_000, STEPS[STEPS < 10_000], seeds=4).mean(axis=0)[0]
    closed = closed_form_risk(model, rates[0], 20_000, STEPS[STEPS < 10_000])
    start = 200.0  # what no estimate can remove
    np.testing.assert_allclose(found - start, closed - start, rtol=0.1)


def test_one_step_size_gives_a_double_descent_and_two_remove_it():
    one = np.full(130, 0.01)
    assert turns(closed_form_risk(MODEL, one, 1000, STEPS)) is not None
    apart = rates_that_agree(MODEL, 1000, best_step(MODEL, 1000, 0.01, feature=0))
    assert turns(closed_form_risk(MODEL, apart, 1000, STEPS)) is None
    np.testing.assert_allclose(apart[:100], 0.01)  # the first group keeps its step size


def test_groups_that_agree_reach_the_lowest_risk_of_all():
    """At the common step the risk is the sum of the minima ab / (a + b), which no step sizes can beat."""
    step = best_step(MODEL, 1000, 0.01, feature=0)
    apart = rates_that_agree(MODEL, 1000, step)
    signal, variance = (MODEL.scales * MODEL.coefficients) ** 2, 10.0 / 1000
    least = 10.0 + (signal * variance / (signal + variance)).sum()
    assert closed_form_risk(MODEL, apart, 1000, np.array([step]))[0] == pytest.approx(least)
    generator = np.random.default_rng(0)
    for _ in range(20):
        others = apart * generator.uniform(0.2, 1.5, 130)
        assert closed_form_risk(MODEL, others, 1000, STEPS).min() >= least


def test_a_feature_without_a_signal_is_not_learned():
    model = regression((1, 1), (1.0, 1.0), (0.0, 1.0), 1.0)
    assert rates_that_agree(model, 100, 10.0)[0] == 0.0
