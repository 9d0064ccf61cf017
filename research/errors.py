"""The one error that is the user's to mend; the doors print it as one line and exit with code 2."""


class UserError(Exception):
    """A mistake in what was asked: the message is one line that names the mistake and says what to do."""
