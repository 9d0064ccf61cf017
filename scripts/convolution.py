"""See a convolution from inside: python scripts/convolution.py [PICTURE]."""

from research.cli.convolution import convolution
from research.command_line import run

if __name__ == "__main__":
    raise SystemExit(run(convolution))
