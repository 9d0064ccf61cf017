"""Where a training's batches come from: a set that lies on the device, or one that is read as it is needed."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

import jax
import jax.numpy as jnp
import numpy as np

from research.data.stream import Block, stream
from research.experiment.trainable import Trainable
from research.training import loop
from research.training.program import Plan, batch_index
from research.training.state import Examples, Window

WINDOW_BYTES = 2**27  # of one block: 128 MiB, and at most four of them are in memory
WINDOW_STEPS = 64


@contextmanager
def supplied(training: Trainable, plan: Plan, seeds: list[int], first: int) -> Iterator[loop.Supply]:
    """The batches of `seeds` from step `first` on. Where they are streamed, the seeds are one."""
    if training.stored is None or not training.streamed:
        yield loop.whole(training.examples("train"), plan)
        return
    (seed,) = seeds
    inputs, targets = training.stored
    rows = jax.jit(lambda epoch: batch_index(jnp.int32(seed), epoch, plan))

    def order(epoch: int) -> np.ndarray:
        view = epoch % plan.views * plan.examples
        found = np.asarray(rows(epoch))
        return np.where(found < plan.examples, found + view, len(inputs))

    batch = max(inputs[:1].nbytes * plan.batch_size, 1)
    window = max(1, min(WINDOW_STEPS, WINDOW_BYTES // batch, plan.total_steps))
    read = stream(inputs, np.tile(targets, plan.views), order, first_step=first, steps=plan.total_steps, window=window)
    with contextlib.closing(read) as blocks:
        yield loop.windows(_window(block) for block in blocks)


def _window(block: Block) -> tuple[Window, int]:
    window = Window(Examples(block.inputs, block.labels), np.array(block.start, np.int32))
    return jax.device_put(window), block.start + block.steps
