"""Fetch a data set: python scripts/prepare.py DATASET."""

from research.cli.prepare import prepare
from research.command_line import run

if __name__ == "__main__":
    raise SystemExit(run(prepare))
