"""The base of all scripts: flags from types, one-line errors, exit codes.

Exit codes: 0 done; 1 the training diverged; 2 a user's mistake; 75 preempted, run it again (EX_TEMPFAIL).
"""

import contextlib
import difflib
import gc
import io
import itertools
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn, TypeVar

import tyro

from research.config.documents import RENAMED
from research.errors import UserError, as_called, printable
from research.help_text import captured, readable

T = TypeVar("T")
EXIT_CODES = {"finished": 0, "stopped early": 0, "diverged": 1, "preempted": 75}
MISTAKE = 2
COLLECT_AFTER = 100_000  # new objects between two collections; imports and tracing create many permanent ones


def run(command: Callable[[Sequence[str]], int]) -> int:
    """Call `command` with the command line; a UserError becomes one line on stderr and exit code 2.

    SIGTERM ends it with exit code 75. Files are written by rename, so none is left half-written. During an import the
    process ends at once: compiled modules crash on an exception, and some importers catch it.
    """
    gc.set_threshold(COLLECT_AFTER)
    home = os.getpid()

    def terminated(_: int, frame: FrameType | None) -> NoReturn:
        if os.getpid() == home:  # forks inherit this handler
            os.write(2, f"{program()}: terminated, and nothing is half-written; run it again\n".encode())
        if _importing(frame):
            os._exit(EXIT_CODES["preempted"])
        sys.exit(EXIT_CODES["preempted"])

    signal.signal(signal.SIGTERM, terminated)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # letters that the terminal lacks become question marks
    try:
        return command(sys.argv[1:])
    except UserError as error:
        print(f"{program()}: {as_called(printable(str(error)))}", file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt:
        print(f"{program()}: interrupted; the same command goes on where the last checkpoint stands", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader closed the pipe: `... | head`
        sys.stderr.close()
        return 0


def parse(kind: type[T] | Callable[..., T], arguments: Sequence[str], *, about: str = "", more: str = "") -> T:
    """`arguments` as a value of `kind`; --help says what the command is `about` before the flags, and `more` below.

    Raises UserError that names a wrong flag and the nearest right one, or the flag of a wrong value.
    """
    complaint, helped = io.StringIO(), captured()
    flat = (tyro.conf.AvoidSubcommands,)
    try:
        with contextlib.redirect_stderr(complaint), contextlib.redirect_stdout(helped):
            return tyro.cli(kind, args=list(arguments), prog=program(), description="", config=flat)
    except SystemExit as stop:
        if stop.code != MISTAKE:  # --help, or SIGTERM
            helped.seek(0)
            print(readable(helped.read(), about) + more, end="")
            raise
        raise UserError(_one_line(complaint.getvalue())) from None


def _one_line(box: str) -> str:
    """tyro's framed message as one line. Rules separate it from help and similar flags below.

    If the terminal's encoding has no frames, the title is above the first rule, and the rules are dashes.
    """
    framed = "╭" in box
    lines = [line.strip("│ ") for line in box.strip().splitlines() if not framed or line.startswith("│")]
    parts = [list(part) for is_rule, part in itertools.groupby(lines, lambda line: not line.strip("─-")) if not is_rule]
    message = " ".join(parts[0 if framed or len(parts) == 1 else 1])
    if message.startswith("Missing from "):
        name, _, about = message.partition(": ")[2].partition(" ")
        return f"{name} is missing: {about.partition('(required)')[0].rstrip(' .')}; see --help"
    if not message.startswith("Unrecognized options: "):
        return f"{message}; see --help"
    wrong = message.removeprefix("Unrecognized options: ").replace(",", " ").split()[0].partition("=")[0]
    flags = [word.strip(",") for line in lines if line.startswith("--") for word in line.split()]
    similar = [word for word in flags if word.startswith("--") and word.strip("-")]  # a rule is dashes alone
    return _no_such_flag(wrong, similar)


def _no_such_flag(wrong: str, similar: Sequence[str]) -> str:
    renamed = RENAMED.get(re.sub(r"(^|\.)no_", r"\1", wrong.removeprefix("--").replace("-", "_")))
    if renamed:
        return f"{wrong} is called --{renamed.replace('_', '-')} now"
    near = difflib.get_close_matches(wrong, similar, n=1, cutoff=0.0)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"no flag or argument {wrong}{hint} (--help lists all)"


def _importing(frame: FrameType | None) -> bool:
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


def program() -> str:
    """What the user called: `predict.py`, `receptive predict`."""
    return sys.argv[0].rsplit("/", 1)[-1]
