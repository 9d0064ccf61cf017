"""`predict.py RUN INPUT...`"""

import csv
import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from research.command_line import MISTAKE, parse, program
from research.errors import UserError
from research.run_directory import read_config


@dataclasses.dataclass(frozen=True)
class Flags:
    """The run and its inputs."""

    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """A run directory, as scripts/train.py writes it."""
    inputs: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="INPUT...")]
    """Pictures or folders of them, series that end where the forecast begins, or CSV and Parquet files of rows."""
    seed: int | None = None
    """The seed of the run that predicts; by default the first, of tables the mean of all."""
    as_is: bool = False
    """Only scale pictures, like photos, even if the net learned drawings: do not crop, invert or even them."""


def predict(arguments: Sequence[str]) -> int:
    """Predict with a run: one JSON object per line. For a picture it holds the probability of every class; for a series
    the forecast, with times and, if validation calibrated them, intervals. For a table: CSV, a row for each of its rows
    in their order, with its id, the prediction and its interval.

    A file that cannot be read is named on stderr; the others are still predicted, and the exit code is 2.
    """
    flags = parse(Flags, arguments, about=predict.__doc__ or "")
    if not flags.inputs:
        raise UserError("INPUT is missing: name pictures, or files of series or tables; see --help")
    config = read_config(Path(flags.run))
    from research import experiment  # imports jax, which --help and mistakes need not wait for
    from research.experiment.task import task_of

    show, wrong = {"json": _json, "csv": _csv()}[task_of(config).answers], 0
    for answer in experiment.predict(flags.run, flags.inputs, flags.seed, as_is=flags.as_is):
        if "error" in answer:
            print(f"{program()}: {answer['error']}", file=sys.stderr)
            wrong = MISTAKE
        else:
            show(answer)
    return wrong


def _json(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def _csv() -> Callable[[dict[str, Any]], None]:
    """Prints answers as the rows of a table, after a header; another header where the columns change."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    seen: list[str] = []

    def show(answer: dict[str, Any]) -> None:
        if seen != list(answer):
            seen[:] = answer
            writer.writerow(seen)
        writer.writerow(answer.values())

    return show
