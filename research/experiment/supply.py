"""Where a training's batches come from: a set that lies on the device, or one that is read as it is needed."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

import jax
import jax.numpy as jnp
import numpy as np

from research import runtime
from research.config import Experiment
from research.data.stream import Block, stream
from research.experiment.build import Parts, on_device, read_in_training
from research.training import loop
from research.training.program import Plan, batch_index
from research.training.state import Examples, Window

WINDOW_BYTES = 2**27  # of one block: 128 MiB, and at most four of them are in memory
WINDOW_STEPS = 64


def streams(config: Experiment, parts: Parts) -> bool:
    """Whether what training reads stays on disk: as `data.stream` says, or because it would fill the memory."""
    if config.data.stream == "auto":
        memory = runtime.memory_bytes()
        return bool(memory) and read_in_training(parts).nbytes > memory // 2
    return config.data.stream == "always"


@contextmanager
def supplied(config: Experiment, parts: Parts, plan: Plan, seeds: list[int], first: int) -> Iterator[loop.Supply]:
    """The batches of `seeds` from step `first` on. Where they are streamed, the seeds are one."""
    if not streams(config, parts):
        yield loop.whole(on_device(parts, "train"), plan)
        return
    (seed,) = seeds
    inputs, labels = read_in_training(parts), np.asarray(parts.data.train.labels)
    rows = jax.jit(lambda epoch: batch_index(jnp.int32(seed), epoch, plan))

    def order(epoch: int) -> np.ndarray:
        view = epoch % plan.views * plan.examples
        found = np.asarray(rows(epoch))
        return np.where(found < plan.examples, found + view, len(inputs))

    batch = max(inputs[:1].nbytes * plan.batch_size, 1)
    window = max(1, min(WINDOW_STEPS, WINDOW_BYTES // batch, plan.total_steps))
    read = stream(inputs, np.tile(labels, plan.views), order, first_step=first, steps=plan.total_steps, window=window)
    with contextlib.closing(read) as blocks:
        yield loop.windows(_window(block) for block in blocks)


def _window(block: Block) -> tuple[Window, int]:
    examples = Examples(jnp.asarray(block.inputs), jnp.asarray(block.labels))
    return Window(examples, jnp.int32(block.start)), block.start + block.steps
