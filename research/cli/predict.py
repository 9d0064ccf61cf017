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
    """The run and its inputs."""

    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """A run directory, as scripts/train.py writes it."""
    inputs: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="INPUT...")]
    """For a classifier, pictures, or folders with pictures at any depth: PNG, JPEG and others, of any size. For a
    forecaster, files of series with the columns of its training, which end where the forecast begins."""
    seed: int | None = None
    """The seed of the run that predicts; the first by default."""
    as_is: bool = False
    """Only scale pictures, like photos, even if the net learned drawings: do not crop, invert or even them."""


def predict(arguments: Sequence[str]) -> int:
    """Predict with a run: one JSON object per line. For a picture it holds the probability of every class; for a series
    the forecast, with times and, if validation calibrated them, intervals.

    A file that cannot be read is named on stderr; the others are still predicted, and the exit code is 2.
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
