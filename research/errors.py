"""Messages to the user: the error for the user's mistakes, and warnings."""

import re
import sys
from pathlib import Path


class UserError(Exception):
    """A user's mistake: the message is one line that names the mistake and says what to do.

    The scripts print it and exit with code 2.
    """


class NotFiniteError(UserError):
    """A net's output is not finite: it cannot be evaluated, and the run counts as diverged."""


def printable(text: str) -> str:
    """`text` on one line: line ends and control characters (which file names may hold) become \\xNN."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape", "surrogatepass").decode() for letter in text
    )


def as_called(text: str) -> str:
    """`text`, with scripts/NAME.py as `receptive NAME` where the installed program runs."""
    installed = Path(sys.argv[0]).name.startswith("receptive")
    return re.sub(r"\bscripts/(\w+)\.py\b", r"receptive \1", text) if installed else text


def warn(message: str) -> None:
    """One line on stderr."""
    print(f"warning: {as_called(printable(message))}", file=sys.stderr, flush=True)
