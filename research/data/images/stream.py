"""Batches of pictures that do not fit into memory: prefetched from the mapped file through Grain.

A batch is a function of its step alone, so a run that resumes at any step sees the batches of an uninterrupted run.
"""

import functools
from collections.abc import Callable, Generator
from typing import NamedTuple

import numpy as np

AHEAD = 2  # blocks that are prefetched, and threads that gather them


class Block(NamedTuple):
    """The concatenated batches of `steps` steps from `start` on: inputs [S * B, H, W, C] and labels [S * B].

    Every block has S steps, the window. Where fewer steps remain, the rest of the block is padding.
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

    `images` [N, H, W, C] are in memory or mapped; `labels` are [N]. `order(epoch)` returns the indices of an epoch's
    batches, integers [steps per epoch, B], the same number for each epoch; N is padding and reads the last example.
    `order` is called from other threads, sometimes twice for one epoch. A block may span epochs. Where `images` is
    mapped, at most `AHEAD` + 2 blocks are in memory: the prefetched ones, the current one and the caller's last. Close
    the generator when it is not exhausted.
    """
    import grain  # slow to import: 0.8 s, half of it for JAX

    rows, pictures = (
        functools.lru_cache(AHEAD + 1)(order),
        np.asarray(images),
    )  # a plain array, so that a block is no memmap

    def gather(start: int) -> Block:
        indices = _indices(rows, start, min(start + window, steps))
        padded = np.concatenate([indices, np.full(window * rows(0).shape[1] - len(indices), len(labels))])
        # `take` releases the GIL; mode "clip" reads the last example for N
        inputs, targets = (np.take(array, padded, axis=0, mode="clip") for array in (pictures, labels))
        return Block(start, inputs, targets, min(window, steps - start))

    blocks = grain.MapDataset.range(first_step, steps, window).map(gather)
    iterator = iter(blocks.to_iter_dataset(grain.ReadOptions(num_threads=AHEAD, prefetch_buffer_size=AHEAD)))
    try:
        yield from iterator
    finally:
        iterator.close()


def _indices(rows: Callable[[int], np.ndarray], start: int, stop: int) -> np.ndarray:
    """The concatenated indices of the batches of the steps from `start` up to `stop`."""
    steps_per_epoch = len(rows(0))
    return np.concatenate([rows(step // steps_per_epoch)[step % steps_per_epoch] for step in range(start, stop)])
