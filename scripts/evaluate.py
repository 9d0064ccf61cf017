"""Evaluate a run again: python scripts/evaluate.py RUN."""

from research.cli.evaluate import evaluate
from research.command_line import run

if __name__ == "__main__":
    raise SystemExit(run(evaluate))
