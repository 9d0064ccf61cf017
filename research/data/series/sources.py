"""The files of a data set of series: a single file, or a folder with one for each part."""

import difflib
from pathlib import Path

from research.data.images.findings import shown
from research.data.images.scan import SPLITS
from research.data.paths import VARIABLE, data_root, expanded
from research.errors import UserError

KINDS = (".csv", ".parquet", ".npz")


def series_files(source: str, root: str | None) -> dict[str, Path]:
    """{part: file} of `source`, a path as given or under `root` (see `paths.data_root`).

    A single file is "train". A folder holds train.csv (.parquet, .npz) and perhaps test and validation. Raises
    UserError, with the nearest name, where nothing is found, and for files that are no such parts.
    """
    try:
        paths = [expanded(source), data_root(root) / source]
        found = next((path for path in paths if path.exists()), None)
        if found is None:
            raise _not_found(source, paths)
        if found.is_dir():
            return _parts(found)
    except OSError as error:  # no permission, or a name too long
        raise UserError(f"data {shown(source)} cannot be read ({error.strerror}); name another place") from error
    if found.suffix.lower() not in KINDS:
        raise UserError(f"data {shown(source)} is none of {', '.join(KINDS)}; give such a file, or a folder of them")
    return {"train": found}


def _parts(folder: Path) -> dict[str, Path]:
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in KINDS and path.is_file())
    parts = {part: [path for path in files if path.stem.lower() in names] for part, names in SPLITS.items()}
    double = next((paths for paths in parts.values() if len(paths) > 1), None)
    if double:
        names = " and ".join(shown(path.name) for path in double)
        raise UserError(f"{shown(str(folder))} has {names}, which mean the same; keep one")
    if not parts["train"]:
        names = ", ".join(shown(path.name) for path in files[:5])
        hint = f"it holds {names}: name one, or call it train.csv" if names else "add it"
        raise UserError(f"{shown(str(folder))} has no train.csv (or .parquet, .npz); {hint}")
    if parts["validation"] and not parts["test"]:
        raise UserError(f"{shown(str(folder))} has {parts['validation'][0].name} but no test.csv; add it, later still")
    return {part: paths[0] for part, paths in parts.items() if paths}


def _not_found(source: str, paths: list[Path]) -> UserError:
    folders = [path.parent for path in paths if path.parent.is_dir()]
    prefix = source[: len(source) - len(Path(source).name)]
    names = [prefix + path.name for folder in folders for path in folder.iterdir()]
    near = difflib.get_close_matches(source, names, n=1)
    hint = f"; did you mean {shown(near[0])}?" if near else ""
    where = " and ".join(shown(str(path.absolute())) for path in paths)
    return UserError(f"no series {shown(source)}{hint} (looked for {where}); give --data.root or ${VARIABLE}")
