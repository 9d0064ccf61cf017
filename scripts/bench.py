"""Time our work against other libraries on this machine: `python scripts/bench.py [WORKLOAD...]`."""

from research.cli.bench import bench
from research.command_line import run

if __name__ == "__main__":
    raise SystemExit(run(bench))
