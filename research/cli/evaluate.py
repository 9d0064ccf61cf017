"""`evaluate.py RUN`"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from research.command_line import EXIT_CODES, parse
from research.run_directory import read_config


@dataclasses.dataclass(frozen=True)
class DataFlags:
    """The folder of the data."""

    root: str | None = None
    """The folder of the data, if it has moved since training."""


@dataclasses.dataclass(frozen=True)
class Flags:
    """The run to evaluate."""

    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """A run directory, as scripts/train.py writes it."""
    data: DataFlags = DataFlags()


def evaluate(arguments: Sequence[str]) -> int:
    """Evaluate a run again from its checkpoints and data, and write its report and record anew."""
    flags = parse(Flags, arguments, about=evaluate.__doc__ or "")
    run_dir = Path(flags.run)
    config = read_config(run_dir)
    from research import experiment  # imports jax, which --help and mistakes need not wait for
    from research.cli.show import show_result

    record, evaluations = experiment.evaluate(run_dir, flags.data.root)
    show_result(config, record, evaluations, run_dir)
    return EXIT_CODES[record["status"]]
