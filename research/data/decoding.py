"""From the bytes of a picture file to plain pixels: 8 bits a channel, upright, nothing transparent."""

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

CORE = 0.7  # of the depth of what is seen: from there on it is its core
BLENDED = 64  # tones of 255 between rim and core from which on the rim is taken for blended
PIXELS = 100_000_000  # more than any camera; a file that claims more is refused before it is decoded


class Decoded(NamedTuple):
    """A picture as Pillow's "L" or "RGB", and what the file was: its mode (CMYK, P, I;16 ...) and kind (JPEG ...)."""

    image: Any
    mode: str
    kind: str


class UndecodableError(Exception):
    """Why a file is no readable picture, in a few words on one line."""


def decode(source: Path | bytes, *, gray: bool, kinds: tuple[str, ...] | None = None) -> Decoded:
    """The picture in a file or in a file's bytes: turned as its EXIF says, transparency on a ground that shows it.

    Only decoders of `kinds` (Pillow's names) are let at it; None: all. Raises UndecodableError. Damaged files make
    Pillow warn as well: the caller silences that, for the filter of warnings belongs to all threads.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    wanted = "L" if gray else "RGB"
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=kinds) as file:
            if file.width * file.height > PIXELS:
                raise UndecodableError(f"it claims {file.width} x {file.height} pixels, too many")
            file.load()
            return Decoded(_plain(ImageOps.exif_transpose(file)).convert(wanted), file.mode, str(file.format))
    except UndecodableError:
        raise
    except UnidentifiedImageError:
        raise UndecodableError("it is empty" if source == b"" else "it is not a picture that can be read") from None
    except Exception as error:  # the decoders of damaged files raise whatever they stumble over
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:120] or type(error).__name__
        raise UndecodableError(reason) from error


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


def _plain(image: Any) -> Any:
    """`image` with 8 bits a channel and without transparency."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_to_bytes(np.nan_to_num(np.asarray(image, np.float64))))
    return _flattened(image.convert("RGBA")) if image.has_transparency_data else image


def _to_bytes(values: np.ndarray) -> np.ndarray:
    top = 1.0 if values.max() <= 1 else 255.0 if values.max() <= 255 else 65535.0
    return np.rint(np.clip(values / top, 0, 1) * 255).astype(np.uint8)


def _flattened(image: Any) -> Any:
    """Transparency filled with the black or white that shows what is drawn."""
    from PIL import Image

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
