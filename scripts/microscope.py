"""See what each filter of a net sees: python scripts/microscope.py RUN|CONFIG|WEIGHTS."""

from research.command_line import run
from research.doors.microscope import microscope

if __name__ == "__main__":
    raise SystemExit(run(microscope))
