"""`receptive COMMAND ...`: every script as a command of the installed package."""

import difflib
import importlib
import sys

from research.command_line import run
from research.errors import UserError

COMMANDS = (
    "train", "evaluate", "predict", "compare", "runs", "microscope", "attack", "convolution", "double_descent",
    "weights", "prepare", "bench",
)  # fmt: skip
USAGE = f"""usage: receptive COMMAND ...

{"  ".join(COMMANDS[:7])}
{"  ".join(COMMANDS[7:])}

receptive train CONFIG does what scripts/train.py CONFIG does.
receptive COMMAND --help explains each."""


def main() -> int:
    """Run the command that the command line names; the exit code is that of its script."""
    name, rest = (sys.argv[1] if len(sys.argv) > 1 else "--help"), sys.argv[2:]
    if name not in COMMANDS:
        return run(lambda _: _no_command(name))
    command = getattr(importlib.import_module(f"research.cli.{name}"), name)
    sys.argv = [f"receptive {name}", *rest]
    return run(command)


def _no_command(name: str) -> int:
    if name in ("-h", "--help"):
        print(USAGE, flush=True)
        return 0
    near = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UserError(f"no command {name}{hint} (there are {', '.join(COMMANDS)})")
