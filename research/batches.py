"""The input of training: batches, the protocol of data sets, and the order of examples."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

Tree = Any
Array = jax.Array | np.ndarray

# (variables, inputs [B, ...], dropout key or None) -> (output [B, ...], the net's updated collections)
Apply = Callable[[Tree, Any, jax.Array | None], tuple[jax.Array, Tree]]
# (seed, fold, epoch) -> int32 [steps per epoch, B]: the examples of each step; the size of the data set is padding.
Order = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]


class Batch(NamedTuple):
    """Some examples: inputs [B, ...], targets [B, ...] and weights [B]. All examples of a data set are also a batch.

    The weight is 1 for an example and 0 for padding. Where parts of a target are unknown, it is the known share.
    """

    inputs: Tree
    targets: Tree
    weights: Array

    @property
    def size(self) -> int:
        """The number of examples, B."""
        return len(self.weights)

    def take(self, index: jax.Array) -> "Batch":
        """The examples at `index` [B], see `DataSet.take`."""
        rows = real_rows(index, self.size)
        inputs, targets, weights = jax.tree.map(lambda leaf: jnp.asarray(leaf)[rows], self)
        return Batch(inputs, targets, weights * padding_weights(index, self.size))


class DataSet(Protocol):
    """A data set on the device: a pytree of arrays that knows its size and can be indexed inside a compiled program."""

    @property
    def size(self) -> int:
        """The number of examples, N."""
        ...

    def take(self, index: jax.Array) -> Batch:
        """The examples at `index` [B]. An index of `size` or more is padding: a real example with weight 0."""
        ...


def whole_set(inputs: Tree, targets: Array) -> Batch:
    """All N examples of a set held as arrays: inputs and targets, each [N, ...], and weights of 1."""
    return Batch(inputs, targets, np.ones(len(targets), np.float32))


def real_rows(index: jax.Array, size: int) -> jax.Array:
    """`index` [B] with padding replaced by examples of the set, a different one in each slot.

    Layers that look at the whole batch (batch norm) then see different real examples, and not one example many times.
    """
    return jnp.where(index < size, index, jnp.arange(len(index)) % size)


def padding_weights(index: jax.Array, size: int) -> jax.Array:
    """1 for the index of an example, 0 for padding: float32 [B]."""
    return (index < size).astype(jnp.float32)
