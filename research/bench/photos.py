"""What the races on VGG16 share: made-up photos, labels and weights, the same for every party."""

from collections.abc import Mapping, Sequence

import numpy as np

from research.bench.workloads import CLASSES_OF_PHOTOS, HEAD_WIDTH, Workload

BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
MEAN_BGR = (103.939, 116.779, 123.68)  # Simonyan & Zisserman 2014: the training set's mean pixel

Convolution = tuple[str, int, int]  # name, channels, features


def convolutions() -> list[list[Convolution]]:
    """The thirteen convolutions of VGG16 by block; each block ends in a 2x2 max pool."""
    found, channels = [], 3
    for block, widths in enumerate(BLOCKS, start=1):
        found.append([])
        for place, features in enumerate(widths, start=1):
            found[-1].append((f"block{block}_conv{place}", channels, features))
            channels = features
    return found


def feature_count(workload: Workload) -> int:
    """Numbers that the flattened output of the last pool has, per photo."""
    return (workload.side // 2 ** len(BLOCKS)) ** 2 * BLOCKS[-1][-1]


def leaves(workload: Workload) -> dict[str, np.ndarray]:
    """The weights by our leaf names, convolutions [3, 3, C, F] and the head's dense layers [D, F]."""
    shapes = {name: (3, 3, channels, features) for block in convolutions() for name, channels, features in block}
    shapes |= {"head/dense1": (feature_count(workload), HEAD_WIDTH), "head/logits": (HEAD_WIDTH, CLASSES_OF_PHOTOS)}
    return drawn(shapes)


def drawn(shapes: Mapping[str, Sequence[int]]) -> dict[str, np.ndarray]:
    """`NAME/kernel` and `NAME/bias` for each of {NAME: shape of its kernel [..., F]}, always the same numbers.

    Kernels are drawn with variance 2 / fan-in (He et al. 2015), so that activations keep their size.
    """
    random = np.random.default_rng(1)
    found = {}
    for name, shape in shapes.items():
        deviation = np.float32(np.sqrt(2 / np.prod(shape[:-1])))
        found[f"{name}/kernel"] = random.standard_normal(shape, np.float32) * deviation
        found[f"{name}/bias"] = random.standard_normal(shape[-1], np.float32) * np.float32(0.1)
    return found


def photos(workload: Workload) -> tuple[np.ndarray, np.ndarray]:
    """Photos uint8 [N, H, W, 3] and labels int32 [N]."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (workload.examples, workload.side, workload.side, 3), dtype=np.uint8)
    return images, random.integers(0, CLASSES_OF_PHOTOS, workload.examples, dtype=np.int32)


def feature_rows(workload: Workload) -> tuple[np.ndarray, np.ndarray]:
    """Flattened features float32 [N, D], as a frozen net might have made of photos, and labels int32 [N]."""
    random = np.random.default_rng(0)
    rows = np.maximum(random.standard_normal((workload.examples, feature_count(workload)), np.float32), 0)
    return rows, random.integers(0, CLASSES_OF_PHOTOS, workload.examples, dtype=np.int32)


def sampled(outputs: np.ndarray) -> list[float]:
    """At most 1,000 numbers of `outputs`, evenly spread: what parties compare before they race."""
    flat = np.asarray(outputs, np.float32).reshape(-1)
    return [float(number) for number in flat[:: -(-len(flat) // 1000)]]
