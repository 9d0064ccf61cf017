"""The shipped configuration, from end to end, as the README's first command runs it."""

import json
import subprocess
import sys


def test_the_quickstart_reaches_what_it_promises(as_shipped, root, tmp_path):
    done = subprocess.run(
        [sys.executable, root / "scripts/train.py", root / "configs/digits_cnn.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "runs/digits_cnn/record.json").read_text())
    assert record["metrics"]["test"]["accuracy"] >= 0.98
    assert record["parameters"]["total"] == 72_842
    assert (tmp_path / "runs/digits_cnn/report.html").stat().st_size > 50_000
    assert max(map(len, done.stdout.splitlines())) <= 80, "the tables fit a terminal of 80 columns"
    assert "steps/s" in done.stderr and "left" in done.stderr, "progress, as plain lines where there is no terminal"
