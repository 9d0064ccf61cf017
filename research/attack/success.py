"""The one definition of success, and the fitness that a search maximizes. Both are the same for logits and softmax.

Adding a constant to all logits changes neither. Outputs that are not finite never succeed, and are the least fit.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Aim(NamedTuple):
    """What an attack on one picture wants: away from its class, or, with `targeted`, to the class `target`."""

    label: jax.Array  # int32 [], the true class
    target: jax.Array  # int32 [], the class to be named; of no account unless `targeted`
    targeted: jax.Array  # bool []


def margin(logits: jax.Array, aim: Aim) -> jax.Array:
    """How far `logits` [..., K] are beyond the decision, [...]: positive where the attack succeeds.

    The largest other logit minus the label's; targeted, the target's minus the largest other. A tie is no success.
    """
    wanted = jnp.where(aim.targeted, aim.target, aim.label)
    own = jnp.take(logits, wanted, axis=-1)
    others = jnp.where(jnp.arange(logits.shape[-1]) == wanted, -jnp.inf, logits).max(-1)
    found = jnp.where(aim.targeted, own - others, others - own)
    return jnp.where(jnp.isfinite(logits).all(-1), found, -jnp.inf)


def fitness(logits: jax.Array, aim: Aim) -> jax.Array:
    """The log-probability of the target, or minus that of the label, [...]; larger is fitter.

    In the order of the probabilities that Su et al. 2017 take as fitness (section 3.3), but exact where those round to
    0 or 1.
    """
    wanted = jnp.where(aim.targeted, aim.target, aim.label)
    found = jnp.take(jax.nn.log_softmax(logits.astype(jnp.float32)), wanted, axis=-1)
    return jnp.where(jnp.isfinite(logits).all(-1), jnp.where(aim.targeted, found, -found), -jnp.inf)
