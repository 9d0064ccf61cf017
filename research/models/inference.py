"""Running a net over many examples, batch by batch, as one compiled function."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Tree = Any


@functools.partial(jax.jit, static_argnums=0)
def _run(apply: Callable, params: Tree, inputs: jax.Array) -> jax.Array:
    return apply(params, inputs, None)


def outputs(apply: Callable, params: Tree, inputs: np.ndarray, *, batch_size: int = 250) -> np.ndarray:
    """`apply(params, batch, None)` over `inputs` [N, ...], as float32 [N, ...] on the host.

    The last batch is filled up with copies of the last example, so that one shape is compiled; an example's output
    does not depend on its neighbours. Empty inputs are a ValueError.
    """
    if not len(inputs):
        raise ValueError("no inputs")
    size = min(batch_size, len(inputs))
    waiting = []
    for start in range(0, len(inputs), size):
        index = np.minimum(np.arange(start, start + size), len(inputs) - 1)
        waiting.append(_run(apply, params, jnp.asarray(inputs[index])))
    return np.concatenate([np.asarray(batch, np.float32) for batch in waiting])[: len(inputs)]
