"""Pictures that stand inside a page: arrays and figures as data URLs, and maps drawn over pictures."""

import io
from base64 import b64encode
from typing import Any

import numpy as np

from research.report.style import DPI

CSS_PIXELS = 96  # of an inch, by the definition of CSS
# Up to this side (in pixels) a page shows single pixels, and losses would be visible. Larger pictures are JPEG without
# chroma subsampling: lossy WebP always halves the resolution of colour (21 dB against 31 dB on noisy colour textures).
LOSSLESS_SIDE = 32
QUALITY = 88

LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue: ITU-R BT.601
GLOW = (255.0, 200.0, 0.0)  # amber: distinct from gray in every kind of colour blindness, and lighter than the picture
DIM, STRONGEST = 0.5, 0.8  # the picture's share of its brightness; the glow's share of a pixel where the map is 1

Picture = dict[str, Any]  # {"source": data URL, "width", "height"}: of the picture in CSS pixels


def inlined(image: np.ndarray) -> Picture:
    """`image` uint8 [H, W], [H, W, 1] or [H, W, 3] at its own size in CSS pixels; equal pixels give equal bytes.

    Lossless up to `LOSSLESS_SIDE` pixels a side, JPEG beyond. Raises ValueError for another type or shape.
    """
    from PIL import Image  # slow to import; only needed where pictures are drawn

    pixels = planes(image)
    content = io.BytesIO()
    picture = Image.fromarray(pixels)
    if max(pixels.shape[:2]) <= LOSSLESS_SIDE:
        kind = "webp"
        picture.save(content, format="WEBP", lossless=True)
    else:
        kind = "jpeg"
        picture.save(content, format="JPEG", quality=QUALITY, subsampling="4:4:4", optimize=True)
    height, width = pixels.shape[:2]
    source = f"data:image/{kind};base64,{b64encode(content.getvalue()).decode('ascii')}"
    return {"source": source, "width": width, "height": height}


def planes(image: np.ndarray) -> np.ndarray:
    """`image` as Pillow takes it: uint8 [H, W] for gray, [H, W, 3] for colour; ValueError for anything else."""
    pixels = np.asarray(image)
    if pixels.ndim == 3 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    if pixels.dtype != np.uint8 or 0 in pixels.shape or not (pixels.ndim == 2 or pixels.shape[2:] == (3,)):
        raise ValueError(f"a picture is uint8 [H, W, 1 or 3], not {pixels.dtype} {list(np.shape(image))}")
    return np.ascontiguousarray(pixels)


def picture(png: bytes) -> Picture:
    """A figure as `style.png` made it, at its size in inches (which its header tells: PNG specification, 11.2.2)."""
    width, height = (int.from_bytes(png[start : start + 4], "big") for start in (16, 20))
    source = f"data:image/png;base64,{b64encode(png).decode('ascii')}"
    width, height = (round(pixels * CSS_PIXELS / DPI) for pixels in (width, height))
    return {"source": source, "width": width, "height": height}


def overlay(picture: np.ndarray, activation: np.ndarray) -> np.ndarray:
    """`picture` (uint8 [H, W, 1 or 3]) dimmed and gray, glowing where `activation` ([H, W], 0..1) is high: [H, W, 3].

    A white line runs where the map crosses one half. Printed in gray, the glow is lighter than the dimmed picture, and
    the line is lighter still. Raises ValueError when the sizes differ.
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
    """uint8 [H, W]: the absolute `values` [H, W], from black (0) to white (their 99.5th percentile and above)."""
    return np.round(255 * unit(values, 99.5)).astype(np.uint8)


def unit(values: np.ndarray, percentile: float = 100.0) -> np.ndarray:
    """The absolute values of `values` as shares 0..1 of their percentile; an array of zeros stays zero."""
    sizes = np.nan_to_num(np.abs(np.asarray(values, np.float64)), posinf=0.0)
    most = float(np.percentile(sizes, percentile)) or float(sizes.max())
    return np.clip(sizes / most, 0.0, 1.0) if most else sizes


def _edge(inside: np.ndarray) -> np.ndarray:
    """The pixels inside that touch one outside; the border of the picture is no edge."""
    padded = np.pad(inside, 1, mode="edge")
    around = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return inside & ~around
