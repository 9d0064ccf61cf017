"""The order in which the examples of an epoch are drawn, as a pure function of (seed, epoch)."""

import jax
import jax.numpy as jnp

from research.batches import Order
from research.keys import key


def uniform(examples: int, batch_size: int, views: int = 1) -> Order:
    """Each of N `examples` once an epoch, in an order drawn anew by (seed, epoch).

    With `views`, the data set holds that many views of the examples one after the other, [views * N], and the epochs
    take the views in turn. The last, smaller batch is filled with padding, the index views * N.
    """
    steps = -(-examples // batch_size)

    def order(seed: jax.Array, epoch: jax.Array) -> jax.Array:
        drawn = jax.random.permutation(key(seed, "shuffle", epoch), examples) + (epoch % views) * examples
        padding = steps * batch_size - examples
        return jnp.pad(drawn, (0, padding), constant_values=views * examples).reshape(steps, batch_size)

    return order
