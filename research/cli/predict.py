"""`predict.py RUN INPUT...`"""

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from research.command_line import MISTAKE, parse
from research.errors import UserError
from research.run_directory import read_config


@dataclasses.dataclass(frozen=True)
class Flags:
    """Which run, on what."""

    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """A run directory, as scripts/train.py made it."""
    inputs: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="INPUT...")]
    """Of a classifier, pictures, or folders with pictures at any depth: PNG, JPEG and others, of any size. Of a
    forecaster, files of series that end where the forecast is to begin, with the columns of its training."""
    seed: int | None = None
    """Which of the run's seeds answers; the first by default."""
    as_is: bool = False
    """Scale pictures as photos are, though the net learned drawings: not cropped to strokes, inverted or evened."""


def predict(arguments: Sequence[str]) -> int:
    """What a run says: one JSON object a line. Of a picture it is the probability of every class; of a series what
    comes next, with times and, where validation taught their width, intervals.

    A file that cannot be read is named on stderr; the others are answered all the same, and the exit code is 2.
    """
    flags = parse(Flags, arguments, about=predict.__doc__ or "")
    if not flags.inputs:
        raise UserError("INPUT is missing: name pictures, or files of series; see --help")
    read_config(Path(flags.run))
    from research import experiment  # imports jax, which --help and mistakes need not wait for

    wrong = 0
    for answer in experiment.predict(flags.run, flags.inputs, flags.seed, as_is=flags.as_is):
        if "error" in answer:
            print(f"predict.py: {answer['error']}", file=sys.stderr)
            wrong = MISTAKE
        else:
            print(json.dumps(answer), flush=True)
    return wrong
