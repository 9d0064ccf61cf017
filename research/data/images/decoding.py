"""Picture files decoded to plain pixels: 8 bits a channel, upright, without transparency."""

import functools
import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from research.data.images.pixel_range import (
    OVERSHOOT,
    UNKNOWN,
    Extremes,
    PixelRange,
    Ranges,
    describe_range,
    extremes,
    ranges_of,
    scaled,
)

CORE = 0.7  # the core of a shape: pixels at least this share of the largest distance from its edge
BLENDED = 64  # a rim that differs from the core by more tones than this (of 255) was blended with another ground
LARGEST = 100_000_000  # pixels, more than any camera has; a file that claims more is refused before it is decoded
PHOTOMETRIC = 262  # the TIFF tag of the meaning of 0 (TIFF 6.0, section 8); a tag value of 0 means white
BLACK = 16  # tones (of 255): a picture whose tones are all below is all but black, as of 12 bits in a file of 16
BLACK_CAUSE = (
    "of files of 16 bits a channel only the upper 8 count in colour, with transparency and in PPM and PGM; scale their "
    "values to the whole range, or save them as gray PNG or TIFF without transparency"
)
PROGRAMS = ("EPS", "WMF")  # Pillow would run Ghostscript, or Windows' player of metafiles, on these
PPM_RANGE: PixelRange = (0.0, 65535.0)  # Pillow scales PGM files of more than 8 bits to it, by their declared range


class Decoded(NamedTuple):
    """A picture `image` as Pillow's "L" or "RGB", and the mode (CMYK, P, I;16 ...) and kind (JPEG ...) of its file.

    `scaling` says in words how a picture of more than 8 bits was scaled to 8; it is empty for other pictures.
    `all_but_black`: all tones are below `BLACK`, though no range of a data set was applied.
    """

    image: Any
    mode: str
    kind: str
    scaling: str = ""
    all_but_black: bool = False


class UndecodableError(Exception):
    """The file is no readable picture; the message gives the reason in a few words on one line."""


def decode(source: Path | bytes, *, gray: bool, ranges: Ranges = UNKNOWN) -> Decoded:
    """The picture in a file or in a file's bytes, turned as its EXIF says.

    Transparent pixels are filled with black or white, so that the drawing is visible. Numbers of more than 8 bits are
    scaled by `ranges`, the ranges of the picture's data set; without them the range is guessed from the file alone.
    Files of all kinds are read that Pillow decodes itself, in training and prediction alike. Raises UndecodableError.
    Pillow also warns of damaged files: the caller silences that, because all threads share the filter of warnings.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    wanted = "L" if gray else "RGB"
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=_decoders()) as file:
            if file.width * file.height > LARGEST:
                raise UndecodableError(f"it claims {file.width} x {file.height} pixels, too many")
            file.load()
            upright = ImageOps.exif_transpose(file)
            pixel_range, scaling = _range_and_scaling(file, ranges) if _deep(file) else (None, "")
            picture = (_bytes(upright, pixel_range, file) if pixel_range else _flattened(upright)).convert(wanted)
            black = (not pixel_range or _declared(file)) and bool(np.asarray(picture).max() < BLACK)
            return Decoded(picture, file.mode, str(file.format), scaling, black)
    except UndecodableError:
        raise
    except UnidentifiedImageError:
        raise UndecodableError("it is empty" if source == b"" else "it is not a picture that can be read") from None
    except Exception as error:  # decoders raise many types for damaged files
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:120] or type(error).__name__
        raise UndecodableError(reason) from error


def extremes_in(path: Path) -> Extremes | None:
    """The smallest and the largest number of a picture file that needs the range of its data set.

    These are files of more than 8 bits a channel that do not declare their range. None for all other files; they are
    not decoded.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=_decoders()) as file:
            if not _deep(file) or _declared(file) or file.width * file.height > LARGEST:
                return None
            file.load()
            return extremes(np.asarray(file))
    except Exception:  # decoders raise many types; `decode` reports the reason
        return None


def squashed(image: Any, size: int) -> np.ndarray:
    """`image` scaled to `size` x `size`, whatever its proportions: uint8 [size, size, C].

    The filter is Pillow's bilinear one with antialiasing: it widens with the reduction. An image of that size already
    stays as it is.
    """
    from PIL import Image

    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR)).reshape(size, size, -1)


def version() -> str:
    """The decoders and their versions. Pictures of other versions are cached apart, since their pixels may differ."""
    import PIL
    from PIL import features

    return f"Pillow {PIL.__version__}, JPEG {features.version('libjpeg_turbo') or features.version('jpg')}"


@functools.cache
def _decoders() -> tuple[str, ...]:
    """Pillow's names of the kinds that are read."""
    from PIL import Image

    Image.init()
    return tuple(kind for kind in Image.ID if kind not in PROGRAMS)


def _deep(image: Any) -> bool:
    """Whether Pillow holds more than 8 bits a channel; it does so only for pictures of one channel."""
    return image.mode.startswith(("I", "F"))


def _declared(file: Any) -> bool:
    return file.format == "PPM" and file.mode == "I"


def _range_and_scaling(file: Any, ranges: Ranges) -> tuple[PixelRange, str]:
    """The range that a file of more than 8 bits is scaled by, and the scaling in words."""
    kind, lowest, highest = extremes(np.asarray(file))
    known = PPM_RANGE if _declared(file) else ranges.get(kind)
    if known is None:
        guess = ranges_of([Extremes(kind, lowest, highest)])[kind]
        return guess, f"{describe_range(guess)}, a guess from this file alone"
    slack = OVERSHOOT * (known[1] - known[0])
    if lowest < known[0] - slack or highest > known[1] + slack:
        return known, f"{describe_range(known)}, beyond which it goes ({lowest:,g} to {highest:,.10g})"
    return known, describe_range(known)


def _bytes(image: Any, pixel_range: PixelRange, file: Any) -> Any:
    """`image`, of more than 8 bits, in 8 bits. A TIFF whose 0 is white is inverted: Pillow does so for 8 bits only."""
    from PIL import Image

    pixels = scaled(np.asarray(image), pixel_range)
    return Image.fromarray(255 - pixels if getattr(file, "tag_v2", {}).get(PHOTOMETRIC) == 0 else pixels)


def _flattened(image: Any) -> Any:
    """`image` with transparent pixels filled: with black or white, whichever makes the drawing visible."""
    from PIL import Image

    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    pixels = np.asarray(image)
    dark = _needs_dark_ground(pixels[..., :3].mean(axis=-1), pixels[..., 3] > 127)
    base = Image.new("RGBA", image.size, (0, 0, 0, 255) if dark else (255, 255, 255, 255))
    return Image.alpha_composite(base, image)


def _needs_dark_ground(tones: np.ndarray, opaque: np.ndarray) -> bool:
    """Whether the opaque part of a picture was drawn on a dark ground, or for one. `tones`, `opaque`: [H, W].

    A drawing that was isolated from its ground has a rim that is blended with that ground, so the rim's tone decides.
    Where rim and core are alike, the ground is the tone that differs from both.
    """
    from scipy.ndimage import distance_transform_edt  # slow to import

    if opaque.all() or not opaque.any():
        return bool(opaque.any()) and float(np.median(tones[opaque])) > 127
    depth = np.asarray(distance_transform_edt(opaque))
    rim, core = float(np.median(tones[depth == 1])), float(np.median(tones[depth >= CORE * depth.max()]))
    return rim < core if abs(rim - core) > BLENDED else core > 127
