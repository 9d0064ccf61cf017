"""What training reads: batches, the protocol that every data set follows, and the order in which examples come."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

Tree = Any
Array = jax.Array | np.ndarray

# (seed, epoch) -> int32 [steps per epoch, B]: the examples of each step. The size of the data set stands for padding.
Order = Callable[[jax.Array, jax.Array], jax.Array]


class Batch(NamedTuple):
    """Some examples: inputs [B, ...], targets [B, ...] and weights [B].

    The weight is 1 for an example and 0 for padding. Where parts of a target are unknown, it is the known share.
    """

    inputs: Tree
    targets: Tree
    weights: jax.Array


class DataSet(Protocol):
    """A data set on the device: a pytree of arrays that knows its size and can be indexed inside a compiled program."""

    @property
    def size(self) -> int:
        """How many examples there are, N."""
        ...

    def take(self, index: jax.Array) -> Batch:
        """The examples at `index` [B]. An index of `size` or more is padding: a real example with weight 0."""
        ...


class ArrayData(NamedTuple):
    """A data set held as arrays: `inputs` and `targets`, each [N, ...]."""

    inputs: Array
    targets: Array

    @property
    def size(self) -> int:
        """How many examples there are, N."""
        return len(self.targets)

    def take(self, index: jax.Array) -> Batch:
        """The examples at `index` [B], see `DataSet.take`."""
        rows = real_rows(index, self.size)
        return Batch(jnp.asarray(self.inputs)[rows], jnp.asarray(self.targets)[rows], padding_weights(index, self.size))


def real_rows(index: jax.Array, size: int) -> jax.Array:
    """`index` [B] with padding replaced by examples of the set, each slot by another one.

    Layers that look at the whole batch (batch norm) then see different real examples, and not one example many times.
    """
    return jnp.where(index < size, index, jnp.arange(len(index)) % size)


def padding_weights(index: jax.Array, size: int) -> jax.Array:
    """1 for the index of an example, 0 for padding: float32 [B]."""
    return (index < size).astype(jnp.float32)
