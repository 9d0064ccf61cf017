"""Measure double descent: python scripts/double_descent.py CONFIG."""

from research.cli.double_descent import double_descent
from research.command_line import run

if __name__ == "__main__":
    raise SystemExit(run(double_descent))
