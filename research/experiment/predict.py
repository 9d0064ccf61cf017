"""What a trained run says of inputs from elsewhere: from its checkpoints, without the training data."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from research import runtime
from research.config import ImageExperiment
from research.errors import UserError, warn
from research.experiment.tasks import task_of
from research.experiment.training import refuse_edited_config
from research.report.record import read_record
from research.run_directory import read_config


def predict(
    place: Path | str, inputs: Sequence[Path | str], seed: int | None = None, *, as_is: bool = False
) -> Iterator[dict[str, Any]]:
    """One dict for each answer to `inputs` (pictures, or folders of them; files of series), in order.

    What is in it, the task says: `images.predict`. An input that cannot be read gives {"input", "error"}. `seed`
    chooses among the trained ones, the first by default. With `as_is` pictures are scaled as photos are, though the net
    learned drawings. Raises UserError when `place` is no trained run.
    """
    runtime.prepare()
    place = Path(place)
    config = read_config(place)
    refuse_edited_config(config, place)
    if read_record(place)["status"] == "preempted":
        warn(f"{place} was cut off in training: what answers is its newest checkpoint; scripts/train.py goes on")
    if as_is and not isinstance(config, ImageExperiment):
        raise UserError(f"--as-is is for pictures, and {place} forecasts series; leave it out")
    options = {"as_is": True} if as_is else {}
    yield from task_of(config).predict(config, place, inputs, config.seed if seed is None else seed, **options)
