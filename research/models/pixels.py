"""Checks of the pixels for a pretrained net, which takes RGB in 0..255 and does its own preprocessing.

The range of values shows other preprocessing with certainty; the colours show BGR as likely.
"""

import numpy as np

from research.errors import UserError

# What pixels can become by preprocessing: (smallest, largest, what was done), the narrowest range first. The bounds are
# 0 and 255 taken through torchvision's `ImageClassification` and Keras' `imagenet_utils.preprocess_input`;
# the first two have room for a resampling that overshoots.
SCALED = (
    (-0.1, 1.1, "they are 0..1, fed as 0..255: multiply them by 255"),
    (-1.1, 1.1, "they are scaled to -1..1: give x * 127.5 + 127.5, which is 0..255"),
    (-2.12, 2.65, "they are normalized as torchvision does, which the net would do a second time: give 0..255"),
    (-123.69, 151.07, "the mean pixel is subtracted already, and the net would subtract it twice: give 0..255"),
    (-247.37, 47.13, "the mean pixel is subtracted twice already: give 0..255"),
)
ENOUGH = 16  # photos, for a test of their colours
EXAMINED = 512  # photos at most; the effect is then known to 0.04
CERTAIN = 3.0  # standard errors: one in a thousand by chance
SIZEABLE = 0.5  # standard deviations between photos, see `blue_over_red`


def check_pixels(pictures: np.ndarray) -> list[str]:
    """Likely faults of `pictures` [N, H, W, 3], in words; empty for sound ones.

    Raises UserError for certain faults: another shape, no finite numbers, and values outside 0..255 (it names the
    preprocessing that they show).
    """
    if pictures.ndim != 4 or pictures.shape[-1] != 3:
        shape = "x".join(map(str, pictures.shape))
        raise UserError(f"a pretrained net takes pictures [N, H, W, 3], not {shape}; put RGB channels last")
    if not pictures.size:
        return []
    _check_range(float(pictures.min()), float(pictures.max()))
    if len(pictures) < ENOUGH:
        return []
    effect = blue_over_red(pictures)
    if effect < SIZEABLE or effect * np.sqrt(min(len(pictures), EXAMINED)) < CERTAIN:
        return []
    return ["red and blue look swapped (BGR fed as RGB?): photos hold more red than blue; give x[..., ::-1] if so"]


def blue_over_red(pictures: np.ndarray) -> float:
    """The excess of blue over red in photos [N, H, W, 3]: its mean, divided by its standard deviation over photos.

    Photos have more red than blue: ImageNet's mean pixel is R 123.68, G 116.78, B 103.94 (Simonyan & Zisserman 2014).
    Sky and water do not, so only the lower half counts, weighted by the edges in it (|differences| of R + G + B).
    Measured, unchanged and swapped: ImageNet -0.8 and 0.8, cats and dogs -0.9 and 0.9; CIFAR-10's ten classes -1.5
    (frogs) to -0.3, but 0.3 (aeroplanes) and 0.1 (ships), which is why less than `SIZEABLE` is no finding.
    """
    chosen = np.linspace(0, len(pictures) - 1, min(len(pictures), EXAMINED)).astype(int)
    each = np.array([_blue_over_red(pictures[index]) for index in chosen])
    spread = each.std(ddof=1)
    return float(each.mean() / spread) if spread else 0.0


def _blue_over_red(picture: np.ndarray) -> float:
    """The mean of blue - red over the lower half of `picture` [H, W, 3], weighted by edges."""
    lower = picture[len(picture) // 2 :].astype(np.float32)
    tone = lower.sum(axis=-1)
    edges = np.abs(np.diff(tone, axis=1))[:-1] + np.abs(np.diff(tone, axis=0))[:, :-1]
    excess = (lower[..., 2] - lower[..., 0])[:-1, :-1]
    return float((excess * edges).sum() / max(edges.sum(), 1.0))


def _check_range(low: float, high: float) -> None:
    if not np.isfinite([low, high]).all():
        raise UserError("pictures hold NaN or infinite values; a pretrained net takes 0..255")
    if (low >= 0 and 1.1 < high <= 255) or low == high == 0:
        return
    remedy = "clip what a resampling let overshoot, or divide 16-bit pictures by 257"
    for smallest, largest, advice in reversed(SCALED):
        if smallest <= low and high <= largest:
            remedy = advice
    raise UserError(f"a pretrained net takes pixels 0..255, these go from {low:.4g} to {high:.4g}: {remedy}")
