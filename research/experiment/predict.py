"""Predictions of a trained run for new inputs: from its checkpoints, without the training data."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from research import runtime
from research.errors import UserError, warn
from research.experiment.given_data import as_files, renamed
from research.experiment.task import task_of
from research.experiment.training import refuse_edited_config, refuse_edited_net
from research.report.record import read_record
from research.run_directory import read_config


def predict(
    run_dir: Path | str, inputs: Any, seed: int | None = None, *, as_is: bool = False
) -> Iterator[dict[str, Any]]:
    """One dict for each answer to `inputs`, in order.

    `inputs` is a path (a picture, a folder of pictures, a file of series or of a table), an array of pictures, a pandas
    frame, or a sequence of such (see `as_files`, which also says how arrays and frames are called in the answers).
    `predict` of `images`, `series` and `tables` describes its content. An input that cannot be read gives {"input",
    "error"}. `seed` chooses among the trained ones; by default the first, of tables the mean of all. With `as_is`
    pictures are scaled like photos even if the net learned drawings. Raises UserError for `as_is` with other inputs,
    and when `run_dir` is no trained run.
    """
    runtime.prepare()
    run_dir = Path(run_dir)
    config = read_config(run_dir)
    refuse_edited_config(config, run_dir)
    refuse_edited_net(config, run_dir)
    cut_off = read_record(run_dir)["status"] == "preempted"
    with as_files(inputs) as (paths, names):
        answers = task_of(config).predict(config, run_dir, paths, seed, as_is=as_is)
        for answer in _of_cut_off(run_dir, answers) if cut_off else answers:
            yield renamed(answer, names)


def _of_cut_off(run_dir: Path, answers: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The `answers` of a run that was cut off in training, with a warning; UserError where it cannot answer yet."""
    try:
        first = list(itertools.islice(answers, 1))
    except UserError as error:
        reason = str(error).partition(";")[0]
        raise UserError(
            f"{run_dir} was cut off in training, and its newest checkpoint cannot answer ({reason}); "
            "scripts/train.py goes on"
        ) from error
    warn(f"{run_dir} was cut off in training: what answers is its newest checkpoint; scripts/train.py goes on")
    yield from itertools.chain(first, answers)
