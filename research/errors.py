"""What is said to the user: the one error that is theirs to mend, and the warning that lets the work go on."""

import sys


class UserError(Exception):
    """A mistake in what was asked: the message is one line that names the mistake and says what to do.

    The doors print it and exit with code 2.
    """


def warn(message: str) -> None:
    """One line on stderr."""
    print(f"warning: {message}", file=sys.stderr, flush=True)
