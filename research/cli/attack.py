"""`attack.py RUN`"""

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from research.command_line import parse
from research.config import OnePixel, within_bounds


@dataclasses.dataclass(frozen=True)
class Flags:
    """The net under attack, and how."""

    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """The directory of a trained classifier of pictures."""
    how: tyro.conf.OmitArgPrefixes[OnePixel] = dataclasses.field(default_factory=OnePixel)
    transfer: tuple[str, ...] = ()
    """Other runs on the same data: do the flips flip them, too?"""
    filter: str | None = None
    """A filter, LAYER:NUMBER: the page shows the pixel that changes it most."""
    out: str | None = None
    """Where the page is written; RUN/attack by default."""
    root: Annotated[str | None, tyro.conf.arg(name="data.root")] = None
    """The folder of the data; $RESEARCH_DATA by default."""
    member: Annotated[int | None, tyro.conf.arg(name="run-seed")] = None
    """The seed of the run whose net is attacked; by default its first."""


def attack(arguments: Sequence[str]) -> int:
    """Change one pixel, or a few, so that the net names another class: by differential evolution, beside random
    pixels and, for gray pictures, beside the truth by exhaustive search.
    """
    flags = parse(Flags, arguments, about=attack.__doc__ or "")
    within_bounds(flags.how)
    from rich.console import Console

    from research.experiment.attack import attack as run  # imports jax, which --help need not wait for
    from research.report.attack_page import references_table, results_table, sentences, transfer_table

    command = shlex.join(["python", "scripts/attack.py", *arguments])
    record = run(
        flags.run,
        flags.how,
        out=flags.out,
        root=flags.root,
        seed=flags.member,
        transfer=flags.transfer,
        filter=flags.filter,
        command=command,
    )
    console = Console(width=80)
    for shown in (results_table(record), references_table(record), transfer_table(record)):
        if shown.row_count:
            console.print(shown)
    for sentence in sentences(record):
        console.print(f"{sentence}.", highlight=False, markup=False)
    print(f"finished: {Path(flags.out) if flags.out else Path(flags.run) / 'attack'}/attack.html")
    return 0
