"""List runs with their settings, status and score: python scripts/runs.py [DIR]."""

from research.cli.runs import runs
from research.command_line import run

if __name__ == "__main__":
    raise SystemExit(run(runs))
