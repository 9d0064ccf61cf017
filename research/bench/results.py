"""What the times say: minima, medians, ratios, the verdict, and how much of the machine was used."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from research.bench.climb_weights import given
from research.bench.nets import flops_per_step
from research.bench.parties import PARTIES
from research.bench.settings import Setting
from research.bench.workloads import Workload


def summarized(workload: Workload, setting: Setting, seen: Mapping[str, Any]) -> dict[str, Any]:
    """The race `seen` (see `race.race`) with everything that follows from it, as plain JSON."""
    parties = standings(seen["times"])
    least = parties[workload.parties[0]]["least_ms"]
    matmul = seen["matmul"]
    return dict(seen) | {
        "setting": setting._asdict(),
        "parties": parties,
        "compilation": compilation(seen["first"], parties, seen["steps"]),
        "weights": given(workload).whose if workload.task == "ascent" else None,
        "verdict": verdict(setting.title, parties),
        "gflops_per_second": {
            "matmul": matmul["flops"] / matmul["seconds"] / 1e9,
            "step": flops_per_step(workload) / (least / 1e3) / 1e9,
        },
    }


def standings(times: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """Per party the least and the median ms per step, and of both the ratio of the first party's to its own.

    A ratio below 1 says that the first party is faster than this one.
    """
    home = next(iter(times.values()))
    return {
        name: {
            "least_ms": min(row),
            "median_ms": median(row),
            "least_ratio": min(home) / min(row),
            "median_ratio": median(home) / median(row),
        }
        for name, row in times.items()
    }


def compilation(first: Mapping[str, float], parties: Mapping[str, Mapping[str, float]], steps: int) -> dict[str, float]:
    """Per party the seconds that its `first` round, in which it compiles, took beyond `steps` at its median."""
    return {name: seconds - steps * parties[name]["median_ms"] / 1e3 for name, seconds in first.items()}


def verdict(setting: str, parties: Mapping[str, Mapping[str, float]]) -> str:
    """One line: the first party against the fastest of the others, by their least times.

    The least time is the one that other work on the machine has disturbed least.
    """
    home, *peers = parties
    fastest = min(peers, key=lambda name: parties[name]["least_ms"])
    names = f"{PARTIES[home].title} / {PARTIES[fastest].title}"
    return f"{names}, {setting}: {parties[fastest]['least_ratio']:.2f}x"
