"""`runs.py [DIR]`"""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from research.command_line import parse
from research.errors import printable
from research.report.run_index import index_of, index_table


@dataclasses.dataclass(frozen=True)
class Flags:
    """The folder of the runs."""

    folder: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")] = "runs"
    """A folder with run directories in it, at any depth."""


def runs(arguments: Sequence[str]) -> int:
    """List the runs and comparisons in a folder: the settings in which a run differs from most others on the same data,
    its status, its score, and when it ended. A directory that is damaged, or no run, is named in one line on stderr.
    """
    folder = Path(parse(Flags, arguments, about=runs.__doc__ or "").folder)
    entries, strange = index_of(folder)
    from rich.console import Console

    if entries:
        Console(width=80).print(index_table(entries))
    else:
        print(f"there are no runs in {folder}")
    for line in strange:
        print(f"runs.py: {printable(line)}", file=sys.stderr)
    return 0
