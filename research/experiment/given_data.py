"""Arrays and pandas frames that a caller gives in place of files: they are stored as files, which the rest reads."""

import dataclasses
import hashlib
import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from research.config import Experiment
from research.errors import UserError
from research.files import write_bytes

E = TypeVar("E", bound=Experiment)


def stored(config: E, content: bytes, suffix: str, folder: Path) -> E:
    """`config` with `content` as its source: a file in `folder`, named by its digest, written unless it is there."""
    path = (folder / f"{hashlib.sha256(content).hexdigest()[:16]}{suffix}").absolute()
    if not path.is_file():
        write_bytes(path, content)
    return dataclasses.replace(config, data=dataclasses.replace(config.data, source=str(path)))


def frame_bytes(frame: Any) -> bytes:
    """A pandas frame as a Parquet file; cells of several types become text."""
    content = io.BytesIO()
    frame.apply(_storable).to_parquet(content)
    return content.getvalue()


@contextmanager
def as_files(inputs: Any) -> Iterator[tuple[list[Path], dict[str, str]]]:
    """In this context `inputs` are files: (their paths, {path of what was no file before: its name for the caller}).

    `inputs` is a path, an array, a pandas frame, or a sequence of such. An array of pictures is [N, H, W] or
    [N, H, W, C], of one picture [H, W, C of 1 or 3], of bytes, or gray of 16 bits or floats; each picture is a file,
    called "picture 0" and so on. A frame is called "frame 0". UserError for anything else.
    """
    given = list(inputs) if isinstance(inputs, Sequence) and not isinstance(inputs, str) else [inputs]
    with tempfile.TemporaryDirectory() as folder:
        paths: list[Path] = []
        names: dict[str, str] = {}
        for each in given:
            if isinstance(each, str | Path):
                paths.append(Path(each))
                continue
            kind, suffix, contents = _contents(each)
            for content in contents:
                path = Path(folder) / f"{len(names)}{suffix}"
                path.write_bytes(content)
                names[str(path)] = f"{kind} {len(names)}"
                paths.append(path)
        yield paths, names


def renamed(answer: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """`answer` with the paths of `as_files` replaced by the names that its caller knows."""
    found = dict(answer)
    if found.get("input") in names:
        path = found["input"]
        found["input"] = names[path]
        if "error" in found:
            found["error"] = found["error"].replace(path, names[path])
    return found


def _contents(given: Any) -> tuple[str, str, list[bytes]]:
    """What `given` is called, the suffix of its files, and their contents."""
    import pandas as pd  # slow to import

    if isinstance(given, pd.DataFrame):
        return "frame", ".parquet", [frame_bytes(given)]
    if not hasattr(given, "__array__"):
        raise UserError(
            f"inputs are paths, arrays or pandas frames, or a list of these; this is {type(given).__name__}"
        )
    pictures = np.asarray(given)
    single = pictures.ndim == 2 or (pictures.ndim == 3 and pictures.shape[-1] in (1, 3))
    pictures = pictures[None] if single else pictures
    if pictures.ndim not in (3, 4) or (pictures.ndim == 4 and pictures.shape[-1] not in (1, 3)) or not pictures.size:
        raise UserError(f"an array of shape {np.shape(given)} holds no pictures; give [N, H, W] or [N, H, W, 1 or 3]")
    suffix = ".png" if pictures.dtype == np.uint8 else ".tiff"
    return "picture", suffix, [_encoded(picture, suffix) for picture in pictures]


def _encoded(picture: np.ndarray, suffix: str) -> bytes:
    """A picture [H, W] or [H, W, C] as a file without loss."""
    from PIL import Image  # slow to import

    plain = picture[..., 0] if picture.ndim == 3 and picture.shape[-1] == 1 else picture
    if plain.dtype != np.uint8 and (plain.ndim == 3 or plain.dtype.kind not in "fui"):
        raise UserError(f"pictures of {plain.dtype} are given in colour or hold no numbers; give bytes (uint8)")
    if plain.dtype not in (np.uint8, np.uint16):
        plain = plain.astype(np.float32)
    content = io.BytesIO()
    Image.fromarray(plain).save(content, {".png": "PNG", ".tiff": "TIFF"}[suffix])
    return content.getvalue()


def _storable(column: Any) -> Any:
    """A column as Parquet can hold it: the cells of several types as text."""
    from pandas.api.types import infer_dtype  # slow to import

    mixed = column.dtype == object and infer_dtype(column, skipna=True).startswith("mixed")
    return column.map(str, na_action="ignore") if mixed else column
