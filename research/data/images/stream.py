"""Batches of pictures that do not fit into memory: gathered from the mapped file ahead of need, through Grain.

A batch is a function of its step and nothing else: whoever begins at any step sees what an undisturbed run sees.
"""

import functools
from collections.abc import Callable, Generator
from typing import NamedTuple

import numpy as np

AHEAD = 2  # blocks that are gathered ahead of need, and threads that gather them


class Block(NamedTuple):
    """The batches of `steps` steps from `start` on, one after the other: inputs [W * B, H, W, C] and labels [W * B].

    Every block is as long as the first, W steps; what the last one lacks in steps is filled like padding.
    """

    start: int
    inputs: np.ndarray
    labels: np.ndarray
    steps: int


def stream(
    images: np.ndarray,
    labels: np.ndarray,
    order: Callable[[int], np.ndarray],
    *,
    first_step: int,
    steps: int,
    window: int,
) -> Generator[Block, None, None]:
    """The blocks of the steps from `first_step` up to `steps` (excluded), `window` steps in each.

    `images` [N, H, W, C], in memory or mapped, and `labels` [N]. `order(epoch)` gives the indices of an epoch's
    batches, integers [steps an epoch, B], as many for each epoch; N is padding and stands for the last example again.
    It is called from other threads, now and then twice for one epoch. A block may reach across epochs. Where `images`
    is mapped, no more than `AHEAD` + 2 blocks are in memory: those ahead, the one handed over and the caller's last.
    Close the generator when it is left early.
    """
    import grain  # 0.8 s, of which JAX is half

    rows, pictures = functools.lru_cache(AHEAD + 1)(order), np.asarray(images)  # plain: a gathered block is no memmap

    def gather(start: int) -> Block:
        taken = _indices(rows, start, min(start + window, steps))
        filled = np.concatenate([taken, np.full(window * rows(0).shape[1] - len(taken), len(labels))])
        # `take` lets other threads run meanwhile; clipped, N is the last example
        inputs, answers = (np.take(each, filled, axis=0, mode="clip") for each in (pictures, labels))
        return Block(start, inputs, answers, min(window, steps - start))

    blocks = grain.MapDataset.range(first_step, steps, window).map(gather)
    iterator = iter(blocks.to_iter_dataset(grain.ReadOptions(num_threads=AHEAD, prefetch_buffer_size=AHEAD)))
    try:
        yield from iterator
    finally:
        iterator.close()


def _indices(rows: Callable[[int], np.ndarray], start: int, stop: int) -> np.ndarray:
    """The indices of the steps from `start` up to `stop`, one batch after the other."""
    epoch_of = len(rows(0))
    return np.concatenate([rows(step // epoch_of)[step % epoch_of] for step in range(start, stop)])
