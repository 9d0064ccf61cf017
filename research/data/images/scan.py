"""What lies in a folder of pictures: train/CLASS/FILE, validation/..., test/..., or CLASS/FILE alone.

Names that begin with a dot and the droppings of systems do not exist here. The depth is fixed, so links may point
anywhere: they are followed as the files and folders they stand for, and no loop is ever walked.
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
DROPPINGS = ("__MACOSX", "Thumbs.db", "desktop.ini")


class Entry(NamedTuple):
    """A file that is a picture by its name; `name` is relative to the set's folder, with slashes."""

    name: str
    split: str
    label: int


class Listing(NamedTuple):
    """The picture files of a folder, by split, class and name; labels count the sorted class names from 0."""

    classes: tuple[str, ...]
    entries: tuple[Entry, ...]
    ignored: tuple[Remark, ...]


def has_folders(folder: Path) -> bool:
    """Whether `folder` holds folders at all, as every set of picture files does."""
    return any(path.is_dir() for path in visible(folder))


def scan(folder: Path) -> Listing:
    """The picture files below `folder`, none of them opened.

    Raises UserError for a layout that is none, for fewer than two classes, for splits whose classes differ, and for a
    class folder without a picture in it.
    """
    parts = _parts(folder)
    held = {split: [path for path in visible(part) if path.is_dir()] for split, part in parts.items()}
    classes = _agreed({split: [path.name for path in paths] for split, paths in held.items()}, folder)
    ignored = _beside(folder, parts)
    entries: list[Entry] = []
    for split, paths in held.items():
        for label, path in enumerate(paths):
            files, others = _pictures(path, folder)
            entries += [Entry(name, split, label) for name in files]
            ignored += others
    return Listing(tuple(map(shown, classes)), tuple(entries), tuple(ignored))


def visible(folder: Path) -> list[Path]:
    """What lies in `folder` and exists for us, by name."""
    found = [path for path in folder.iterdir() if not path.name.startswith(".") and path.name not in DROPPINGS]
    return sorted(found, key=lambda path: path.name)


def _parts(folder: Path) -> dict[str, Path]:
    """The folder of each split; `folder` itself as train where it holds the classes directly.

    A lone folder called train that holds pictures is a class.
    """
    found = {split: [folder / name for name in names if (folder / name).is_dir()] for split, names in SPLITS.items()}
    parts = [path for paths in found.values() for path in paths]
    if len(parts) < 2 and not any(map(has_folders, parts)):
        return {"train": folder}
    if not found["train"]:
        raise UserError(f"{folder} has {parts[0].name}/ but no train/ with class folders; add it")
    double = next((paths for paths in found.values() if len(paths) > 1), None)
    if double:
        raise UserError(f"{folder} has {' and '.join(path.name for path in double)}, which mean the same; keep one")
    flat = next((path for path in parts if not has_folders(path)), None)
    if flat:
        raise UserError(f"{flat} holds no class folders; put its pictures into one folder per class, or remove it")
    return {split: paths[0] for split, paths in found.items() if paths}


def _agreed(names: Mapping[str, Sequence[str]], folder: Path) -> list[str]:
    """The class names of train, which are those of every split."""
    train = list(names["train"])
    for split, others in names.items():
        only = {"train": sorted({*train} - {*others}), split: sorted({*others} - {*train})}
        told = "; ".join(f"only in {where}: {_few(classes)}" for where, classes in only.items() if classes)
        if told:
            raise UserError(f"{folder}: train and {split} differ in classes ({told}); give both the same class folders")
    if len(train) < 2:
        there = f"only the class folder {shown(train[0])}" if train else "no class folder"
        raise UserError(f"{folder} has {there}; a classifier needs two classes or more, one folder of pictures each")
    return train


def _few(names: Sequence[str]) -> str:
    return ", ".join(map(shown, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _beside(folder: Path, parts: Mapping[str, Path]) -> list[Remark]:
    """Pictures that lie beside class folders, and folders beside those of the splits."""
    loose = [path for part in {folder: 0, **dict.fromkeys(parts.values(), 0)} for path in visible(part)]
    found = [path for path in loose if path.suffix.lower() in KINDS and not path.is_dir()]
    if folder not in parts.values():
        found += [path for path in visible(folder) if path.is_dir() and path not in parts.values()]
    return [Remark(_name(path, folder), "not in a class folder") for path in found]


def _pictures(folder: Path, base: Path) -> tuple[list[str], list[Remark]]:
    """The names of the picture files of one class, and what else is there."""
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
