"""What the races of the ascent share: weights, where a climb starts, and for whom it is.

For each filter, `STEPS` steps of Adam from the same picture, each step clipped to 0..255, towards the largest mean over
all positions of the filter's activation, after the ReLU.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from research.bench.climb_weights import given
from research.bench.photos import MEAN_BGR
from research.bench.stages import members, path
from research.bench.workloads import Workload

STEPS = 32
HALF = 127.5  # ours climbs in pixels from -1 to 1; its peers in 0..255, where a step is so much larger
RATE = 0.05  # Adam's, of pixels from -1 to 1
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # Adam's as in Kingma & Ba 2015, the default of Optax and PyTorch
SPREAD = 0.5  # of the noise at the start, of -1..1: so much that few filters are silent, whom a plain loop never wakes


def weights(workload: Workload) -> dict[str, np.ndarray]:
    """`NAME/kernel` [h, w, C, F] and `NAME/bias` [F] of all convolutions, for the channels in our order: BGR."""
    return given(workload).leaves


def weights_for_rgb(workload: Workload) -> dict[str, np.ndarray]:
    """The same, for a net that reads pictures as they are, and not turned to BGR first."""
    return {name: leaf[:, :, ::-1] if leaf.shape[2:3] == (3,) else leaf for name, leaf in weights(workload).items()}


def preprocessing(workload: Workload) -> tuple[float, tuple[float, ...]]:
    """(scale, offset per channel, RGB): what the first convolution reads is picture * scale + offset."""
    if workload.net == "cnn":
        return 1 / 255, (0.0,)
    return 1.0, tuple(-mean for mean in reversed(MEAN_BGR))


def start(workload: Workload) -> np.ndarray:
    """The picture float32 [H, W, C] of 0..255 from which every climb starts: gray, with noise."""
    shape = (workload.side, workload.side, len(preprocessing(workload)[1]))
    noise = SPREAD * np.random.default_rng(0).standard_normal(shape)
    return (HALF * (1 + np.clip(noise, -1, 1))).astype(np.float32)


def chosen(workload: Workload, count: int) -> dict[str, list[int]]:
    """{layer: filters} of `count` filters, evenly spread over all of the workload's, of which there are no fewer."""
    every = _filters(workload)
    taken = [every[place * len(every) // count] for place in range(count)]
    return {layer: [index for own, index in taken if own == layer] for layer in workload.layers}


def timed(workload: Workload, climb: Callable[[Mapping[str, Sequence[int]]], Any]) -> Callable[[int], float]:
    """`run(count) -> seconds` of `climb({layer: filters})` for so many filters; beyond all of them, they come again."""
    most = len(_filters(workload))

    def run(count: int) -> float:
        begun = time.perf_counter()
        for left in range(count, 0, -most):
            climb(chosen(workload, min(left, most)))
        return time.perf_counter() - begun

    return run


def _filters(workload: Workload) -> list[tuple[str, int]]:
    widths = {layer: members(path(workload, layer)[-1])[0].features for layer in workload.layers}
    return [(layer, index) for layer, width in widths.items() for index in range(width)]
