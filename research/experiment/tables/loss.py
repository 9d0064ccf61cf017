"""The losses of predictors of tables and what training measures beside them, as numbers per row."""

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
import optax

from research.models.tables import unscaled

METRICS = ("loss", "mae")
Loss = Literal["mse", "mae", "huber", "quantile", "gaussian"]
LEAST = -6.0  # bound of the log of a scaled deviation, so that a fitted row cannot make it infinite


def regression(
    loss: Loss, quantiles: tuple[float, ...] = (), *, log: bool = False
) -> Callable[[jax.Array, jax.Array], dict[str, jax.Array]]:
    """The loss of outputs [B, Q + 2] (see `models.tables.TargetScale`) for targets [B], in the target's unit.

    `loss` is of the scaled target, of its logarithm with `log`; `mae` is the absolute error of the prediction, in the
    target's unit: of the middle quantile, or of the mean. gaussian: the negative log-likelihood of a mean and the log
    of a deviation (Nix & Weigend 1994). Each is [B].
    """

    def loss_fn(outputs: jax.Array, targets: jax.Array) -> dict[str, jax.Array]:
        center, scale = outputs[:, -2], outputs[:, -1]
        truth = ((jnp.log1p(targets) if log else targets) - center) / scale
        own = outputs[:, :-2]
        middle = own[:, _middle(loss, quantiles)]
        predicted = unscaled(jnp.stack([middle, center, scale], axis=1), log=log)[:, 0]
        return {"loss": _losses(loss, quantiles, own, truth), "mae": jnp.abs(predicted - targets)}

    return loss_fn


def outputs_of(loss: Loss, quantiles: tuple[float, ...]) -> int:
    """The number of outputs that the loss reads, Q."""
    return {"quantile": len(quantiles), "gaussian": 2}.get(loss, 1)


def _middle(loss: Loss, quantiles: tuple[float, ...]) -> int:
    return len(quantiles) // 2 if loss == "quantile" else 0


def _losses(loss: Loss, quantiles: tuple[float, ...], own: jax.Array, truth: jax.Array) -> jax.Array:
    errors = truth[:, None] - own
    if loss == "quantile":
        levels = jnp.array(quantiles)
        return jnp.maximum(levels * errors, (levels - 1) * errors).mean(axis=1)  # Koenker & Bassett 1978
    if loss == "gaussian":
        log_deviation = jnp.maximum(own[:, 1], LEAST)
        return log_deviation + 0.5 * (errors[:, 0] * jnp.exp(-log_deviation)) ** 2
    error = errors[:, 0]
    return {"mse": jnp.square, "mae": jnp.abs, "huber": optax.losses.huber_loss}[loss](error)
