"""A guard by a probe: published weights whose first kernel has its input channels reversed, or which are misnamed.

Such weights fit by name and shape, and run; the net merely sees red as blue.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

MEANS = np.array((103.939, 116.779, 123.68), np.float32)  # BGR: keras.src.applications.imagenet_utils, "caffe"
SIDE = 32  # pixels, of the probe
# Relative distance up to which activations agree. Measured: the published kernels with 1% noise 0.007, with 5% 0.045,
# with their input channels reversed 0.20 (SqueezeNet) and 0.35 (VGG16), 200 random kernels 0.50 or more.
TOLERANCE = 0.05


class FirstLayer(NamedTuple):
    """The first layer of a net, and the mean activations of its first filters on the probe, as published for Caffe."""

    layer: str
    activations: tuple[float, ...]


# Measured on vgg16_imagenet_notop.npz (sha256 c163cea254b1225e931128f413724e92745eff9ae7f5cbf844d5a058e1e09a28) and
# squeezenet_v1.1_imagenet_notop.npz (sha256 b69819b843303cf27c3079050f486abcec301796c8c0c66b34dda840d63147b7).
FIRST_LAYERS = {
    "vgg16": FirstLayer(
        "block1_conv1",
        (
            *(23.04, 79.26, 14.95, 17.16, 12.39, 105.04, 9.64, 15.13),
            *(91.54, 58.87, 19.42, 25.50, 90.79, 49.93, 25.30, 72.62),
        ),
    ),
    "squeezenet": FirstLayer(
        "conv1",
        (
            *(20.95, 15.54, 15.99, 82.09, 3.76, 7.93, 93.15, 14.99),
            *(16.02, 5.85, 12.20, 8.35, 48.35, 70.30, 35.70, 7.76),
        ),
    ),
}
REVERSED = "has its input channels reversed: reverse its axis of 3 channels and save it again"
MISNAMED = (
    "is Caffe's and Keras', but the names are torchvision's, which ask for another preprocessing: save all under "
    "Keras' names"
)


def channel_fault(architecture: str, convention: str, leaves: Mapping[str, np.ndarray]) -> str | None:
    """The fault of the first kernel in an architecture's `leaves` (by name), and what to do; None without a fault.

    `convention` is the preprocessing that goes with them. Weights of another training pass: nothing is known of them.
    """
    first = FIRST_LAYERS.get(architecture)
    kernel = None if first is None else leaves.get(f"{first.layer}/kernel")
    bias = None if first is None else leaves.get(f"{first.layer}/bias")
    if first is None or kernel is None or bias is None:
        return None
    as_it_is = _agrees(kernel, bias, first.activations)
    turned = _agrees(kernel[:, :, ::-1], bias, first.activations)
    if convention != "caffe":
        return f"{first.layer}/kernel {MISNAMED}" if as_it_is or turned else None
    return f"{first.layer}/kernel {REVERSED}" if turned and not as_it_is else None


def mean_activations(kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The mean of each filter [F] after ReLU on the probe, preprocessed as for Caffe's weights.

    The `kernel` [3, 3, 3, F] and its `bias` [F] are applied at each pixel that has all neighbours.
    """
    pixels = probe()[..., ::-1] - MEANS
    windows = np.lib.stride_tricks.sliding_window_view(pixels, kernel.shape[:2], axis=(0, 1))
    return np.maximum(np.einsum("hwcij,ijcf->hwf", windows, kernel.astype(np.float64)) + bias, 0).mean(axis=(0, 1))


def probe() -> np.ndarray:
    """Coloured gradients, RGB 0..255 [H, W, 3]: red repeats along rows, green along columns, blue falls diagonally."""
    row, column = np.mgrid[:SIDE, :SIDE]
    channels = (16 * column % 256, 16 * row % 256, 255 - 8 * (row + column) % 256)
    return np.stack(channels, axis=-1).astype(np.float32)


def _agrees(kernel: np.ndarray, bias: np.ndarray, known: tuple[float, ...]) -> bool:
    if len(bias) < len(known):
        return False
    found = mean_activations(kernel[..., : len(known)], bias[: len(known)])
    return bool(np.linalg.norm(found - known) <= TOLERANCE * np.linalg.norm(known))
