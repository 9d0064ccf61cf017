"""The kind of data set that a folder holds: idx files, or pictures in class folders."""

from collections.abc import Sequence
from pathlib import Path

from research.data.images.findings import shown
from research.data.images.idx import has_idx
from research.data.images.scan import KINDS, SPLITS, visible
from research.errors import UserError

NAMED = 3  # names that an error lists of each kind


def holds_pictures(folder: Path) -> bool:
    """Whether `folder` holds CLASS/PICTURE or train/CLASS/PICTURE and the like; False where it holds idx files.

    Raises UserError, which states what was expected and what is there, where it holds neither.
    """
    if has_idx(folder):
        return False
    inner = [path for path in visible(folder) if path.is_dir()]
    names = [name for names in SPLITS.values() for name in names]
    deeper = [path for split in inner if split.name in names for path in visible(split) if path.is_dir()]
    if any(_is_picture(path) for parent in (*inner, *deeper) for path in visible(parent)):
        return True
    raise UserError(
        f"{folder} holds no data set that is known: no train-images-idx3-ubyte.gz and companions (idx), "
        f"no CLASS/*.jpg or train/CLASS/*.jpg (pictures); found {_listed(folder)}; name another folder"
    )


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in KINDS and not path.is_dir()


def _listed(folder: Path) -> str:
    """The content of `folder` in a few words."""
    paths = visible(folder)
    folders = [path.name + "/" for path in paths if path.is_dir()]
    pictures = [path.name for path in paths if _is_picture(path)]
    others = [path.name for path in paths if not path.is_dir() and not _is_picture(path)]
    counts = [
        _counted(folders, "folder", " without pictures in that place"),
        _counted(pictures, "picture", " in no class folder"),
        _counted(others, "other file", ""),
    ]
    return ", ".join(part for part in counts if part) or "nothing in it"


def _counted(names: Sequence[str], what: str, more: str) -> str:
    if not names:
        return ""
    named = ", ".join(map(shown, names[:NAMED])) + (", ..." if len(names) > NAMED else "")
    return f"{len(names):,} {what}{'s' if len(names) > 1 else ''}{more} ({named})"
