"""Killed at any moment and started again, a training ends with the bits of an undisturbed one.

What is killed is a process of its own; what goes on where it was cut off does so here.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from research import config as configuration
from research import experiment
from research.config import DenseNet, ImageData, ImageExperiment, Optimizer, Training
from research.training import checkpoints

SCRIPT = Path(__file__).parents[2] / "scripts/train.py"


@pytest.fixture(scope="module")
def config(write_rows, tmp_path_factory):
    return ImageExperiment(
        name="rows",
        data=ImageData(source=str(write_rows(tmp_path_factory.mktemp("resume") / "rows.npz")), validation=0.2),
        model=DenseNet(hidden=(200,), dropout=0.2),
        optimizer=Optimizer(learning_rate=0.002, schedule="cosine"),
        train=Training(epochs=100, batch_size=8, patience=40, checkpoint_seconds=0.0),
        seeds=2,
    )


def finished(config, run_dir):
    record = experiment.run(config, run_dir)
    assert record["status"] in ("finished", "stopped early")
    return leaves(run_dir), json.loads((run_dir / "record.json").read_text())


def leaves(run_dir):
    folder = next((run_dir / "checkpoints").iterdir())
    found = checkpoints.newest(folder, pytest.fail)
    return None if found is None else found[0]


def launched(config, run_dir, until):
    """A process that trains, once a sealed checkpoint of at least `until` steps is there."""
    config_file = run_dir.with_suffix(".json")
    config_file.write_text(json.dumps(configuration.to_json(config)))
    command = [sys.executable, SCRIPT, "--config-json", config_file, "--run-dir", run_dir]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if any(int(seal.name.split(".")[0]) >= until for seal in run_dir.glob("checkpoints/*/*.seal.json")):
            return process
        time.sleep(0.002)
    raise AssertionError(f"no checkpoint of {until} steps: {process.stderr.read()}")


def same(a, b):
    assert a.keys() == b.keys()
    assert not [name for name in a if not np.array_equal(a[name], b[name], equal_nan=True)]


def comparable(record):
    return {name: value for name, value in record.items() if name not in ("seconds", "throughput")}


@pytest.fixture(scope="module")
def undisturbed(config, tmp_path_factory):
    return finished(config, tmp_path_factory.mktemp("undisturbed") / "run")


def test_kill_9_changes_no_bit(config, undisturbed, tmp_path):
    run_dir, generator = tmp_path / "killed", random.Random(0)
    steps = int(undisturbed[0]["step"][0])
    for until in sorted(generator.sample(range(1, steps * 3 // 4), 3)):
        process = launched(config, run_dir, until)
        time.sleep(generator.random() * 0.1)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    resumed, record = finished(config, run_dir)
    same(resumed, undisturbed[0])
    assert comparable(record) == comparable(undisturbed[1])


@pytest.mark.slow
def test_sigterm_loses_nothing(config, undisturbed, tmp_path):
    run_dir = tmp_path / "terminated"
    process = launched(config, run_dir, 20)
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 75, said
    assert json.loads((run_dir / "record.json").read_text())["status"] == "preempted"
    resumed, record = finished(config, run_dir)
    same(resumed, undisturbed[0])
    assert comparable(record) == comparable(undisturbed[1])


@pytest.mark.slow
def test_a_damaged_newest_checkpoint_is_named_and_the_one_before_used(config, undisturbed, tmp_path, capsys):
    run_dir = tmp_path / "damaged"
    process = launched(config, run_dir, 200)
    process.kill()
    process.communicate()
    newest = max(run_dir.glob("checkpoints/*/*.seal.json"), key=lambda path: int(path.name.split(".")[0]))
    folder = newest.with_name(newest.name.split(".")[0])
    largest = max((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.write_bytes(content)
    resumed, _ = finished(config, run_dir)
    assert f"checkpoint {folder} is damaged" in capsys.readouterr().err
    same(resumed, undisturbed[0])
