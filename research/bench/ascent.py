"""The gradient ascent that all peers run: for each filter of a layer, the picture that excites it most.

For each filter, `STEPS` steps of Adam from the same picture, each step clipped to 0..255, towards the largest mean over
all positions of the filter's activation, after the ReLU.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from research.bench.architectures import convolutions, layers_to, preprocessing
from research.bench.workloads import Workload

STEPS = 32
HALF = 127.5  # our pixels run from -1 to 1, those of the peers from 0 to 255, so their steps are larger by this factor
RATE = 0.05  # Adam's, of pixels from -1 to 1
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # Adam's as in Kingma & Ba 2015, the default of Optax and PyTorch
SPREAD = 0.5  # of the noise at the start, of -1..1: few filters are then silent; a plain loop never revives those

RunAscent = Callable[[Mapping[str, Sequence[int]]], Sequence[Any]]  # {layer: filters} -> a result for each filter


def first_picture(workload: Workload) -> np.ndarray:
    """The picture float32 [H, W, C] of 0..255 from which every ascent starts: gray, with noise."""
    _, offset = preprocessing(workload)
    noise = SPREAD * np.random.default_rng(0).standard_normal((workload.side, workload.side, len(offset)))
    return (HALF * (1 + np.clip(noise, -1, 1))).astype(np.float32)


def chosen_filters(workload: Workload, count: int) -> dict[str, list[int]]:
    """{layer: filters} of `count` filters, evenly spread over the workload's, which has at least so many."""
    every = _filters(workload)
    taken = [every[number * len(every) // count] for number in range(count)]
    return {layer: [index for own, index in taken if own == layer] for layer in workload.layers}


def timed(workload: Workload, ascend: RunAscent) -> Callable[[int], float]:
    """`run(count) -> seconds` of the ascents for `count` filters; they repeat beyond their number."""
    most = len(_filters(workload))

    def run(count: int) -> float:
        begun = time.perf_counter()
        for left in range(count, 0, -most):
            ascend(chosen_filters(workload, min(left, most)))
        return time.perf_counter() - begun

    return run


def _filters(workload: Workload) -> list[tuple[str, int]]:
    widths = {layer: convolutions(layers_to(workload, layer)[-1])[0].features for layer in workload.layers}
    return [(layer, index) for layer, width in widths.items() for index in range(width)]
