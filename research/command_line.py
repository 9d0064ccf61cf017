"""What all scripts share: flags from types, one line for a user's mistake, and the process's exit code.

Exit codes: 0 done; 1 the training diverged; 2 a mistake in what was asked; 75 preempted, run it again (EX_TEMPFAIL).
"""

import contextlib
import difflib
import gc
import io
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, NoReturn, TypeVar

import tyro

from research.config.documents import RENAMED
from research.errors import UserError, printable

T = TypeVar("T")
EXIT_CODES = {"finished": 0, "stopped early": 0, "diverged": 1, "preempted": 75}
MISTAKE = 2
COLLECT_AFTER = 100_000  # objects: imports and tracing make many that stay, which Python would look through each time


def run(command: Callable[[Sequence[str]], int]) -> int:
    """Call `command` with the command line; a UserError becomes one line on stderr and exit code 2.

    SIGTERM ends it with exit code 75 wherever it is; files are written by rename, so nothing is left half-done. Amid an
    import it ends at once, for compiled modules crash on an exception, and some callers take it for their own.
    """
    gc.set_threshold(COLLECT_AFTER)
    home = os.getpid()

    def terminated(_: int, frame: FrameType | None) -> NoReturn:
        if os.getpid() == home:  # not in a worker that inherits this
            os.write(2, f"{_program()}: terminated, and nothing is half-written; run it again\n".encode())
        if _importing(frame):
            os._exit(EXIT_CODES["preempted"])
        sys.exit(EXIT_CODES["preempted"])

    signal.signal(signal.SIGTERM, terminated)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # where a letter cannot be shown, a question mark can
    try:
        return command(sys.argv[1:])
    except UserError as error:
        print(f"{_program()}: {printable(str(error))}", file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt:
        print(f"{_program()}: interrupted; the same command goes on where the last checkpoint stands", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of a pipe has gone, `... | head`
        sys.stderr.close()
        return 0


def parse(kind: type[T] | Callable[..., T], arguments: Sequence[str], *, default: Any = None, about: str = "") -> T:
    """`arguments` as a value of `kind`, the other fields from `default`.

    Raises UserError naming a wrong flag with the nearest right one, or a wrong value with its flag.
    """
    if default is not None and not arguments:
        return default  # the README's first command: 0.15 s less to wait
    complaint = io.StringIO()
    settings: dict[str, Any] = {"prog": _program(), "description": about, "config": (tyro.conf.AvoidSubcommands,)}
    if default is not None:
        settings["default"] = default
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.cli(kind, args=list(arguments), **settings)
    except SystemExit as stop:
        if stop.code != MISTAKE:  # --help, or SIGTERM
            raise
        raise UserError(_one_line(complaint.getvalue())) from None


def _one_line(box: str) -> str:
    """tyro's framed message as one line: what is wrong, and the nearest flags if it names some."""
    lines = [re.sub(r"[│╭╮╰╯─]+", " ", line).strip() for line in box.splitlines()]
    text = " ".join(line for line in lines if line)
    text = re.sub(
        r"^(Unrecognized options|Value error|Invalid choice|Parsing error|Missing argument|Required options)\s+",
        "",
        text,
    )
    text = re.split(r"For full helptext", text)[0].strip()
    missing = re.search(r"Missing from \S+ (\S+) (.*?)\s*\(required\)", text)
    if missing:
        return f"{missing[1]} is missing: {missing[2].rstrip('.')}; see --help"
    wrong = re.search(r"Unrecognized options: ([^\s,]+)", text)
    if not wrong:
        return text.split(" Argument helptext:")[0].strip() + "; see --help"
    renamed = RENAMED.get(wrong[1].removeprefix("--").replace(".no-", ".").replace("-", "_"))
    if renamed:
        return f"{wrong[1]} is called --{renamed.replace('_', '-')} now"
    near = difflib.get_close_matches(wrong[1], re.findall(r"--\w[\w.-]*", text[wrong.end() :]), n=1, cutoff=0.0)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"no flag or argument {wrong[1]}{hint} (--help lists all)"


def _importing(frame: FrameType | None) -> bool:
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


def _program() -> str:
    return sys.argv[0].rsplit("/", 1)[-1]
