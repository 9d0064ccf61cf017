"""Inference over many examples, batch by batch, in few calls of one compiled function."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.batches import Apply

Tree = Any
GROUP_BYTES = 2**26  # of the inputs of one call: 64 MiB
GROUP = 16  # most batches of one call


@functools.partial(jax.jit, static_argnums=0)
def _run(apply: Apply, variables: Tree, inputs: Tree, count: jax.Array) -> jax.Array:
    """The first `count` batches of `inputs` [G, B, ...]; buffers are reused from batch to batch."""
    batch = lambda index: jax.tree.map(lambda leaf: leaf[index], inputs)  # noqa: E731
    shape = jax.eval_shape(apply, variables, batch(0), None)[0]
    found = jnp.zeros((_length(inputs), *shape.shape), shape.dtype)

    def add(index: jax.Array, found: jax.Array) -> jax.Array:
        return found.at[index].set(apply(variables, batch(index), None)[0])

    return jax.lax.fori_loop(0, count, add, found)


def outputs(
    apply: Apply, variables: Tree, inputs: Tree, *, batch_size: int = 256, group: int | None = None
) -> np.ndarray:
    """The output of `apply(variables, batch, None)` over `inputs`, arrays [N, ...], as float32 [N, ...] on the host.

    The last batch is padded with copies of the last example, so that one shape is compiled; an example's output does
    not depend on its neighbours. `group` batches run in one call, by default all of a few; with a given number, calls
    for other lengths than this compile nothing anew. Raises ValueError for empty inputs.
    """
    length = _length(inputs)
    if not length:
        raise ValueError("no inputs")
    size = min(batch_size, length)
    batches = -(-length // size)
    of_batch = sum(leaf[:size].nbytes for leaf in jax.tree.leaves(inputs))
    group = group or max(1, min(GROUP, batches, GROUP_BYTES // max(of_batch, 1)))
    waiting = []
    for start in range(0, batches, group):
        index = np.minimum(np.arange(start * size, (start + group) * size), length - 1)
        taken = jax.tree.map(lambda leaf: jnp.asarray(leaf[index].reshape(group, size, *leaf.shape[1:])), inputs)  # noqa: B023
        waiting.append(_run(apply, variables, taken, jnp.int32(min(group, batches - start))))
        if len(waiting) > 1:  # at most one call ahead of the reader, so memory stays bounded
            waiting[-2] = np.asarray(waiting[-2], np.float32)
    found = np.concatenate([np.asarray(done, np.float32) for done in waiting])
    return found.reshape(-1, *found.shape[2:])[:length]


def _length(inputs: Tree) -> int:
    return len(jax.tree.leaves(inputs)[0])
