"""From the bytes of a picture file to plain pixels: 8 bits a channel, upright, nothing transparent."""

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from research.data.images.pixel_range import UNKNOWN, Extremes, PixelRange, Ranges, extremes, ranges_of, scaled

CORE = 0.7  # of the depth of what is seen: from there on it is its core
BLENDED = 64  # tones of 255 between rim and core from which on the rim is taken for blended
PIXELS = 100_000_000  # more than any camera; a file that claims more is refused before it is decoded
PHOTOMETRIC = 262  # the tag of TIFF that says what 0 stands for (TIFF 6.0, section 8): where it is 0, for white
PPM_RANGE = PixelRange(0.0, 65535.0)  # what Pillow scales PGM files of more than 8 bits to, by the range they declare


class Scaled(NamedTuple):
    """How numbers of more than 8 bits became bytes: by `range`, `guessed` where their set has none that is known.

    `found`: the least and greatest number of the file.
    """

    range: PixelRange
    guessed: bool
    found: Extremes


class Decoded(NamedTuple):
    """A picture as Pillow's "L" or "RGB", and what the file was: its mode (CMYK, P, I;16 ...) and kind (JPEG ...).

    `scaled`, of a picture of more than 8 bits: how it became one of 8.
    """

    image: Any
    mode: str
    kind: str
    scaled: Scaled | None = None


class UndecodableError(Exception):
    """Why a file is no readable picture, in a few words on one line."""


def decode(
    source: Path | bytes, *, gray: bool, kinds: tuple[str, ...] | None = None, ranges: Ranges = UNKNOWN
) -> Decoded:
    """The picture in a file or in a file's bytes: turned as its EXIF says, transparency on a ground that shows it.

    Numbers of more than 8 bits are scaled by `ranges`, those of the set that the picture is of or is to be like; by a
    guess from the file alone where it has none. Only decoders of `kinds` (Pillow's names) are let at it; None: all.
    Raises UndecodableError. Damaged files make Pillow warn as well: the caller silences that, for the filter of
    warnings belongs to all threads.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    wanted = "L" if gray else "RGB"
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=kinds) as file:
            if file.width * file.height > PIXELS:
                raise UndecodableError(f"it claims {file.width} x {file.height} pixels, too many")
            file.load()
            upright = ImageOps.exif_transpose(file)
            if not _deep(file):
                return Decoded(_flattened(upright).convert(wanted), file.mode, str(file.format))
            how = _how(file, ranges)
            return Decoded(_bytes(upright, how.range, file).convert(wanted), file.mode, str(file.format), how)
    except UndecodableError:
        raise
    except UnidentifiedImageError:
        raise UndecodableError("it is empty" if source == b"" else "it is not a picture that can be read") from None
    except Exception as error:  # the decoders of damaged files raise whatever they stumble over
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:120] or type(error).__name__
        raise UndecodableError(reason) from error


def extremes_in(path: Path, kinds: tuple[str, ...] | None = None) -> Extremes | None:
    """The least and greatest number of a picture file whose range its set decides; None of any other, or of no picture.

    Only files of more than 8 bits a channel that do not declare their range are decoded for it.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=kinds) as file:
            if not _deep(file) or _declared(file) or file.width * file.height > PIXELS:
                return None
            file.load()
            return extremes(np.asarray(file))
    except Exception:  # whatever decoders stumble over; `decode` will say it
        return None


def squashed(image: Any, size: int) -> np.ndarray:
    """`image` scaled to `size` x `size` whatever its proportions: uint8 [size, size, C].

    Bilinear with Pillow's antialiasing (the filter widens with the reduction); an image of that size is left as it is.
    """
    from PIL import Image

    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR)).reshape(size, size, -1)


def version() -> str:
    """What decodes, so that pictures decoded by something else are told apart."""
    import PIL
    from PIL import features

    return f"Pillow {PIL.__version__}, JPEG {features.version('libjpeg_turbo') or features.version('jpg')}"


def _deep(image: Any) -> bool:
    """Whether Pillow holds more than 8 bits a channel: it does so of one channel only."""
    return image.mode.startswith(("I", "F"))


def _declared(file: Any) -> bool:
    return file.format == "PPM" and file.mode == "I"


def _how(file: Any, ranges: Ranges) -> Scaled:
    found = extremes(np.asarray(file))
    if _declared(file):
        return Scaled(PPM_RANGE, False, found)
    known = ranges.get(found.kind)
    return Scaled(known or ranges_of([found])[found.kind], known is None, found)


def _bytes(image: Any, known: PixelRange, file: Any) -> Any:
    """`image`, of more than 8 bits, in 8. Where 0 is white, which Pillow minds in 8 bits alone, it is inverted."""
    from PIL import Image

    pixels = scaled(np.asarray(image), known)
    return Image.fromarray(255 - pixels if getattr(file, "tag_v2", {}).get(PHOTOMETRIC) == 0 else pixels)


def _flattened(image: Any) -> Any:
    """Transparency, if there is any, filled with the black or white that shows what is drawn."""
    from PIL import Image

    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    pixels = np.asarray(image)
    dark = _wants_dark(pixels[..., :3].mean(axis=-1), pixels[..., 3] > 127)
    base = Image.new("RGBA", image.size, (0, 0, 0, 255) if dark else (255, 255, 255, 255))
    return Image.alpha_composite(base, image)


def _wants_dark(tones: np.ndarray, seen: np.ndarray) -> bool:
    """Whether what is seen of a picture was drawn on a dark ground, or for one.

    The rim of what was drawn on paper, and cut out, has been blended with the paper: then its tone tells. Where rim and
    core are alike, the ground is what differs from both.
    """
    from scipy.ndimage import distance_transform_edt  # slow to import

    if seen.all() or not seen.any():
        return bool(seen.any()) and float(np.median(tones[seen])) > 127
    depth = np.asarray(distance_transform_edt(seen))
    rim, inside = float(np.median(tones[depth == 1])), float(np.median(tones[depth >= CORE * depth.max()]))
    return rim < inside if abs(rim - inside) > BLENDED else inside > 127
