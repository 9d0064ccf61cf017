"""The picture files that a user names, by themselves or by folders of any depth."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from research.data.images.scan import KINDS, visible
from research.errors import UserError, warn


class Found(NamedTuple):
    """Files at any depth of a folder, in the order of their names: pictures by their names, and others."""

    pictures: list[Path]
    others: list[Path]


def picture_files(inputs: Sequence[Path | str]) -> list[Path]:
    """`inputs` with each folder replaced by the pictures in it, at any depth; UserError for a folder without any.

    A warning counts the files of a folder that are no pictures by their names.
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


def pictures_below(folder: Path) -> Found:
    """The files of `folder` and of all folders in it, none of them opened; UserError where one cannot be listed.

    Links are followed, but for one that leads back to a folder which holds it.
    """
    files = list(_files_below(folder, ()))
    named = [path.suffix.lower() in KINDS for path in files]
    pictures, others = (
        [path for path, is_one in zip(files, named, strict=True) if is_one == of] for of in (True, False)
    )
    return Found(pictures, others)


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
