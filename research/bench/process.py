"""The race's end of a party: a process that is started once, and asked over pipes."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from research.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
END_SECONDS = 10  # for a process to end by itself once its input is closed


class Process(NamedTuple):
    """A party at work in a process of its own."""

    name: str
    child: subprocess.Popen[str]
    errors: IO[str]

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Put `question` and wait for the answer; UserError with the party's last words when it has died."""
        assert self.child.stdin is not None
        try:
            print(json.dumps(question), file=self.child.stdin, flush=True)
        except BrokenPipeError:
            raise self._death() from None
        return self.hear()

    def hear(self) -> dict[str, Any]:
        """Wait for the next answer."""
        assert self.child.stdout is not None
        line = self.child.stdout.readline()
        if not line:
            raise self._death()
        return json.loads(line)

    def _death(self) -> UserError:
        self.child.wait()
        self.errors.seek(0)
        words = [line.strip() for line in self.errors if line.strip()] or ["no last words"]
        return UserError(f"the party {self.name} has died (exit code {self.child.returncode}): {words[-1][:200]}")


def worker_command(job: dict[str, Any]) -> list[str]:
    """The command line of the worker for `job`."""
    return [sys.executable, "-m", "research.bench.worker", json.dumps(job)]


@contextmanager
def started(name: str, command: Sequence[str], environment: dict[str, str]) -> Iterator[Process]:
    """Within it, `command` runs; at the end it is told to stop, and made to if it does not."""
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,  # where `research` is found, installed or not
            env=environment,
        ) as child,
    ):
        try:
            yield Process(name, child, errors)
        finally:
            _end(child)


def _end(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    try:
        child.stdin.close()
        child.wait(END_SECONDS)
    except (BrokenPipeError, subprocess.TimeoutExpired):
        child.kill()
