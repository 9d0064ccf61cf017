"""`compare.py CONFIG CONFIG... [--FIELD VALUE ...]`"""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from research.cli.configured import configured
from research.command_line import EXIT_CODES, parse
from research.errors import UserError


@dataclasses.dataclass(frozen=True)
class Flags:
    """The flags of compare.py itself; all others are those of train.py and apply to every configuration."""

    figure: str = "runs/comparison.png"
    """Where the figure is written."""


def compare(arguments: Sequence[str]) -> int:
    """compare.py CONFIG CONFIG... [--figure FILE] [--FIELD VALUE ...]: train each (or take its run), then one table
    and one figure, each run against the one before it, paired by seed. Flags after the configurations apply to all;
    train.py CONFIG --help lists them.
    """
    own, rest = _divided(arguments)
    figure = Path(parse(Flags, own, about=compare.__doc__ or "").figure)
    names, shared = _leading(rest)
    if len(names) < 2:
        raise UserError("compare.py needs two configurations or more, and flags after them; try configs/digits_*.py")
    entries = [configured([name, *shared], compare.__doc__ or "") for name in names]
    from rich.console import Console

    from research import experiment  # imports jax, which --help and mistakes need not wait for

    found = experiment.compare(entries, figure)
    if found.rungs:
        for table in found.tables:
            Console(width=80).print(table)
        print(f"figure: {figure}")
    else:
        print(f"{list(found.records)[-1]}: {found.status}, so there is nothing to compare", file=sys.stderr)
    return EXIT_CODES[found.status]


def _leading(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    count = next((index for index, word in enumerate(arguments) if word.startswith("-")), len(arguments))
    return list(arguments[:count]), list(arguments[count:])


def _divided(flags: Sequence[str]) -> tuple[list[str], list[str]]:
    """The flags of compare.py itself, and the flags of the configurations."""
    if {"-h", "--help"} & set(flags):
        return ["--help"], []
    own: list[str] = []
    rest = list(flags)
    for index, word in enumerate(flags):
        if word.split("=")[0] == "--figure":
            own = rest[index : index + (1 if "=" in word else 2)]
            return own, rest[:index] + rest[index + len(own) :]
    return own, rest
