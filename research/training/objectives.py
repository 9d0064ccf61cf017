"""Losses and metrics as numbers per example: they are summed with weights, and divided once, at the end."""

import functools
from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
import optax


def classification(logits: jax.Array, labels: jax.Array) -> dict[str, jax.Array]:
    """`loss`, the cross-entropy in nats, and `accuracy`, 1 for a right answer, of logits [B, K]: each [B]."""
    return {
        "loss": optax.softmax_cross_entropy_with_integer_labels(logits, labels),
        "accuracy": (logits.argmax(axis=-1) == labels).astype(jnp.float32),
    }


def forecasting(
    loss: Literal["mse", "mae", "huber", "quantile"], quantiles: tuple[float, ...] = ()
) -> Callable[[jax.Array, dict[str, jax.Array]], dict[str, jax.Array]]:
    """The objective of forecasts [B, P, F, Q]: `loss` and `scaled_mae` of the middle forecast, each [B].

    Targets are values [B, P, F], NaN where unknown, and spread [B, F], the unit of all errors here. Each number is the
    mean over what is known of an example's target, 0 where nothing is.
    """
    each = {
        "mse": lambda error: error[..., 0] ** 2,
        "mae": lambda error: jnp.abs(error[..., 0]),
        "huber": lambda error: optax.losses.huber_loss(error[..., 0]),
        "quantile": functools.partial(_pinball, jnp.array(quantiles)),
    }[loss]

    def objective(forecasts: jax.Array, targets: dict[str, jax.Array]) -> dict[str, jax.Array]:
        known = jnp.isfinite(targets["values"])
        truth = jnp.where(known, targets["values"], 0.0)
        # Where the truth is unknown the error is made zero before it is squared: no NaN reaches a gradient.
        error = jnp.where(known[..., None], truth[..., None] - forecasts, 0.0) / targets["spread"][:, None, :, None]
        count = jnp.maximum(known.sum(axis=(1, 2)), 1)
        middle = jnp.abs(error[..., error.shape[-1] // 2])
        return {"loss": each(error).sum(axis=(1, 2)) / count, "scaled_mae": middle.sum(axis=(1, 2)) / count}

    return objective


def _pinball(quantiles: jax.Array, error: jax.Array) -> jax.Array:
    """The quantile loss of truth - forecast [..., Q], its mean over Q (Koenker & Bassett 1978)."""
    return jnp.maximum(quantiles * error, (quantiles - 1) * error).mean(axis=-1)
