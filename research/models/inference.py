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
def _run(apply: Apply, variables: Tree, inputs: jax.Array, count: jax.Array) -> jax.Array:
    """The first `count` batches of `inputs` [G, B, ...]; buffers are reused from batch to batch."""
    shape = jax.eval_shape(apply, variables, inputs[0], None)[0]
    found = jnp.zeros((len(inputs), *shape.shape), shape.dtype)

    def add(index: jax.Array, found: jax.Array) -> jax.Array:
        return found.at[index].set(apply(variables, inputs[index], None)[0])

    return jax.lax.fori_loop(0, count, add, found)


def outputs(apply: Apply, variables: Tree, inputs: np.ndarray, *, batch_size: int = 256) -> np.ndarray:
    """The output of `apply(variables, batch, None)` over `inputs` [N, ...], as float32 [N, ...] on the host.

    The last batch is padded with copies of the last example, so that one shape is compiled; an example's output does
    not depend on its neighbours. Raises ValueError for empty inputs.
    """
    if not len(inputs):
        raise ValueError("no inputs")
    size = min(batch_size, len(inputs))
    batches = -(-len(inputs) // size)
    group = max(1, min(GROUP, batches, GROUP_BYTES // max(inputs[:size].nbytes, 1)))
    waiting = []
    for start in range(0, batches, group):
        index = np.minimum(np.arange(start * size, (start + group) * size), len(inputs) - 1)
        taken = inputs[index].reshape(group, size, *inputs.shape[1:])
        waiting.append(_run(apply, variables, jnp.asarray(taken), jnp.int32(min(group, batches - start))))
        if len(waiting) > 1:  # at most one call ahead of the reader, so memory stays bounded
            waiting[-2] = np.asarray(waiting[-2], np.float32)
    found = np.concatenate([np.asarray(done, np.float32) for done in waiting])
    return found.reshape(-1, *found.shape[2:])[: len(inputs)]
