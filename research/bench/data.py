"""Generated inputs of the workloads, the same numbers for every peer."""

import numpy as np

from research.bench.architectures import Dense, architecture
from research.bench.workloads import CLASSES_OF_DIGITS, CLASSES_OF_PHOTOS, Workload


def examples(workload: Workload) -> tuple[np.ndarray, np.ndarray]:
    """The net's inputs [N, ...] and targets: labels int32 [N], or horizons float32 [N, P, F] of a forecaster.

    A forecaster reads windows; the head of VGG16 reads features; the others read pictures.
    """
    if workload.forecasts:
        return windows(workload)
    return feature_rows(workload) if workload.net == "vgg16_head" else pictures(workload)


def pictures(workload: Workload) -> tuple[np.ndarray, np.ndarray]:
    """Pictures uint8 [N, H, W, C] and labels int32 [N]."""
    digits = workload.net in ("cnn", "dense")
    random = np.random.default_rng(0)
    shape = (workload.examples, workload.side, workload.side, 1 if digits else 3)
    images = random.integers(0, 256, shape, dtype=np.uint8)
    return images, _labels(random, workload, CLASSES_OF_DIGITS if digits else CLASSES_OF_PHOTOS)


def feature_rows(workload: Workload) -> tuple[np.ndarray, np.ndarray]:
    """Flattened features float32 [N, D], like those of a frozen net, and labels int32 [N]."""
    random = np.random.default_rng(0)
    [dense, *_] = (layer for layer in architecture(workload) if isinstance(layer, Dense))
    rows = np.maximum(random.standard_normal((workload.examples, dense.inputs), np.float32), 0)
    return rows, _labels(random, workload, CLASSES_OF_PHOTOS)


def series(workload: Workload) -> np.ndarray:
    """The series float32 [T, F], long enough for all windows, which begin one step after another."""
    context, horizon, channels = workload.window
    rows = workload.examples + context + horizon - 1
    return np.random.default_rng(0).standard_normal((rows, channels), np.float32)


def windows(workload: Workload) -> tuple[np.ndarray, np.ndarray]:
    """Every window of the series, copied: contexts float32 [N, L, F] and horizons [N, P, F].

    Our step slices windows from the series; the peers get them ready-made, which is in their favour.
    """
    context, horizon, _ = workload.window
    every = np.lib.stride_tricks.sliding_window_view(series(workload), context + horizon, axis=0).swapaxes(1, 2)
    return every[:, :context].copy(), every[:, context:].copy()


def sampled(outputs: np.ndarray) -> list[float]:
    """At most 1,000 numbers of `outputs`, evenly spread: which the peers compare before the race."""
    flat = np.asarray(outputs, np.float32).reshape(-1)
    return [float(number) for number in flat[:: -(-len(flat) // 1000)]]


def _labels(random: np.random.Generator, workload: Workload, classes: int) -> np.ndarray:
    return random.integers(0, classes, workload.examples, dtype=np.int32)
