"""`train.py` on a shipped configuration, from end to end, as the README's first command runs it."""

import json
import subprocess
import sys

import pytest


@pytest.fixture
def shipped(root, tmp_path):
    """`shipped(*flags) -> (record, run directory)` of the README's first command, whose output is checked, too."""

    def run(*flags):
        command = [sys.executable, root / "scripts/train.py", root / "configs/digits_cnn.py", *flags]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert max(map(len, done.stdout.splitlines())) <= 80, "the tables fit a terminal of 80 columns"
        assert "steps/s" in done.stderr and "left" in done.stderr, "progress, as plain lines where there is no terminal"
        [run_dir] = (tmp_path / "runs").iterdir()
        return json.loads((run_dir / "record.json").read_text()), run_dir

    return run


def test_the_quickstart_runs_from_pixels_to_a_report(shipped):
    record, run_dir = shipped("--train.epochs", "2")
    assert record["status"] == "finished" and record["metrics"]["test"]["accuracy"] >= 0.5
    assert record["parameters"]["total"] == 72_842
    assert (run_dir / "report.html").stat().st_size > 50_000


@pytest.mark.slow
def test_the_quickstart_reaches_what_it_promises(shipped):
    assert shipped()[0]["metrics"]["test"]["accuracy"] >= 0.98
