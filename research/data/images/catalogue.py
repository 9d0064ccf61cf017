"""Data sets of the TensorFlow Datasets catalogue, read from their prepared array_record files without TensorFlow."""

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np

from research.data.images.image_set import ImageSet
from research.errors import UserError


def read_catalogue(name: str, root: Path) -> ImageSet:
    """The data set `NAME`, `NAME/CONFIG` or `NAME:VERSION`, prepared below `root`, with features image and label.

    Raises UserError when it is not prepared there, or does not hold labelled pictures of one size.
    """
    builder = _builder(name, root)
    features, splits = builder.info.features, builder.info.splits
    if not {"image", "label"} <= set(features or ()):
        raise UserError(
            f"tfds:{name} has no image and label (it has {', '.join(sorted(features or ()))}); choose another set"
        )
    if "train" not in splits:
        raise UserError(f"tfds:{name} has no train split (it has {', '.join(splits)}); choose another set")
    names = getattr(features["label"], "names", None)
    arrays = {split: _arrays(builder, split, name) for split in ("train", "test") if split in splits}
    images, labels = ({split: pair[axis] for split, pair in arrays.items()} for axis in (0, 1))
    return ImageSet(images, labels, tuple(names or ()))


def prepare_catalogue(name: str, root: Path) -> Path:
    """Download the catalogue's data set `name` and prepare it below `root`; returns its folder.

    Needs the extra `prepare` (TensorFlow), once. Raises UserError without it, or when the download fails.
    """
    try:
        import tensorflow  # noqa: F401  # tfds writes with it; an extra, because it takes 1.5 GB
    except ImportError:
        raise UserError(
            f"preparing {name} needs TensorFlow, which is not installed: pip install -e '.[prepare]' "
            "(once; training does not need it)"
        ) from None
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name, data_dir=root, file_format="array_record")
        builder.download_and_prepare()
    except Exception as error:  # tfds raises many types: of downloads, checksums, disks
        raise UserError(f"cannot prepare {name}: {' '.join(str(error).split())[:200]}") from error
    return Path(builder.data_dir)


def _builder(name: str, root: Path) -> Any:
    folder = _folder(name, root)
    with contextlib.redirect_stderr(io.StringIO()):
        import tensorflow_datasets as tfds

        try:
            return tfds.builder_from_directory(folder)
        except Exception as error:  # tfds raises many types for a damaged folder
            reason = " ".join(str(error).split())[:120]
            raise UserError(f"{folder} is not a sound tfds folder ({reason}); prepare it again") from error


def _folder(name: str, root: Path) -> Path:
    """The folder of the newest prepared version of `name`; where it names no configuration, of its only one."""
    base, _, version = name.partition(":")
    versions = _prepared(root / base, version)
    if versions:
        return versions[-1]
    configured = [path for path in sorted((root / base).glob("*")) if _prepared(path, version)]
    if len(configured) > 1:
        raise UserError(f"tfds:{name} has several configurations ({', '.join(p.name for p in configured)}); name one")
    if configured:
        return _prepared(configured[0], version)[-1]
    raise UserError(
        f"tfds:{name} is not prepared in {root}; prepare it with: python scripts/prepare.py tfds:{name} "
        "(needs the extra: pip install -e '.[prepare]'), or give --data.root"
    )


def _prepared(folder: Path, version: str) -> list[Path]:
    versions = sorted((path.parent for path in folder.glob("*/dataset_info.json")), key=_version)
    return [path for path in versions if not version or path.name == version]


def _version(path: Path) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else -1 for part in path.name.split("."))


def _arrays(builder: Any, split: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        examples = builder.as_data_source(split)
        images = [np.asarray(example["image"]) for example in examples]
        labels = np.array([example["label"] for example in examples])
    except Exception as error:  # array_record and the decoders raise many types for damaged files
        raise UserError(f"tfds:{name} cannot be read ({' '.join(str(error).split())[:160]})") from error
    if len({image.shape for image in images}) > 1:
        raise UserError(f"tfds:{name} holds pictures of several sizes; this reader takes sets of one size")
    return np.stack(images) if images else np.zeros((0, 1, 1, 1), np.uint8), labels
