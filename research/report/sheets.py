"""The filters of a layer on one sheet, as PNG for papers."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from research.report.pictures import planes
from research.report.style import INK, QUIET, shortened

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

PAGE = 8  # filters a side
LEAST_SIDE = 80  # pixels; smaller pictures are enlarged by the least whole number that reaches it
GAP, LETTERS = 6, 11  # pixels between pictures; of the labels
HATCH = 8  # pixels between the lines of an empty box


def sheet(images: Sequence[np.ndarray | None] | np.ndarray, labels: Sequence[object], columns: int = PAGE) -> bytes:
    """PNG of `images` (uint8 [N, H, W, 1 or 3]) row by row on white, each with its label above.

    An image that is None, a dead filter, is an empty hatched box. The same images give the same bytes. Raises
    ValueError for no images, images of different sizes, another number of labels than images, or no columns.
    """
    from PIL import Image, ImageDraw  # slow to import; only needed where pictures are drawn

    if len(images) != len(labels) or not len(images) or columns < 1:
        raise ValueError(f"{len(images)} images, {len(labels)} labels, {columns} columns")
    pictures = [None if image is None else _colour(image) for image in images]
    width, height = _size(pictures)
    columns = min(columns, len(pictures))
    across, down = width + GAP, height + GAP + LETTERS + 3
    canvas = Image.new("RGB", (GAP + columns * across, GAP + -(-len(pictures) // columns) * down), "white")
    draw, font = ImageDraw.Draw(canvas), _font()
    for index, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        left, top = GAP + index % columns * across, GAP + index // columns * down
        _label(draw, font, str(label), left, top, width)
        box = (left, top + LETTERS + 3, left + width, top + LETTERS + 3 + height)
        if picture is None:
            canvas.paste(_hatched(width, height), box)
        else:
            canvas.paste(picture.resize((width, height), Image.Resampling.NEAREST), box)
    content = io.BytesIO()
    canvas.save(content, format="PNG")
    return content.getvalue()


def layer_sheets(images: Sequence[np.ndarray | None] | np.ndarray, labels: Sequence[object]) -> dict[str, bytes]:
    """The pages of a layer, 8 x 8 filters each, as `page_01`, `page_02`, ..., and all of it in one, as `whole`.

    A layer that fits on one page has only `whole`. Takes and raises what `sheet` does.
    """
    # A power of two that is near the root: 16 columns for 128 and 256 filters, 32 for 512.
    whole = sheet(images, labels, max(PAGE, 2 ** int(np.ceil(np.log2(len(images)) / 2))) if len(images) else PAGE)
    starts = range(0, len(images), PAGE**2) if len(images) > PAGE**2 else ()
    return {
        f"page_{page:02d}": sheet(images[start : start + PAGE**2], labels[start : start + PAGE**2])
        for page, start in enumerate(starts, 1)
    } | {"whole": whole}


def _colour(image: np.ndarray) -> "Image":
    from PIL import Image

    return Image.fromarray(planes(image)).convert("RGB")


def _size(pictures: Sequence["Image | None"]) -> tuple[int, int]:
    """The width and height that every picture is drawn at."""
    sizes = {picture.size for picture in pictures if picture is not None} or {(LEAST_SIDE, LEAST_SIDE)}
    if len(sizes) > 1:
        raise ValueError(f"images of different sizes: {sorted(sizes)}")
    width, height = sizes.pop()
    larger = -(-LEAST_SIDE // max(width, height))
    return width * larger, height * larger


def _font() -> "FreeTypeFont":
    """DejaVu Sans, which comes with matplotlib: the same letters, so the same bytes, everywhere."""
    import matplotlib
    from PIL import ImageFont

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(path, LETTERS, layout_engine=ImageFont.Layout.BASIC)


def _label(draw: "ImageDraw", font: "FreeTypeFont", text: str, left: int, top: int, width: int) -> None:
    """`text` from `left`, shortened to `width` pixels."""
    for length in range(len(text), 0, -1):
        cut = shortened(text, length)
        if draw.textlength(cut, font) <= width or length == 1:
            draw.text((left, top + LETTERS), cut, fill=INK, font=font, anchor="ls")
            return


def _hatched(width: int, height: int) -> "Image":
    from PIL import Image, ImageDraw

    box = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(box)
    for start in range(-height, width, HATCH):
        draw.line((start, height, start + height, 0), fill=QUIET)
    draw.rectangle((0, 0, width - 1, height - 1), outline=QUIET)
    return box
