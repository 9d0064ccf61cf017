"""A finished run, loaded: its net as a pure function, with its variables."""

from pathlib import Path

from research import runtime
from research.config import Experiment
from research.experiment.task import task_of
from research.experiment.trained import Trained
from research.experiment.training import refuse_edited_config, refuse_edited_net
from research.run_directory import read_config


def load(run_dir: Path | str, seed: int | None = None) -> Trained:
    """The trained net of `seed` (by default the first) in the run directory `run_dir`; its data is not needed.

    Raises UserError when it is no trained run, or lacks that seed.
    """
    config = open_run(run_dir)
    return task_of(config).load(config, Path(run_dir), config.seed if seed is None else seed)


def open_run(run_dir: Path | str) -> Experiment:
    """The configuration of the run in `run_dir`; UserError where it, or the file of its net, was edited since."""
    runtime.prepare()
    run_dir = Path(run_dir)
    config = read_config(run_dir)
    refuse_edited_config(config, run_dir)
    refuse_edited_net(config, run_dir)
    return config
