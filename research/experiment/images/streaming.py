"""Training batches read from disk on demand, for pictures that do not fit into memory."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import jax
import jax.numpy as jnp
import numpy as np

from research.batches import Order, real_rows, whole_set
from research.data.images.stream import Block, stream
from research.training.plan import BatchSource, StepWindow, Stream

WINDOW_BYTES = 2**27  # of one block: 128 MiB, and at most four of them are in memory
WINDOW_STEPS = 64


def streaming(inputs: np.ndarray, targets: np.ndarray) -> Stream:
    """The batches of `inputs` and `targets`, each [N, ...], block by block in the order of the steps."""

    @contextmanager
    def batches(order: Order, seed: int, fold: int, first: int, last: int) -> Iterator[BatchSource]:
        rows = _rows(order, seed, fold, len(targets))
        batch_bytes = max(inputs[:1].nbytes * rows(0).shape[1], 1)
        window = max(1, min(WINDOW_STEPS, WINDOW_BYTES // batch_bytes, last))
        read = stream(inputs, targets, rows, first_step=first, steps=last, window=window)
        with contextlib.closing(read) as blocks:
            yield lambda step: _on_device(next(blocks), len(targets))

    return batches


def _rows(order: Order, seed: int, fold: int, size: int) -> Callable[[int], np.ndarray]:
    """The examples of an epoch's steps: [steps, B], on the host."""
    member = jnp.int32(seed), jnp.int32(fold)
    drawn = jax.jit(lambda epoch: jax.vmap(lambda index: real_rows(index, size))(order(*member, epoch)))
    return lambda epoch: np.asarray(drawn(epoch))


def _on_device(block: Block, size: int) -> tuple[StepWindow, int]:
    window = StepWindow(whole_set(block.inputs, block.labels), np.int32(block.start), np.int32(size))
    return jax.device_put(window), block.start + block.steps
