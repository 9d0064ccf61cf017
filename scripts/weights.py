"""Weight files of ImageNet nets: python scripts/weights.py inspect|import|export|fetch|classify ..."""

from research.command_line import run
from research.doors.weights import weights

if __name__ == "__main__":
    raise SystemExit(run(weights))
