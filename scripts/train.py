"""Train an experiment: python scripts/train.py CONFIG [--FIELD VALUE ...]."""

from research.cli.train import train
from research.command_line import run

if __name__ == "__main__":
    raise SystemExit(run(train))
