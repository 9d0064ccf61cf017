"""The order in which the examples of an epoch are drawn, as a pure function of (seed, fold, epoch)."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from research.batches import Order
from research.keys import key


def uniform(examples: int, batch_size: int, views: int = 1) -> Order:
    """Each of N `examples` once an epoch, in an order drawn anew by (seed, epoch), the same in every fold.

    With `views`, the data set holds that many views of the examples one after the other, [views * N], and the epochs
    take the views in turn. The last, smaller batch is filled with padding, the index views * N.
    """
    steps = -(-examples // batch_size)

    def order(seed: jax.Array, fold: jax.Array, epoch: jax.Array) -> jax.Array:
        drawn = jax.random.permutation(key(seed, "shuffle", epoch), examples) + (epoch % views) * examples
        padding = steps * batch_size - examples
        return jnp.pad(drawn, (0, padding), constant_values=views * examples).reshape(steps, batch_size)

    return order


def within_folds(rows: Sequence[np.ndarray], examples: int, batch_size: int) -> Order:
    """Of N `examples` a fold's own `rows` once an epoch, in an order drawn anew by (seed, epoch).

    Padding is also what shorter folds lack of the longest.
    """
    longest = max(map(len, rows))
    own = np.stack([np.pad(each, (0, longest + 1 - len(each)), constant_values=examples) for each in rows])
    drawn = uniform(longest, batch_size)

    def order(seed: jax.Array, fold: jax.Array, epoch: jax.Array) -> jax.Array:
        return jnp.asarray(own, jnp.int32)[fold, drawn(seed, fold, epoch)]

    return order
