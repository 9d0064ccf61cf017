"""The results as text of at most 80 columns."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from research.bench.parties import PARTIES
from research.bench.workloads import Workload


def rendered(workload: Workload, races: Mapping[str, Mapping[str, Any]]) -> RenderableType:
    """`races` by setting name (see `results.summarized`): a table with a section each, then the verdicts.

    The last two columns are the first party's time over that row's, by least and by median times.
    """
    home = PARTIES[workload.parties[0]].title
    table = Table(title=f"{workload.name}: {workload.about}", title_justify="left")
    table.add_column("", no_wrap=True)
    for heading in ("least ms\nper step", "median ms\nper step", f"{home} / it\nleast", f"{home} / it\nmedian"):
        table.add_column(heading, justify="right", no_wrap=True)
    for race in races.values():
        table.add_section()
        table.add_row(race["setting"]["title"], style="bold")
        for name in workload.parties:
            table.add_row(f"  {PARTIES[name].title}", *_cells(race["parties"][name]))
    return Group(table, *(Text(line) for race in races.values() for line in _lines(workload, race)), Text(""))


def _cells(party: Mapping[str, float]) -> list[str]:
    return [f"{party[column]:.2f}" for column in ("least_ms", "median_ms", "least_ratio", "median_ratio")]


def _lines(workload: Workload, race: Mapping[str, Any]) -> list[str]:
    """The verdict, how much of the machine the step used, and what else was going on."""
    speed, (before, after) = race["gflops_per_second"], race["load"]
    share = speed["step"] / speed["matmul"]
    filters = {name: 1e3 / party["least_ms"] for name, party in race["parties"].items()}
    return [
        race["verdict"],
        *([f"  weights: {race['weights']}"] if race["weights"] else []),
        *([f"  filters per second: {_each(filters, 2)}"] if workload.task == "ascent" else []),
        f"  compilation (first round less a later one), s: {_each(race['compilation'], 1)}",
        f"  {speed['step']:.0f} GFLOP/s, {share:.0%} of a matrix product's {speed['matmul']:.0f}",
        f"  on {race['device']}; load average {before[0]:.1f} before, {after[0]:.1f} after",
        f"  peak memory, GB: {_each({name: size / 1e9 for name, size in race['memory'].items()}, 2)}",
        *([f"  outputs differ by {race['difference']:.1e} of their norm"] if race["difference"] else []),
    ]


def _each(numbers: Mapping[str, float], digits: int) -> str:
    return ", ".join(f"{PARTIES[name].title} {number:.{digits}f}" for name, number in numbers.items())
