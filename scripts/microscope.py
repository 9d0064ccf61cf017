"""See what each filter of a net sees: python scripts/microscope.py RUN|CONFIG|WEIGHTS."""

from research.cli.microscope import microscope
from research.command_line import run

if __name__ == "__main__":
    raise SystemExit(run(microscope))
