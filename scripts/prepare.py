"""Fetch a data set: python scripts/prepare.py DATASET."""

from research.command_line import run
from research.doors.prepare import prepare

if __name__ == "__main__":
    raise SystemExit(run(prepare))
