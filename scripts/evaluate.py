"""Evaluate a run again: python scripts/evaluate.py RUN."""

from research.command_line import run
from research.doors.evaluate import evaluate

if __name__ == "__main__":
    raise SystemExit(run(evaluate))
