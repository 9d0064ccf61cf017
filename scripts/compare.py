"""Put experiments side by side: python scripts/compare.py CONFIG CONFIG..."""

from research.cli.compare import compare
from research.command_line import run

if __name__ == "__main__":
    raise SystemExit(run(compare))
