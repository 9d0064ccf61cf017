"""Where in a picture a filter pops."""

import numpy as np

from research.models.receptive_fields import ReceptiveField


def upsampled_activation(activation: np.ndarray, field: ReceptiveField, picture: tuple[int, int]) -> np.ndarray:
    """A filter's `activation` [H', W'] laid over the `picture` of (H, W): [H, W] float32.

    Each position's value stands at the middle of its receptive field and falls off linearly to nothing at its
    neighbours' middles: bilinear interpolation between positions, and zero from one step beyond the outermost on,
    where no position has its middle. A tap without places (jump 0, `activation` [1, 1]) fills the picture.
    Raises ValueError when the activation has so many positions that the last would see nothing of the picture.
    """
    activation = np.asarray(activation, np.float32)
    last = activation.shape[0] - 1, activation.shape[1] - 1
    field.seen(*last)
    down, across = (
        _tents(count, middle, jump, length)
        for count, middle, jump, length in zip(activation.shape, field.center(0, 0), field.jump, picture, strict=True)
    )
    return down @ activation @ across.T


def _tents(count: int, middle: float, jump: int, length: int) -> np.ndarray:
    """[length, count]: how much of each position, `jump` apart from `middle` on, is felt at each pixel."""
    if not jump:
        return np.ones((length, count), np.float32)
    distance = np.abs(np.arange(length)[:, None] - (middle + jump * np.arange(count)))
    return np.maximum(1 - distance / jump, 0).astype(np.float32)
