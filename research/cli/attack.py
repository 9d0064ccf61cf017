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
    from research.report.attack_page import results_table, sentences

    command = shlex.join(["python", "scripts/attack.py", *arguments])
    record = run(flags.run, flags.how, out=flags.out, root=flags.root, seed=flags.member, command=command)
    console = Console(width=80)
    console.print(results_table(record))
    for sentence in sentences(record):
        console.print(f"{sentence}.", highlight=False, markup=False)
    print(f"finished: {Path(flags.out) if flags.out else Path(flags.run) / 'attack'}/attack.html")
    return 0
