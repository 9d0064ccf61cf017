"""Where a table comes from: a file, a pandas frame, or scikit-learn's own data sets."""

import difflib
from pathlib import Path
from typing import Any

import numpy as np

from research.data.frames import Frame, from_pandas, read_frame
from research.data.images.findings import shown
from research.data.paths import VARIABLE, data_root, expanded
from research.errors import UserError

KINDS = (".csv", ".parquet")
EMBEDDED = ("diabetes", "iris", "wine", "breast_cancer")


def find_table(source: str, root: str | None) -> Path:
    """The file `source`, a path as given or under `root` (see `paths.data_root`).

    Raises UserError, with the nearest name, where there is none, and for files of another kind.
    """
    paths = [expanded(source), data_root(root) / source]
    try:
        found = next((path for path in paths if path.exists()), None)
        if found is None:
            raise _not_found(source, paths)
    except OSError as error:  # no permission, or a name too long
        raise UserError(f"data {shown(source)} cannot be read ({error.strerror}); name another place") from error
    if not found.is_file() or found.suffix.lower() not in KINDS:
        raise UserError(f"data {shown(source)} is no {' or '.join(KINDS)} file; give one")
    return found


def embedded(name: str) -> Frame:
    """The table `name` of `EMBEDDED`; its target is called `target`, and a class by its name."""
    import sklearn.datasets  # slow to import

    options = {"scaled": False} if name == "diabetes" else {}
    found: Any = getattr(sklearn.datasets, f"load_{name}")(as_frame=True, **options)
    frame = found.frame
    if name != "diabetes":
        frame = frame.assign(target=np.asarray(found.target_names)[frame["target"].to_numpy()])
    return from_pandas(frame)


def frames_of(path: Path) -> tuple[Frame, Frame]:
    """The columns of a file twice: with numbers read, and with every cell of a CSV file as its text.

    In the first, pandas has read words such as None as missing values; the second keeps them.
    """
    where = shown(str(path))
    numbers = read_frame(path, where, lambda names: set(), unnamed_index=False)
    if path.suffix.lower() != ".csv":
        return numbers, numbers
    texts = read_frame(path, where, lambda names: set(range(len(names))))
    kept = np.isin(texts.rows, numbers.rows)
    return numbers, texts._replace(columns=[each[kept] for each in texts.columns], rows=texts.rows[kept])


def _not_found(source: str, paths: list[Path]) -> UserError:
    folders = [path.parent for path in paths if path.parent.is_dir()]
    prefix = source[: len(source) - len(Path(source).name)]
    names = [prefix + path.name for folder in folders for path in folder.iterdir()]
    near = difflib.get_close_matches(source, [*names, *EMBEDDED], n=1)
    hint = f"; did you mean {shown(near[0])}?" if near else ""
    where = " and ".join(shown(str(path.absolute())) for path in paths)
    return UserError(f"no table {shown(source)}{hint} (looked for {where}); give --data.root or ${VARIABLE}")
