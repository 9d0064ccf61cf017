"""The picture files that a user names, directly or by folders of any depth."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from research.data.images.scan import KINDS, visible
from research.errors import UserError, warn


def picture_files(inputs: Sequence[Path | str]) -> list[Path]:
    """`inputs` with each folder replaced by the pictures in it, at any depth.

    A warning counts the files of a folder that are no pictures by their names. Raises UserError for a folder without
    pictures.
    """
    files: list[Path] = []
    for path in map(Path, inputs):
        if not path.is_dir():
            files.append(path)
            continue
        pictures, others = pictures_below(path)
        if not pictures:
            raise UserError(f"no pictures in {path} and below; give files or folders of {', '.join(KINDS)}")
        if others:
            warn(f"{len(others)} of the files in {path} are not pictures by their names, left out (first: {others[0]})")
        files += pictures
    return files


def pictures_below(folder: Path) -> tuple[list[Path], list[Path]]:
    """The files at any depth of `folder`, in the order of their names: pictures by their names, and the others.

    No file is opened. Links are followed, except for a link to a folder that holds it. Raises UserError for a folder
    that cannot be listed.
    """
    files = list(_files_below(folder, ()))
    pictures = [path for path in files if path.suffix.lower() in KINDS]
    return pictures, [path for path in files if path.suffix.lower() not in KINDS]


def _files_below(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    real = folder.resolve()
    if real in above:
        return
    try:
        inside = visible(folder)
    except OSError as error:
        raise UserError(f"{folder} cannot be listed ({error.strerror}); name another folder") from error
    for path in inside:
        if path.is_dir():
            yield from _files_below(path, (*above, real))
        else:
            yield path
