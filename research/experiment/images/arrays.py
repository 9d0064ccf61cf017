"""A run on arrays of pictures."""

from pathlib import Path
from typing import Any

import numpy as np

from research.config import ImageExperiment
from research.data.images.image_set import checked_splits
from research.errors import UserError
from research.experiment.given_data import stored
from research.files import npz_bytes

SHAPES = "give (pictures, labels), or ((pictures, labels) of training, (pictures, labels) of test)"


def with_data(config: ImageExperiment, data: Any, folder: Path) -> ImageExperiment:
    """`config` with arrays as its source, stored in `folder` as a .npz file in Keras' layout.

    `data` is (pictures, labels), or ((pictures, labels) of training, those of test). Pictures are [N, H, W] or
    [N, H, W, C], of bytes, or numbers in one range; labels are whole numbers or names [N]. Raises UserError for
    anything else, before anything is written.
    """
    splits = dict(zip(("train", "test"), _pairs(data), strict=False))
    pictures = {split: _array(pair[0]) for split, pair in splits.items()}
    labels, classes = _numbered({split: _array(pair[1]) for split, pair in splits.items()})
    checked_splits(pictures, labels, "data")
    arrays = {f"x_{split}": array for split, array in pictures.items()}
    arrays |= {f"y_{split}": array for split, array in labels.items()} | classes
    return stored(config, npz_bytes(arrays), ".npz", folder)


def _pairs(data: Any) -> list[tuple[Any, Any]]:
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise UserError(f"data is a {type(data).__name__}, not a pair of arrays; {SHAPES}")
    nested = [isinstance(part, tuple | list) and len(part) == 2 and np.ndim(part[0]) > 1 for part in data]
    return [(part[0], part[1]) for part in data] if all(nested) else [(data[0], data[1])]


def _array(part: Any) -> np.ndarray:
    try:
        found = np.asarray(part)
    except ValueError as error:  # pictures of several sizes
        raise UserError(f"data is no array ({' '.join(str(error).split())[:80]}); {SHAPES}") from error
    if found.dtype == object:
        raise UserError(f"data holds objects, not numbers or names; {SHAPES}")
    return found


def _numbered(labels: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Labels as whole numbers, and of names {"classes": the names in their order}."""
    if all(each.dtype.kind not in "US" for each in labels.values()):
        return labels, {}
    names, numbers = np.unique(
        np.concatenate([each.astype(str).ravel() for each in labels.values()]), return_inverse=True
    )
    ends = np.cumsum([each.size for each in labels.values()])[:-1]
    return dict(zip(labels, np.split(numbers, ends), strict=True)), {"classes": names}
