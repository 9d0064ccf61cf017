"""The losses of tables by closed forms."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from research.experiment.tables.loss import METRICS, outputs_of, regression

TRUTH = np.array([1.0, 4.0, 10.0])
CENTER, SCALE = 3.0, 2.0


def losses(loss, own, quantiles=(), log=False):
    outputs = jnp.concatenate(
        [jnp.asarray(own, jnp.float32), jnp.full((3, 1), CENTER), jnp.full((3, 1), SCALE)], axis=1
    )
    found = regression(loss, quantiles, log=log)(outputs, jnp.asarray(TRUTH, jnp.float32))
    assert tuple(found) == METRICS
    return {name: np.asarray(each) for name, each in found.items()}


@pytest.mark.parametrize("log", [False, True])
def test_the_loss_is_of_the_scaled_target_and_the_error_in_its_unit(log):
    own = np.array([[0.0], [0.5], [1.0]])
    on_scale = own[:, 0] * SCALE + CENTER
    truth = np.log1p(TRUTH) if log else TRUTH
    found = losses("mse", own, log=log)
    assert np.allclose(found["loss"], ((truth - on_scale) / SCALE) ** 2, rtol=1e-5)
    assert np.allclose(found["mae"], np.abs((np.expm1(on_scale) if log else on_scale) - TRUTH), rtol=1e-5)


def test_mae_and_huber():
    own = np.zeros((3, 1))
    error = np.abs((TRUTH - CENTER) / SCALE)
    assert np.allclose(losses("mae", own)["loss"], error)
    assert np.allclose(losses("huber", own)["loss"], np.where(error < 1, error**2 / 2, error - 0.5))


def test_a_quantile_loss_is_least_at_the_quantile():
    quantiles = (0.1, 0.5, 0.9)
    assert outputs_of("quantile", quantiles) == 3
    sample = np.random.default_rng(0).normal(size=4000)
    at = norm.ppf(quantiles)
    loss_of = lambda shift: float(  # noqa: E731
        regression("quantile", quantiles)(
            jnp.concatenate([jnp.tile(at + shift, (4000, 1)), jnp.zeros((4000, 1)), jnp.ones((4000, 1))], axis=1),
            jnp.asarray(sample),
        )["loss"].mean()
    )
    assert loss_of(0.0) < min(loss_of(0.2), loss_of(-0.2))


def test_the_gaussian_loss_is_the_negative_log_likelihood():
    own = np.array([[0.0, 0.3], [1.0, -0.2], [0.5, 0.0]])
    scaled = (TRUTH - CENTER) / SCALE
    exact = -norm.logpdf(scaled, own[:, 0], np.exp(own[:, 1])) - 0.5 * np.log(2 * np.pi)
    assert np.allclose(losses("gaussian", own)["loss"], exact, rtol=1e-5)
