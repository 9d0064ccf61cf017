"""Killed at any moment and started again, a training ends with the bits of an undisturbed one."""

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

from research.training import checkpoints

CONFIG = """
from research.config import *

def get_config():
    return ImageExperiment(
        name="rows",
        data=ImageData(source={source!r}, validation=0.2),
        model=DenseNet(hidden=(200,), dropout=0.2),
        optimizer=Optimizer(learning_rate=0.002, schedule="cosine"),
        train=Training(epochs=200, batch_size=8, patience=75, checkpoint_seconds=0.0),
        seeds=2,
    )
"""


@pytest.fixture(scope="module")
def command(as_shipped, write_rows, tmp_path_factory):
    place = tmp_path_factory.mktemp("resume")
    (place / "config.py").write_text(CONFIG.format(source=str(write_rows(place / "rows.npz"))))
    script = Path(__file__).parents[2] / "scripts/train.py"
    return [sys.executable, str(script), str(place / "config.py"), "--run-dir"]


def finished(command, place):
    done = subprocess.run([*command, place], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return leaves(place), json.loads((place / "record.json").read_text()), done.stderr


def leaves(place):
    folder = next((place / "checkpoints").iterdir())
    found = checkpoints.newest(folder, pytest.fail)
    return None if found is None else found[0]


def launched(command, place, until):
    """The process, once a sealed checkpoint of at least `until` steps is there."""
    process = subprocess.Popen([*command, place], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if any(int(seal.name.split(".")[0]) >= until for seal in place.glob("checkpoints/*/*.seal.json")):
            return process
        time.sleep(0.002)
    raise AssertionError(f"no checkpoint of {until} steps: {process.stderr.read()}")


def same(a, b):
    assert a.keys() == b.keys()
    assert not [name for name in a if not np.array_equal(a[name], b[name], equal_nan=True)]


def comparable(record):
    return {name: value for name, value in record.items() if name not in ("seconds", "throughput")}


@pytest.fixture(scope="module")
def undisturbed(command, tmp_path_factory):
    return finished(command, tmp_path_factory.mktemp("undisturbed") / "run")


def test_kill_9_changes_no_bit(command, undisturbed, tmp_path):
    place, generator = tmp_path / "killed", random.Random(0)
    steps = int(undisturbed[0]["step"])
    for until in sorted(generator.sample(range(1, steps * 3 // 4), 3)):
        process = launched(command, place, until)
        time.sleep(generator.random() * 0.1)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    resumed, record, _ = finished(command, place)
    same(resumed, undisturbed[0])
    assert comparable(record) == comparable(undisturbed[1])


def test_sigterm_loses_nothing(command, undisturbed, tmp_path):
    place = tmp_path / "terminated"
    process = launched(command, place, 20)
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 75, said
    assert json.loads((place / "record.json").read_text())["status"] == "preempted"
    resumed, record, _ = finished(command, place)
    same(resumed, undisturbed[0])
    assert comparable(record) == comparable(undisturbed[1])


def test_a_damaged_newest_checkpoint_is_named_and_the_one_before_used(command, undisturbed, tmp_path):
    place = tmp_path / "damaged"
    process = launched(command, place, 200)
    process.kill()
    process.communicate()
    newest = max(place.glob("checkpoints/*/*.seal.json"), key=lambda path: int(path.name.split(".")[0]))
    folder = newest.with_name(newest.name.split(".")[0])
    largest = max((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.write_bytes(content)
    resumed, _, said = finished(command, place)
    assert f"checkpoint {folder} is damaged" in said
    same(resumed, undisturbed[0])
