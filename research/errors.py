"""What is said to the user: the one error that is theirs to mend, and the warning that lets the work go on."""

import sys


class UserError(Exception):
    """A mistake in what was asked: the message is one line that names the mistake and says what to do.

    The scripts print it and exit with code 2.
    """


class NotFiniteError(UserError):
    """What a net gives is not finite: nothing can be said of it, and the run counts as diverged."""


def printable(text: str) -> str:
    """`text` on one line: line ends and what steers a terminal (names in files may hold them) become \\xNN."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape", "surrogatepass").decode() for letter in text
    )


def warn(message: str) -> None:
    """One line on stderr."""
    print(f"warning: {printable(message)}", file=sys.stderr, flush=True)
