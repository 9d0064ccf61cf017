"""Put experiments side by side: python scripts/compare.py CONFIG CONFIG..."""

from research.command_line import run
from research.doors.compare import compare

if __name__ == "__main__":
    raise SystemExit(run(compare))
