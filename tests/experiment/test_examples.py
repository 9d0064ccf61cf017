"""The examples of docs/extending.md run from a checkout, as a user runs them, and do what they say."""

import os
import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.parametrize(
    ("example", "said"),
    [("own_data", "test accuracy: "), ("own_objective", "3: "), ("own_task", "test accuracy: ")],
)
def test_an_example_runs(root, tmp_path, example, said):
    (tmp_path / "configs").symlink_to(root / "configs")
    environment = os.environ | {"PYTHONPATH": str(root)}
    command = [sys.executable, root / "docs" / "examples" / f"{example}.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    [line] = [line for line in done.stdout.splitlines() if line.startswith(said)]
    shares = [float(word.strip("%,")) for word in line.split() if "%" in word]
    assert min(shares) >= (25 if example == "own_objective" else 80), line
    assert [run.name for run in (tmp_path / "runs").iterdir() if (run / "report.html").is_file()]


@pytest.mark.parametrize(("name", "marker"), [("own_objective", "class Both"), ("own_task", "def build")])
def test_the_text_shows_what_the_examples_hold(root, name, marker):
    text = (root / "docs" / "extending.md").read_text()
    code = (root / "docs" / "examples" / f"{name}.py").read_text()
    blocks = [block.partition("```")[0] for block in text.split("```python\n")[1:]]
    [shown] = [block for block in blocks if marker in block]
    assert not [line for line in shown.splitlines() if line not in code.splitlines()]
