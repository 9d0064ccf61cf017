"""The losses of forecasters and what training measures beside them, as numbers per example."""

import functools
from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
import optax

METRICS = ("loss", "scaled_mae")


def forecasting(
    loss: Literal["mse", "mae", "huber", "quantile"], quantiles: tuple[float, ...] = ()
) -> Callable[[jax.Array, jax.Array], dict[str, jax.Array]]:
    """The loss of forecasts [B, P, F, Q]: `loss` and `scaled_mae` of the middle forecast, each [B].

    Targets are values [B, P, F], NaN where unknown. Targets, forecasts and errors are in spreads. Each number is the
    mean over the known values of an example's target, 0 where none is known.
    """
    each = {
        "mse": lambda errors: errors[0] ** 2,
        "mae": lambda errors: jnp.abs(errors[0]),
        "huber": lambda errors: optax.losses.huber_loss(errors[0]),
        "quantile": functools.partial(_pinball, quantiles),
    }[loss]

    def loss_fn(forecasts: jax.Array, targets: jax.Array) -> dict[str, jax.Array]:
        # Flat, and a quantile at a time: on CPU sums over two axes and a last one of size 1 are slow loops (the LSTM's
        # step of `recurrence` 14.8 ms with them, 13.2 without).
        flat = lambda x: x.reshape(len(x), -1)  # noqa: E731
        truth, known = flat(targets), flat(jnp.isfinite(targets))
        # The error is set to zero where the truth is unknown, before it is squared: no NaN reaches a gradient.
        errors = [jnp.where(known, truth - flat(forecasts[..., q]), 0.0) for q in range(forecasts.shape[-1])]
        count = jnp.maximum(known.sum(axis=1), 1)
        middle = jnp.abs(errors[len(errors) // 2])
        return {"loss": each(errors).sum(axis=1) / count, "scaled_mae": middle.sum(axis=1) / count}

    return loss_fn


def _pinball(quantiles: tuple[float, ...], errors: list[jax.Array]) -> jax.Array:
    """The quantile loss of truth - forecast, one array for each of Q, its mean over Q (Koenker & Bassett 1978)."""
    pairs = zip(quantiles, errors, strict=True)
    return sum((jnp.maximum(q * error, (q - 1) * error) for q, error in pairs), jnp.zeros(())) / len(quantiles)
