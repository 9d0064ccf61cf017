"""The results of a race: minima, medians, ratios and the verdict, as text of at most 80 columns."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from research.bench.attack import most_queries
from research.bench.data import weights
from research.bench.our_nets import flops_per_step
from research.bench.settings import Setting
from research.bench.workloads import PEERS, Workload


def summarized(workload: Workload, setting: Setting, seen: Mapping[str, Any]) -> dict[str, Any]:
    """The race `seen` (see `race.race`) with all derived numbers, as plain JSON."""
    peers = standings(seen["times"])
    least = peers[workload.peers[0]]["least_ms"]
    matmul = seen["matmul"]
    return dict(seen) | {
        "setting": setting._asdict(),
        "parties": peers,
        "compilation": compilation(seen["first"], peers, seen["steps"]),
        "weights": weights(workload).origin if workload.task in ("ascent", "attack") else None,
        "verdict": verdict(setting.title, peers),
        "gflops_per_second": {
            "matmul": matmul["flops"] / matmul["seconds"] / 1e9,
            "step": flops_per_step(workload) / (least / 1e3) / 1e9,
        },
    }


def standings(times: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """Per peer the least and the median ms per step, and the ratios of the first peer's times to both.

    A ratio below 1 says that the first peer is faster than this one.
    """
    first = next(iter(times.values()))
    return {
        name: {
            "least_ms": min(row),
            "median_ms": median(row),
            "least_ratio": min(first) / min(row),
            "median_ratio": median(first) / median(row),
        }
        for name, row in times.items()
    }


def compilation(first: Mapping[str, float], peers: Mapping[str, Mapping[str, float]], steps: int) -> dict[str, float]:
    """Per peer the seconds that its `first` round, in which it compiles, took beyond `steps` at its median."""
    return {name: seconds - steps * peers[name]["median_ms"] / 1e3 for name, seconds in first.items()}


def verdict(setting: str, peers: Mapping[str, Mapping[str, float]]) -> str:
    """One line: the first peer against the fastest of the others in float32, by their least times.

    Other work on the machine disturbs the least time the least.
    """
    first, *others = peers
    rivals = [name for name in others if PEERS[name].precision == "float32"]
    fastest = min(rivals, key=lambda name: peers[name]["least_ms"])
    names = f"{PEERS[first].title} / {PEERS[fastest].title}"
    return f"{names}, {setting}: {peers[fastest]['least_ratio']:.2f}x"


def rendered(workload: Workload, races: Mapping[str, Mapping[str, Any]]) -> RenderableType:
    """`races` by setting name (see `summarized`): a table with a section each, then the verdicts.

    The last two columns are the first peer's time over that row's, by least and by median times.
    """
    first = PEERS[workload.peers[0]].title
    table = Table(title=f"{workload.name}: {workload.about}", title_justify="left")
    table.add_column("", no_wrap=True)
    for heading in ("least ms\nper step", "median ms\nper step", f"{first} / it\nleast", f"{first} / it\nmedian"):
        table.add_column(heading, justify="right", no_wrap=True)
    for race in races.values():
        table.add_section()
        table.add_row(race["setting"]["title"], style="bold")
        for name in workload.peers:
            table.add_row(f"  {PEERS[name].title}", *_cells(race["parties"][name]))
    return Group(table, *(Text(line) for race in races.values() for line in _lines(workload, race)), Text(""))


def _cells(peer: Mapping[str, float]) -> list[str]:
    return [f"{peer[column]:.2f}" for column in ("least_ms", "median_ms", "least_ratio", "median_ratio")]


def _lines(workload: Workload, race: Mapping[str, Any]) -> list[str]:
    """The verdict, the share of the machine that the step used, and the load."""
    speed, (before, after) = race["gflops_per_second"], race["load"]
    share = speed["step"] / speed["matmul"]
    filters = {name: 1e3 / peer["least_ms"] for name, peer in race["parties"].items()}
    different = {name: size for name, size in race["differences"].items() if size}
    return [
        race["verdict"],
        *([f"  weights: {race['weights']}"] if race["weights"] else []),
        *([f"  filters per second: {_each(filters, '.2f')}"] if workload.task == "ascent" else []),
        *(_attack_lines(workload, race) if workload.task == "attack" else []),
        f"  compilation (first round less a later one), s: {_each(race['compilation'], '.1f')}",
        f"  {speed['step']:.0f} GFLOP/s, {share:.0%} of a matrix product's {speed['matmul']:.0f}",
        f"  on {race['device']}; load average {before[0]:.1f} before, {after[0]:.1f} after",
        f"  peak memory, GB: {_each({name: size / 1e9 for name, size in race['memory'].items()}, '.2f')}",
        *([f"  outputs differ, of their norm: {_each(different, '.1e')}"] if different else []),
    ]


def _attack_lines(workload: Workload, race: Mapping[str, Any]) -> list[str]:
    """Queries per second, as often as many as each peer's; and what all rounds found at the same most queries."""
    most, tallies = most_queries(workload), race["tallies"]
    paces = {name: 1e3 * most / peer["least_ms"] for name, peer in race["parties"].items()}
    own, *others = paces
    times = {name: paces[own] / paces[name] for name in others}
    shares = {name: 100 * tally["flipped"] / tally["pictures"] for name, tally in tallies.items()}
    asked = {name: tally["queries"] / tally["pictures"] for name, tally in tallies.items()}
    return [
        f"  queries per second: {_each(paces, ',.0f')}",
        f"  our queries per second over theirs: {_each(times, '.1f')}",
        f"  flipped of {tallies[own]['pictures']} pictures, at most {most:,} queries each, %: {_each(shares, '.1f')}",
        f"  queries per picture: {_each(asked, ',.0f')}",
    ]


def _each(numbers: Mapping[str, float], form: str) -> str:
    return ", ".join(f"{PEERS[name].title} {number:{form}}" for name, number in numbers.items())
