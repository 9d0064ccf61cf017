"""See a convolution from inside: python scripts/convolution.py [PICTURE]."""

from research.command_line import run
from research.doors.convolution import convolution

if __name__ == "__main__":
    raise SystemExit(run(convolution))
