"""The race: parties take turns, round by round, so that whatever else the machine does meets them all alike."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from research.bench.process import Process, started, worker_command
from research.bench.settings import Setting, environment_for
from research.bench.workloads import Workload

TOLERANCE = 1e-5  # of the norm: float32, thirteen convolutions, whichever way they are computed

Run = Callable[[int], float]  # steps -> seconds
Progress = Callable[[str], None]


def take_turns(runs: Mapping[str, Run], *, rounds: int, steps: int, progress: Progress) -> dict[str, list[float]]:
    """Milliseconds per step of each party in each of `rounds`, after one round that does not count.

    Each round starts with the next party, so that nobody always follows the same one.
    """
    names = list(runs)
    found: dict[str, list[float]] = {name: [] for name in names}
    for place in range(rounds + 1):
        first = place % len(names)
        for name in names[first:] + names[:first]:
            progress(f"round {place}/{rounds}, {name}" if place else f"warming up, {name}")
            seconds = runs[name](steps)
            if place:
                found[name].append(1e3 * seconds / steps)
    return found


def race(workload: Workload, setting: Setting, *, rounds: int, steps: int, progress: Progress) -> dict[str, Any]:
    """Start the parties of `workload` under `setting`, let them take turns, and tell everything that was seen.

    Returns `steps` of a round, `times` {party: [ms per step]}, `first` {party: seconds of its first round, in which it
    compiles}, `parameters` of the net, `versions`, `device` (as the first party sees it), `matmul` {flops, seconds},
    `load`, the load averages [before, after], `memory`, the most bytes that each party held {party: bytes}, and
    `difference` of their outputs (see `same_outputs`).
    """
    home, *_ = workload.parties
    load = [os.getloadavg()]
    with ExitStack() as stack:
        processes: dict[str, Process] = {}
        ready: dict[str, dict[str, Any]] = {}
        for name in workload.parties:
            progress(f"starting {name}")
            command = worker_command(
                {"party": name, "workload": workload.name, "threads": setting.threads, "steps": steps}
            )
            processes[name] = stack.enter_context(started(name, command, environment_for(setting, dict(os.environ))))
            ready[name] = processes[name].hear()
        same_net({name: words["parameters"] for name, words in ready.items()})
        difference = same_outputs({name: words["sample"] for name, words in ready.items()})
        runs = {name: runner(process) for name, process in processes.items()}
        times = take_turns(runs, rounds=rounds, steps=steps, progress=progress)
        memory = {name: process.ask({"memory": True})["bytes"] for name, process in processes.items()}
        matmul = processes[home].ask({"matmul": True})
    load.append(os.getloadavg())
    versions = {package: version for words in ready.values() for package, version in words["versions"].items()}
    facts = {"parameters": ready[home]["parameters"], "versions": versions, "device": ready[home]["device"]}
    facts |= {"steps": steps, "first": {name: words["first"] for name, words in ready.items()}}
    seen = {"times": times, "matmul": matmul, "load": load, "memory": memory, "difference": difference}
    return seen | facts


def runner(process: Process) -> Run:
    """`process` as a function of steps that returns seconds."""
    return lambda steps: process.ask({"steps": steps})["seconds"]


def same_net(parameters: Mapping[str, int]) -> None:
    """Raise ValueError unless all parties built a net of the same size: otherwise the race is none."""
    if len(set(parameters.values())) > 1:
        raise ValueError(f"the parties' nets differ in size: {dict(parameters)}")


def same_outputs(samples: Mapping[str, Sequence[float]]) -> float:
    """The largest relative difference ||ours - theirs|| / ||theirs|| of the parties' samples; 0 where there are none.

    Raises ValueError where it is over `TOLERANCE`: then the parties do not do the same work.
    """
    ours, *others = samples.values()
    found = [math.dist(ours, theirs) / math.hypot(*theirs) for theirs in others if theirs]
    largest = max(found, default=0.0)
    if not largest <= TOLERANCE:
        raise ValueError(f"the parties' outputs differ by {largest:.1e} of their norm")
    return largest
