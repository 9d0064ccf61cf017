"""Which kind of data set a folder holds: idx files, or pictures in folders of their classes."""

from collections.abc import Sequence
from pathlib import Path

from research.data.images.findings import shown
from research.data.images.idx import has_idx
from research.data.images.scan import KINDS, SPLITS, visible
from research.errors import UserError

NAMED = 3  # things that an error names of all that were found


def holds_pictures(folder: Path) -> bool:
    """Whether `folder` holds CLASS/PICTURE or train/CLASS/PICTURE and the like; False where it holds idx files.

    Raises UserError, saying what was expected and what is there, where it holds neither.
    """
    if has_idx(folder):
        return False
    inner = [path for path in visible(folder) if path.is_dir()]
    names = [name for names in SPLITS.values() for name in names]
    deeper = [path for split in inner if split.name in names for path in visible(split) if path.is_dir()]
    if any(_is_picture(path) for place in (*inner, *deeper) for path in visible(place)):
        return True
    raise UserError(
        f"{folder} holds no data set that is known: no train-images-idx3-ubyte.gz and companions (idx), "
        f"no CLASS/*.jpg or train/CLASS/*.jpg (pictures); found {_found(folder)}; name another folder"
    )


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in KINDS and not path.is_dir()


def _found(folder: Path) -> str:
    """What is in `folder`, in a few words."""
    paths = visible(folder)
    folders = [path.name + "/" for path in paths if path.is_dir()]
    pictures = [path.name for path in paths if _is_picture(path)]
    others = [path.name for path in paths if not path.is_dir() and not _is_picture(path)]
    told = [
        _told(folders, "folder", " without pictures in that place"),
        _told(pictures, "picture", " in no class folder"),
        _told(others, "other file", ""),
    ]
    return ", ".join(part for part in told if part) or "nothing in it"


def _told(names: Sequence[str], what: str, more: str) -> str:
    if not names:
        return ""
    named = ", ".join(map(shown, names[:NAMED])) + (", ..." if len(names) > NAMED else "")
    return f"{len(names):,} {what}{'s' if len(names) > 1 else ''}{more} ({named})"
