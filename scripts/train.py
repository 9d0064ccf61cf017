"""Train an experiment: python scripts/train.py CONFIG [--FIELD VALUE ...]."""

from research.command_line import run
from research.doors.train import train

if __name__ == "__main__":
    raise SystemExit(run(train))
