"""Losses of forecasts: means over what is known, in spreads, by their closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.experiment.series.loss import METRICS, forecasting

N, P, F = 6, 4, 2
QUANTILES = (0.1, 0.5, 0.9)


@pytest.fixture
def drawn():
    """Forecasts [N, P, F, Q] for Q = 3 and targets of which some are unknown, all of the last window's."""
    generator = np.random.default_rng(0)
    values = generator.normal(0, 1.5, (N, P, F))
    values[generator.random(values.shape) < 0.3] = np.nan
    values[-1] = np.nan
    return generator.normal(0, 1.5, (N, P, F, 3)), values


def on_device(targets):
    return jnp.asarray(targets, jnp.float32)


def huber(error):
    return np.where(np.abs(error) <= 1, error**2 / 2, np.abs(error) - 0.5)


FORMS = {"mse": np.square, "mae": np.abs, "huber": huber}


@pytest.mark.parametrize("loss", FORMS)
def test_it_is_the_mean_over_what_is_known(drawn, loss):
    forecasts, targets = drawn[0][..., :1], drawn[1]
    found = forecasting(loss)(jnp.asarray(forecasts, jnp.float32), on_device(targets))
    error = targets - forecasts[..., 0]
    known = ~np.isnan(error)
    for row in range(N - 1):
        one = error[row][known[row]]
        assert float(found["loss"][row]) == pytest.approx(FORMS[loss](one).mean(), rel=1e-5)
        assert float(found["scaled_mae"][row]) == pytest.approx(np.abs(one).mean(), rel=1e-5)
    assert found["loss"][-1] == found["scaled_mae"][-1] == 0, "nothing is known there"
    assert set(found) == set(METRICS)


def test_the_quantile_loss_weighs_both_sides(drawn):
    forecasts, targets = drawn
    found = forecasting("quantile", QUANTILES)(jnp.asarray(forecasts, jnp.float32), on_device(targets))
    error = targets[..., None] - forecasts
    quantiles = np.array(QUANTILES)
    pinball = np.where(error >= 0, quantiles * error, (1 - quantiles) * -error)
    middle = np.abs(error[..., 1])
    for row in range(N - 1):
        assert float(found["loss"][row]) == pytest.approx(np.nanmean(pinball[row]), rel=1e-5)
        assert float(found["scaled_mae"][row]) == pytest.approx(np.nanmean(middle[row]), rel=1e-5)


@pytest.mark.parametrize("quantile", [0.05, 0.5, 0.8])
def test_what_makes_the_quantile_loss_least_is_the_quantile(quantile):
    sample = np.random.default_rng(1).exponential(1.0, 999)
    targets = jnp.asarray(sample[:, None, None])
    candidates = jnp.asarray(np.sort(sample))
    objective = forecasting("quantile", (quantile,))
    losses = jax.lax.map(lambda one: objective(jnp.full((999, 1, 1, 1), one), targets)["loss"].mean(), candidates)
    assert float(candidates[int(losses.argmin())]) == pytest.approx(np.quantile(sample, quantile), rel=0.01)


@pytest.mark.parametrize("loss", [*FORMS, "quantile"])
def test_no_gradient_is_touched_by_what_is_unknown(drawn, loss):
    forecasts, targets = drawn
    objective = forecasting(loss, QUANTILES if loss == "quantile" else ())
    forecasts = jnp.asarray(forecasts if loss == "quantile" else forecasts[..., :1], jnp.float32)
    gradient = jax.grad(lambda said: objective(said, on_device(targets))["loss"].sum())(forecasts)
    unknown = np.isnan(targets)
    assert np.isfinite(gradient).all()
    assert (np.asarray(gradient)[unknown] == 0).all() and (np.asarray(gradient)[~unknown] != 0).all()
