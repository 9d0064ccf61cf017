"""`prepare.py DATASET`"""

import dataclasses
import difflib
from collections.abc import Sequence
from typing import Annotated

import tyro

from research.command_line import parse
from research.data.images.catalogue import prepare_catalogue
from research.data.images.published import SETS, fetch_set
from research.data.images.sources import CATALOGUE
from research.data.paths import catalogue_root, data_root
from research.errors import UserError
from research.report.progress import counting


@dataclasses.dataclass(frozen=True)
class DataFlags:
    """The folder of the data."""

    root: str | None = None
    """The folder to write to; by default $RESEARCH_DATA or the user's cache."""


@dataclasses.dataclass(frozen=True)
class Flags:
    """The data set to fetch, and its folder."""

    dataset: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATASET")]
    """mnist or fashion_mnist (their published files), or tfds:NAME from the catalogue of TensorFlow Datasets."""
    data: DataFlags = DataFlags()
    mirror: str | None = None
    """A URL to fetch published files from instead of the known ones."""


def prepare(arguments: Sequence[str]) -> int:
    """Fetch a data set for train.py. Interrupted downloads are resumed, and checksums are verified."""
    flags = parse(Flags, arguments, about=prepare.__doc__ or "")
    if flags.dataset.startswith(CATALOGUE):
        path = prepare_catalogue(flags.dataset.removeprefix(CATALOGUE), catalogue_root(flags.data.root))
    elif flags.dataset in SETS:
        with counting("bytes") as show:
            path = fetch_set(flags.dataset, data_root(flags.data.root), show, flags.mirror)
    else:
        near = difflib.get_close_matches(flags.dataset, list(SETS), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UserError(f"no data set {flags.dataset}{hint} (there are {', '.join(SETS)}, and tfds:NAME)")
    root = f" --data.root {flags.data.root}" if flags.data.root else ""
    print(f"ready: {path}; use it with --data.source {flags.dataset}{root}")
    return 0
