"""Pictures that stand inside a page: arrays as data URLs, small enough that thousands fit into one file."""

import io
from base64 import b64encode

import numpy as np

from research.report.sections import Picture

# Up to this side a page shows single pixels, so that losses would be seen; larger pictures are JPEG without chroma
# subsampling. Measured on noisy colour textures of 96 px: lossless WebP 23.1 kB; lossy WebP 6.1 kB, but 21 dB, since it
# always halves the resolution of colour, in which shallow filters differ; JPEG 9.9 kB and 31 dB.
LOSSLESS_SIDE = 32
QUALITY = 88


def inlined(image: np.ndarray) -> Picture:
    """`image` uint8 [H, W], [H, W, 1] or [H, W, 3] at its own size in CSS pixels; the same bytes for the same pixels.

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
    return Picture(f"data:image/{kind};base64,{b64encode(content.getvalue()).decode('ascii')}", width, height)


def planes(image: np.ndarray) -> np.ndarray:
    """`image` as Pillow wants it: uint8 [H, W] for gray, [H, W, 3] for colour; ValueError for anything else."""
    pixels = np.asarray(image)
    if pixels.ndim == 3 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    if pixels.dtype != np.uint8 or 0 in pixels.shape or not (pixels.ndim == 2 or pixels.shape[2:] == (3,)):
        raise ValueError(f"a picture is uint8 [H, W, 1 or 3], not {pixels.dtype} {list(np.shape(image))}")
    return np.ascontiguousarray(pixels)
