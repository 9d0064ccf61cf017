"""The race: peers take turns, round by round, so that other work on the machine affects all alike."""

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from research.bench.settings import Setting, environment_for
from research.bench.workloads import PEERS, Workload
from research.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
END_SECONDS = 10  # for a process to end after its input is closed
TOLERANCE = {"float32": 1e-5, "bfloat16": 3e-2}  # of the norm: thirteen convolutions, whichever way they are computed

Run = Callable[[int], float]  # steps -> seconds
Progress = Callable[[str], None]


class Process(NamedTuple):
    """A peer's own process, started once and queried over pipes."""

    name: str
    child: subprocess.Popen[str]
    errors: IO[str]

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Send `question` and wait for the answer; UserError with the peer's last output if it has died."""
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
        return UserError(f"the peer {self.name} has died (exit code {self.child.returncode}): {words[-1][:200]}")


@contextmanager
def started(name: str, command: Sequence[str], environment: dict[str, str]) -> Iterator[Process]:
    """In this context `command` runs; at the end it is asked to stop, and killed if it does not."""
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


def take_turns(runs: Mapping[str, Run], *, rounds: int, steps: int, progress: Progress) -> dict[str, list[float]]:
    """Milliseconds per step of each peer in each of `rounds`, after one round that does not count.

    Each round starts with the next peer, so that no peer always follows the same one.
    """
    names = list(runs)
    found: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds + 1):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            progress(f"round {number}/{rounds}, {name}" if number else f"warming up, {name}")
            seconds = runs[name](steps)
            if number:
                found[name].append(1e3 * seconds / steps)
    return found


def race(workload: Workload, setting: Setting, *, rounds: int, steps: int, progress: Progress) -> dict[str, Any]:
    """Start the peers of `workload` under `setting`, let them take turns, and return everything that was measured.

    Returns `steps` of a round, `times` {peer: [ms per step]}, `first` {peer: seconds of its first round, in which it
    compiles}, `parameters` of the net, `versions`, `device` (as the first peer sees it), `matmul` {flops, seconds},
    `load`, the load averages [before, after], `memory`, the most bytes that each peer held {peer: bytes},
    `differences` of their outputs from ours (see `same_outputs`), and `tallies` of an attack {peer: what it found}.
    """
    first, *_ = workload.peers
    load = [os.getloadavg()]
    with ExitStack() as stack:
        processes: dict[str, Process] = {}
        facts: dict[str, dict[str, Any]] = {}
        for name in workload.peers:
            progress(f"starting {name}")
            job = {"peer": name, "workload": workload.name, "threads": setting.threads, "steps": steps}
            command = [sys.executable, "-m", "research.bench.worker", json.dumps(job)]
            processes[name] = stack.enter_context(started(name, command, environment_for(setting, dict(os.environ))))
            facts[name] = processes[name].hear()
        same_net({name: fact["parameters"] for name, fact in facts.items()})
        differences = same_outputs({name: fact["sample"] for name, fact in facts.items()})
        runs = {name: runner(process) for name, process in processes.items()}
        times = take_turns(runs, rounds=rounds, steps=steps, progress=progress)
        memory = {name: process.ask({"memory": True})["bytes"] for name, process in processes.items()}
        attacks = processes if workload.task == "attack" else {}
        tallies = {name: process.ask({"tally": True}) for name, process in attacks.items()}
        matmul = processes[first].ask({"matmul": True})
    return {
        "times": times,
        "matmul": matmul,
        "load": [*load, os.getloadavg()],
        "memory": memory,
        "differences": differences,
        "tallies": tallies,
        "parameters": facts[first]["parameters"],
        "versions": {package: version for fact in facts.values() for package, version in fact["versions"].items()},
        "device": facts[first]["device"],
        "steps": steps,
        "first": {name: fact["first"] for name, fact in facts.items()},
    }


def runner(process: Process) -> Run:
    """`process` as a function of steps that returns seconds."""
    return lambda steps: process.ask({"steps": steps})["seconds"]


def same_net(parameters: Mapping[str, int]) -> None:
    """Raise ValueError unless all peers built a net of the same size: else the times cannot be compared."""
    if len(set(parameters.values())) > 1:
        raise ValueError(f"the peers' nets differ in size: {dict(parameters)}")


def same_outputs(samples: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The relative differences {peer: ||ours - theirs|| / ||theirs||} of the samples of the peers from the first's.

    Raises ValueError where one is over the `TOLERANCE` of the peer's precision: then it does other work.
    """
    ours, *_ = samples.values()
    found = {name: math.dist(ours, theirs) / math.hypot(*theirs) for name, theirs in samples.items()}
    for name, difference in found.items():
        if not difference <= TOLERANCE[PEERS[name].precision]:
            raise ValueError(f"the outputs of {name} differ from ours by {difference:.1e} of their norm")
    return found
