"""Change few pixels so that a net errs: python scripts/attack.py RUN."""

from research.cli.attack import attack
from research.command_line import run

if __name__ == "__main__":
    raise SystemExit(run(attack))
