"""A forecaster that is killed and preempted on its way ends with the bits of one that was left alone."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from research import config as configuration
from research import experiment
from research.training import checkpoints

CONFIG = """
from research.config import *

def get_config():
    return SeriesExperiment(
        name="hours",
        data=SeriesData(source={source!r}, context="4h", horizon="6h", missing="mask", validation=0.3),
        model=RecurrentForecaster(hidden=(4,), dropout=0.2),
        optimizer=Optimizer(learning_rate=0.002, schedule="cosine"),
        train=Training(epochs=80, batch_size=16, patience=70, checkpoint_seconds=0.0),
        seeds=2,
    )
"""


def leaves(run_dir):
    found = checkpoints.newest(next((run_dir / "checkpoints").iterdir()), pytest.fail)
    return found[0]


def comparable(record):
    return {name: value for name, value in record.items() if name not in ("seconds", "throughput")}


def stopped(command, run_dir, until, how):
    """The exit code of a training that got signal `how` once a checkpoint of at least `until` steps is sealed."""
    process = subprocess.Popen([*command, run_dir], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None:
        if any(int(seal.name.split(".")[0]) >= until for seal in run_dir.glob("checkpoints/*/*.seal.json")):
            os.kill(process.pid, how)
            process.communicate(timeout=60)
            return process.returncode
        time.sleep(0.002)
    raise AssertionError(f"no checkpoint of {until} steps: {process.communicate()[1]}")


@pytest.mark.slow
def test_killed_and_preempted_it_ends_with_the_same_bits(write_series, root, tmp_path):
    file = tmp_path / "config.py"
    file.write_text(CONFIG.format(source=str(write_series(tmp_path / "hours.csv"))))
    config, run_dir = configuration.load(str(file)), tmp_path / "broken"
    undisturbed = experiment.run(config, tmp_path / "run")
    command, generator = [sys.executable, str(root / "scripts/train.py"), str(file), "--run-dir"], random.Random(0)
    assert stopped(command, run_dir, generator.randrange(1, 300), signal.SIGKILL) == -signal.SIGKILL
    assert stopped(command, run_dir, generator.randrange(300, 500), signal.SIGTERM) == 75
    assert json.loads((run_dir / "record.json").read_text())["status"] == "preempted"
    resumed = experiment.run(config, run_dir)
    assert comparable(resumed) == comparable(undisturbed)
    mine, theirs = leaves(run_dir), leaves(tmp_path / "run")
    assert mine.keys() == theirs.keys()
    assert not [name for name in mine if not np.array_equal(mine[name], theirs[name], equal_nan=True)]
