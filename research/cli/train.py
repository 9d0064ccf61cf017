"""`train.py CONFIG [--FIELD VALUE ...] [--run-dir DIR]`"""

import functools
from collections.abc import Sequence

from research.cli.configured import configured
from research.command_line import EXIT_CODES

ABOUT = """train.py CONFIG [--FIELD VALUE ...] [--run-dir DIR], or train.py --config-json FILE [...]:
train, evaluate and report an experiment. The same command again resumes where it was cut off.

Every field is a flag: train.py CONFIG --help lists those of CONFIG, of pictures, a series or a table, with its values
as defaults; without CONFIG, those of pictures are listed."""


def train(arguments: Sequence[str]) -> int:
    """Train, evaluate and report; exit code 0, 1 when it diverged, 75 when preempted."""
    config, run_dir = configured(arguments, ABOUT)
    from research import experiment  # imports jax, which --help and mistakes need not wait for
    from research.cli.show import show_plan, show_result

    record, evaluations = experiment.conduct(config, run_dir, functools.partial(show_plan, config))
    show_result(config, record, evaluations, run_dir)
    return EXIT_CODES[record["status"]]
