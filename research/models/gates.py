"""The nonlinearities of a recurrent step, for all columns of its pre-activations in one pass.

One tanh for all columns takes a quarter of the time of a sigmoid and a tanh on slices (docs/speed.md). So gates use
tanh too: sigmoid(x) = (1 + tanh(x / 2)) / 2. The half is multiplied into the weights once (`scale`), without
rounding.
"""

from typing import Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np

Gates = Literal["sigmoid", "hard_sigmoid", "hard_sigmoid_keras2"]
GATES: tuple[Gates, ...] = get_args(Gates)

# Straight lines through 1/2, cut off at 0 and 1: keras.activations.hard_sigmoid of Keras 3 (relu6(x + 3) / 6), and of
# Keras 2 and before (0.2 x + 0.5; the gates' default until 2.2).
STEEPNESS = {"hard_sigmoid": 1 / 6, "hard_sigmoid_keras2": 0.2}


def scale(gates: Gates, gated: np.ndarray) -> np.ndarray:
    """The factors of pre-activations before `activate`, [n]; `gated` is 1 in the columns of gates, 0 in others."""
    return np.ones(len(gated)) if gates in STEEPNESS else 1 - gated / 2


def activate(z: jax.Array, gates: Gates, gated: np.ndarray) -> jax.Array:
    """The values of scaled pre-activations [..., n]: gates 0..1, tanh in the other columns."""
    if gates in STEEPNESS:
        return jnp.where(gated > 0, jnp.clip(STEEPNESS[gates] * z + 0.5, 0, 1), jnp.tanh(z))
    half = jnp.asarray(gated / 2, z.dtype)
    return (1 - half) * jnp.tanh(z) + half


def slope(a: jax.Array, gates: Gates, gated: np.ndarray) -> jax.Array:
    """The derivative of `activate` by its scaled pre-activations, from its values `a` [..., n]."""
    if gates in STEEPNESS:
        return jnp.where(gated > 0, STEEPNESS[gates] * ((a > 0) & (a < 1)), (1 - a) * (1 + a))
    own = jnp.asarray(gated, a.dtype)
    return (1 - a) * ((1 - own) + (1 + own) * a)
