"""The files in a folder of pictures: train/CLASS/FILE, validation/..., test/..., or CLASS/FILE alone.

Hidden and OS metadata files are ignored. Links are followed, wherever they point: the depth is fixed, so loops end.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from research.data.images.findings import Remark, shown
from research.errors import UserError

SPLITS = {"train": ("train",), "validation": ("validation", "val", "valid"), "test": ("test",)}
KINDS = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "JPEG"),
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
    **dict.fromkeys((".ppm", ".pgm", ".pbm"), "PPM"),
    **{".png": "PNG", ".gif": "GIF", ".bmp": "BMP", ".webp": "WEBP", ".avif": "AVIF"},
}
OS_METADATA = ("__MACOSX", "Thumbs.db", "desktop.ini")


class Entry(NamedTuple):
    """A picture file, by its name's ending; `name` is relative to the set's folder, with slashes."""

    name: str
    split: str
    label: int


class Listing(NamedTuple):
    """The picture files of a folder, by split, class and name; labels count the sorted class names from 0."""

    classes: tuple[str, ...]
    entries: tuple[Entry, ...]
    ignored: tuple[Remark, ...]


def scan(folder: Path) -> Listing:
    """The picture files below `folder`, none of them opened.

    Raises UserError for any other layout, for fewer than two classes, for splits whose classes differ, and for a class
    folder without a picture.
    """
    parts = _split_folders(folder)
    class_folders = {split: [path for path in visible(part) if path.is_dir()] for split, part in parts.items()}
    classes = _common_classes({split: [path.name for path in paths] for split, paths in class_folders.items()}, folder)
    ignored = _outside_classes(folder, parts)
    entries: list[Entry] = []
    for split, paths in class_folders.items():
        for label, path in enumerate(paths):
            files, others = _pictures(path, folder)
            entries += [Entry(name, split, label) for name in files]
            ignored += others
    return Listing(tuple(map(shown, classes)), tuple(entries), tuple(ignored))


def _has_folders(folder: Path) -> bool:
    return any(path.is_dir() for path in visible(folder))


def visible(folder: Path) -> list[Path]:
    """The files and folders in `folder`, sorted by name, without hidden and OS metadata files."""
    paths = [path for path in folder.iterdir() if not path.name.startswith(".") and path.name not in OS_METADATA]
    return sorted(paths, key=lambda path: path.name)


def _split_folders(folder: Path) -> dict[str, Path]:
    """The folder of each split; `folder` itself is train where it holds the class folders directly.

    A single folder called train that holds pictures is a class.
    """
    by_split = {split: [folder / name for name in names if (folder / name).is_dir()] for split, names in SPLITS.items()}
    parts = [path for paths in by_split.values() for path in paths]
    if len(parts) < 2 and not any(map(_has_folders, parts)):
        return {"train": folder}
    if not by_split["train"]:
        raise UserError(f"{folder} has {parts[0].name}/ but no train/ with class folders; add it")
    double = next((paths for paths in by_split.values() if len(paths) > 1), None)
    if double:
        raise UserError(f"{folder} has {' and '.join(path.name for path in double)}, which mean the same; keep one")
    flat = next((path for path in parts if not _has_folders(path)), None)
    if flat:
        raise UserError(f"{flat} holds no class folders; put its pictures into one folder per class, or remove it")
    return {split: paths[0] for split, paths in by_split.items() if paths}


def _common_classes(names: Mapping[str, Sequence[str]], folder: Path) -> list[str]:
    """The class names, which must be the same in every split."""
    train = list(names["train"])
    for split, others in names.items():
        only = {"train": sorted({*train} - {*others}), split: sorted({*others} - {*train})}
        differences = "; ".join(f"only in {where}: {_few(classes)}" for where, classes in only.items() if classes)
        if differences:
            raise UserError(
                f"{folder}: train and {split} differ in classes ({differences}); give both the same class folders"
            )
    if len(train) < 2:
        present = f"only the class folder {shown(train[0])}" if train else "no class folder"
        raise UserError(f"{folder} has {present}; a classifier needs two classes or more, one folder of pictures each")
    return train


def _few(names: Sequence[str]) -> str:
    return ", ".join(map(shown, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _outside_classes(folder: Path, parts: Mapping[str, Path]) -> list[Remark]:
    """Remarks on pictures beside the class folders, and on folders beside those of the splits."""
    beside = [path for part in {folder: 0, **dict.fromkeys(parts.values(), 0)} for path in visible(part)]
    ignored = [path for path in beside if path.suffix.lower() in KINDS and not path.is_dir()]
    if folder not in parts.values():
        ignored += [path for path in visible(folder) if path.is_dir() and path not in parts.values()]
    return [Remark(_name(path, folder), "not in a class folder") for path in ignored]


def _pictures(folder: Path, base: Path) -> tuple[list[str], list[Remark]]:
    """The names of the picture files in the folder of a class, and remarks on the other files there."""
    pictures, others = [], []
    for path in visible(folder):
        if path.is_dir():
            others.append(Remark(_name(path, base), "a folder within a class folder"))
        elif path.suffix.lower() not in KINDS:
            others.append(Remark(_name(path, base), "not a picture by its name"))
        else:
            pictures.append(path.relative_to(base).as_posix())
    if not pictures:
        raise UserError(
            f"class folder {shown(str(folder))} holds no picture ({' '.join(KINDS)}); add some, or remove it"
        )
    return pictures, others


def _name(path: Path, base: Path) -> str:
    return shown(path.relative_to(base).as_posix())
