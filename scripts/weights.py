"""Weight files of ImageNet nets: python scripts/weights.py inspect|import|export|fetch|classify ..."""

from research.cli.weights import weights
from research.command_line import run

if __name__ == "__main__":
    raise SystemExit(run(weights))
