import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from research.data import folder_pixels
from research.data.folders import read_image_folder

COUNT = 72  # pictures: five messages of workers


@pytest.fixture
def photos(tmp_path):
    """Two classes of noise, no two pictures alike; one file broken, one of another kind than it says."""
    generator = np.random.default_rng(0)
    for place in range(COUNT):
        folder = tmp_path / "set" / ("cats", "dogs")[place % 2]
        folder.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(generator.integers(0, 256, (20, 30, 3)).astype(np.uint8))
        picture.save(folder / f"{place:02}.jpg", "PNG" if place == 30 else "JPEG")
    (tmp_path / "set/dogs/41.jpg").write_bytes(b"words")
    return tmp_path / "set"


@pytest.fixture
def processes(monkeypatch):
    """From here on, decoding is the work of two processes."""
    monkeypatch.setattr(folder_pixels, "PROCESSES_FROM", 1)
    monkeypatch.setattr(folder_pixels, "_workers", lambda: 2)


@pytest.mark.slow
@pytest.mark.usefixtures("processes")
def test_a_file_that_changes_meanwhile_is_refused(photos, tmp_path, monkeypatch, refusal):
    digest = folder_pixels.digest_of

    def meddling(path):
        found = digest(path)
        if path.name == "44.jpg":
            path.write_bytes(b"something else")
        return found

    monkeypatch.setattr(folder_pixels, "digest_of", meddling)
    with refusal("44.jpg changed while it was read"):
        read_image_folder(photos, 8, cache=tmp_path / "kept")
    assert [path.suffix for path in (tmp_path / "kept").iterdir()] == [".lock"]
    assert not multiprocessing.active_children()


@pytest.mark.slow
@pytest.mark.usefixtures("processes")
def test_a_worker_that_is_killed_is_told_of(photos, tmp_path, refusal):
    for place in range(COUNT, 40 * COUNT):  # more than what waits for being taken
        (photos / f"cats/{place}.jpg").symlink_to(photos / "cats/00.jpg")

    def kill(what, done, total):
        if done == 1 and "decoding" in what:
            os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)

    with refusal("a process that decodes pictures was killed", "memory"):
        read_image_folder(photos, 8, cache=tmp_path / "kept", show=kill)
    assert [path.suffix for path in (tmp_path / "kept").iterdir()] == [".lock"]
    assert not multiprocessing.active_children()


SCRIPT = """
import json, multiprocessing, signal, sys, time
from pathlib import Path
from research.data import folder_pixels
from research.data.folders import read_image_folder
folder_pixels.PROCESSES_FROM = 1
folder_pixels._workers = lambda: 2
signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
told = []
def show(what, done, total):
    told.append((what, done, total))
    if what.startswith("decoding") and done == 1 and len(sys.argv) > 3:
        print("going", flush=True)
        time.sleep(60)
found = read_image_folder(Path(sys.argv[1]), 8, cache=Path(sys.argv[2]), show=show)
print(json.dumps([told, len(multiprocessing.active_children())]))
"""  # without the guard that multiprocessing asks for


def alive(group):
    """Whether any process of the group is, but for those that only wait for being counted by the system."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # gone meanwhile
            state, _, its = path.read_text().rpartition(")")[2].split()[:3]
            if int(its) == group and state != "Z":
                return True
    return False


@pytest.fixture
def script(tmp_path, root, photos):
    """Starts SCRIPT on the photos, in a process group of its own, where warnings are errors."""
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    started = []

    def start(*more):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [sys.executable, "-W", "error", path, photos, tmp_path / "kept", *more]
        environment = os.environ | {"PYTHONPATH": str(root)}
        started.append(subprocess.Popen(command, start_new_session=True, env=environment, **pipes))
        return started[-1]

    yield start
    for process in started:
        if alive(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
def test_processes_of_a_script_without_a_guard_do_what_threads_do(script, photos, tmp_path):
    """To the bit and the word; the script runs once, and nothing else is said."""
    process, told = script(), []
    read_image_folder(photos, 8, cache=tmp_path / "threads", show=lambda *news: told.append([*news]))
    output, errors = process.communicate(timeout=30)
    assert (errors, process.returncode) == ("", 0)
    assert json.loads(output) == [told, 0] and len(told) == 2 * COUNT
    assert contents(tmp_path / "kept") == contents(tmp_path / "threads")


@pytest.mark.slow
@pytest.mark.parametrize("end", ["Ctrl-C", "SIGTERM", "SIGKILL"])
def test_however_it_ends_nobody_and_nothing_half_written_is_left(script, photos, tmp_path, end):
    process = script("wait")
    assert process.stdout.readline() == "going\n"
    if end == "Ctrl-C":
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    else:
        process.send_signal(getattr(signal, end))
    errors = process.communicate(timeout=20)[1]
    assert process.returncode == {"Ctrl-C": -signal.SIGINT, "SIGTERM": 75, "SIGKILL": -signal.SIGKILL}[end]
    assert errors.count("Traceback") == (end == "Ctrl-C") and "Process" not in errors, errors
    deadline = time.monotonic() + 20
    while alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(process.pid)
    if end == "SIGKILL":  # what it could not clear away is cleared by whoever comes next
        assert (
            len(read_image_folder(photos, 8, cache=tmp_path / "kept").train[1]) == COUNT - 2
        )  # without the broken one and the one of another kind
        assert sorted(path.suffix for path in (tmp_path / "kept").iterdir()) == [".json", ".lock", ".npy"]
    else:
        assert [path.suffix for path in (tmp_path / "kept").iterdir()] == [".lock"]
