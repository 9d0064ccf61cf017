"""Gradient descent on linear regression whose features have several scales: a U-shaped risk for each, added up.

Heckel & Yilmaz 2021, "Early stopping in deep networks: double descent and how to eliminate it" (ICLR), section 2.
Features x_i are normal with standard deviation s_i, and y = sum_i x_i c_i + noise. From zero, t steps of size e_i on
half the mean squared error over n >> D rows leave, in expectation and up to terms in D / n, the risk

    noise variance + sum_i [ a_i q_i(t)^2 + b (1 - q_i(t))^2 ],   q_i(t) = (1 - e_i s_i^2)^t

with the signal a_i = s_i^2 c_i^2 and b = noise variance / n: what is not learned yet, and what was learned of the
noise. A group of features is at its minimum ab / (a + b) where q = b / (a + b). Groups of different scales come there
at different times, and the sum of their U shapes falls, rises and falls again. Steps for which all q_i reach their
minimum at once remove that.

Shapes: D features, n rows, R records, S seeds.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from research.keys import key


class Regression(NamedTuple):
    """The true model: scales [D] and coefficients [D] of its features, and the variance of the noise."""

    scales: np.ndarray
    coefficients: np.ndarray
    noise_variance: float


def regression(
    features: tuple[int, ...], scales: tuple[float, ...], coefficients: tuple[float, ...], noise_variance: float
) -> Regression:
    """A model of groups: `features[g]` features of scale `scales[g]` with coefficients `coefficients[g]`."""
    return Regression(np.repeat(scales, features), np.repeat(coefficients, features), noise_variance)


def closed_form_risk(model: Regression, rates: np.ndarray, rows: int, steps: np.ndarray) -> np.ndarray:
    """The expected squared error on new rows after each of `steps` [R] with step sizes `rates` [D], for n = `rows`."""
    left = (1 - rates * model.scales**2) ** np.asarray(steps, np.float64)[:, None]
    signal = (model.scales * model.coefficients) ** 2
    return model.noise_variance + (signal * left**2 + model.noise_variance / rows * (1 - left) ** 2).sum(axis=1)


def rates_that_agree(model: Regression, rows: int, step: float) -> np.ndarray:
    """Step sizes [D] with which every feature is at its minimum after `step` steps: (1 - q^(1/step)) / s^2.

    Features without a signal keep a step size of zero: their minimum is to learn nothing.
    """
    variance, signal = model.noise_variance / rows, (model.scales * model.coefficients) ** 2
    return (1 - (variance / (signal + variance)) ** (1 / step)) / model.scales**2


def best_step(model: Regression, rows: int, rate: float, feature: int) -> float:
    """The step, not rounded, at which `feature` alone is at its minimum with step size `rate`."""
    variance, signal = model.noise_variance / rows, (model.scales[feature] * model.coefficients[feature]) ** 2
    return float(np.log(variance / (signal + variance)) / np.log1p(-rate * model.scales[feature] ** 2))


@partial(jax.jit, static_argnames=("rows",))
def measured_risk(
    scales: jax.Array,
    coefficients: jax.Array,
    noise_variance: jax.Array | float,
    rates: jax.Array,
    seeds: jax.Array,
    steps: jax.Array,
    *,
    rows: int,
) -> jax.Array:
    """The squared error on new rows, [S, V, R], of gradient descent on `rows` drawn rows, for each seed.

    rates  [V, D], step sizes of V variants, which see the same rows
    steps  [R], increasing
    The error needs no test rows: it is noise variance + sum_i s_i^2 (found_i - c_i)^2.
    """

    def of_seed(seed: jax.Array) -> jax.Array:
        x = jax.random.normal(key(seed, "x"), (rows, len(scales))) * scales
        noise = jax.random.normal(key(seed, "noise"), (rows,)) * jnp.sqrt(noise_variance)
        gram, moment = x.T @ x / rows, x.T @ (x @ coefficients + noise) / rows
        return jax.vmap(partial(_descend, gram, moment))(rates)

    def _descend(gram: jax.Array, moment: jax.Array, rate: jax.Array) -> jax.Array:
        def record(found: jax.Array, ends: jax.Array) -> tuple[jax.Array, jax.Array]:
            step = lambda _, at: at - rate * (gram @ at - moment)  # noqa: E731
            found = jax.lax.fori_loop(ends[0], ends[1], step, found)
            return found, noise_variance + jnp.square(scales * (found - coefficients)).sum()

        starts = jnp.concatenate([jnp.zeros(1, steps.dtype), steps[:-1]])
        return jax.lax.scan(record, jnp.zeros_like(scales), jnp.stack([starts, steps], axis=1))[1]

    return jax.vmap(of_seed)(seeds)
