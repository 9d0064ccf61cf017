"""Maps over pictures: where in a picture something happens."""

import numpy as np

from research.report.inlined import planes

LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue: ITU-R BT.601
GLOW = (255.0, 200.0, 0.0)  # amber: told from gray in every kind of colour blindness, and lighter than the picture
DIM, STRONGEST = 0.5, 0.8  # the picture's share of its brightness; the glow's share of a pixel where the map is 1


def overlay(picture: np.ndarray, activation: np.ndarray) -> np.ndarray:
    """`picture` (uint8 [H, W, 1 or 3]) dimmed and gray, glowing where `activation` ([H, W], 0..1) is high: [H, W, 3].

    A white line runs where the map crosses one half. Printed in gray the glow is lighter than anything that the dimmed
    picture holds, and the line lighter still. Raises ValueError when the sizes differ.
    """
    pixels = planes(picture).astype(np.float64)
    gray = pixels @ np.array(LUMINANCE) if pixels.ndim == 3 else pixels
    share = np.clip(np.nan_to_num(np.asarray(activation, np.float64)), 0.0, 1.0)
    if share.shape != gray.shape:
        raise ValueError(f"a map of {list(share.shape)} over a picture of {list(gray.shape)}")
    mix = STRONGEST * share[..., None]
    drawn = (1 - mix) * DIM * gray[..., None] + mix * np.array(GLOW)
    drawn[_edge(share >= 0.5)] = 255.0
    return np.round(drawn).astype(np.uint8)


def gray_map(values: np.ndarray) -> np.ndarray:
    """uint8 [H, W]: the sizes of `values` [H, W], from black (0) to white (its 99.5th percentile and above)."""
    return np.round(255 * unit(values, 99.5)).astype(np.uint8)


def unit(values: np.ndarray, percentile: float = 100.0) -> np.ndarray:
    """The sizes of `values` as shares 0..1 of their percentile; zeros stay zeros, also when there is nothing else."""
    sizes = np.nan_to_num(np.abs(np.asarray(values, np.float64)), posinf=0.0)
    most = float(np.percentile(sizes, percentile)) or float(sizes.max())
    return np.clip(sizes / most, 0.0, 1.0) if most else sizes


def _edge(inside: np.ndarray) -> np.ndarray:
    """The pixels inside that touch one outside; the border of the picture is no edge."""
    padded = np.pad(inside, 1, mode="edge")
    around = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return inside & ~around
