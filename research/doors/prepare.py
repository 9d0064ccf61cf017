"""`prepare.py DATASET`"""

import dataclasses
import difflib
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import tyro

from research.command_line import parse
from research.data.catalogue import prepare_catalogue
from research.data.fetch import Show
from research.data.places import catalogue_root, data_root
from research.data.published import SETS, fetch_set
from research.data.sources import CATALOGUE
from research.errors import UserError


@dataclasses.dataclass(frozen=True)
class DataFlags:
    """Where data lies."""

    root: str | None = None
    """The folder to put it in; $RESEARCH_DATA or the user's cache by default."""


@dataclasses.dataclass(frozen=True)
class Flags:
    """What to fetch, and where to."""

    dataset: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATASET")]
    """mnist or fashion_mnist (their published files), or tfds:NAME from the catalogue of TensorFlow Datasets."""
    data: DataFlags = DataFlags()
    mirror: str | None = None
    """A URL to fetch published files from, in place of the known ones."""


def prepare(arguments: Sequence[str]) -> int:
    """Fetch a data set, so that train.py finds it. Broken-off downloads go on where they stopped; sums are checked."""
    flags = parse(Flags, arguments, about=prepare.__doc__ or "")
    if flags.dataset.startswith(CATALOGUE):
        place = prepare_catalogue(flags.dataset.removeprefix(CATALOGUE), catalogue_root(flags.data.root))
    elif flags.dataset in SETS:
        with _progress() as show:
            place = fetch_set(flags.dataset, data_root(flags.data.root), show, flags.mirror)
    else:
        near = difflib.get_close_matches(flags.dataset, list(SETS), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UserError(f"no data set {flags.dataset}{hint} (there are {', '.join(SETS)}, and tfds:NAME)")
    root = f" --data.root {flags.data.root}" if flags.data.root else ""
    print(f"ready: {place}; use it with --data.source {flags.dataset}{root}")
    return 0


@contextmanager
def _progress() -> Iterator[Show]:
    """A bar per file on a terminal, a line now and then elsewhere."""
    if not sys.stderr.isatty():
        yield _plain()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(16), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(compact=True), console=Console(stderr=True)) as bar:
        tasks: dict[str, TaskID] = {}

        def show(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
            bar.update(tasks[name], completed=done, total=total)

        yield show


def _plain() -> Show:
    last = 0.0

    def show(name: str, done: int, total: int | None) -> None:
        nonlocal last
        if done == total or time.monotonic() - last > 5:
            last = time.monotonic()
            print(f"{name}  {done:,} of {'?' if total is None else f'{total:,}'} bytes", file=sys.stderr, flush=True)

    return show
