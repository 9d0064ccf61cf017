"""How a weight file maps onto our leaves, as a table of at most 80 columns."""

from collections.abc import Mapping

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from research.errors import printable
from research.weights.foreign import Foreign
from research.weights.mapping import PortPlan, presupposed
from research.weights.port import ForecastEvaluation, times

SHOWN = {"": "as it is"}


def show_mapping(
    foreign: Foreign,
    planned: PortPlan,
    judgement: ForecastEvaluation,
    wanted: Mapping[str, tuple[int, ...]],
    provenance: str,
) -> None:
    """Print what the file is, each array with its leaf and the change on the way, and all that is wrong."""
    console = Console()
    console = console if console.is_terminal else Console(width=80)
    lines = (
        f"{foreign.path.name}: {foreign.kind}, {len(foreign.arrays)} arrays, layout {planned.layout}",
        f"architecture {planned.architecture}, {presupposed(planned.architecture)} {planned.convention}; {provenance}",
        f"sha256 {foreign.sha256}",
    )
    for line in lines:
        console.print(line, highlight=False, markup=False)
    console.print()
    console.print(_table(planned, judgement, list(wanted)))
    console.print()
    if judgement.left_out:
        console.print(printable(f"left out: {', '.join(judgement.left_out)}"), highlight=False, markup=False)
    for offence, names in judgement.wrong.items():
        console.print(printable(f"{offence}: {', '.join(names)}"), highlight=False, markup=False, style="red")
    verdict = "does not fit" if judgement.wrong else "fits"
    console.print(f"{verdict}: {len(judgement.taken)} of {len(wanted)} leaves", highlight=False)


def _table(planned: PortPlan, judgement: ForecastEvaluation, order: list[str]) -> Table:
    """A row per array, in the order of the net, what has no place in it last."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    table.add_column("In the file", overflow="fold")  # the one that may be long, so the one that is broken
    for title in ("Shape", "Leaf", "Shape", "Done"):
        table.add_column(title, no_wrap=True)
    taken = {step.foreign for step in judgement.taken.values()}
    places = {leaf: place for place, leaf in enumerate(order)}
    for step in sorted(planned.steps, key=lambda step: places.get(step.leaf or "", len(order))):
        after, done = times(step.after.shape), SHOWN.get(step.change, step.change)
        if step.foreign in judgement.left_out or step.leaf not in places:
            after, done = "", "left out" if step.foreign in judgement.left_out else "no place"
        elif step.foreign not in taken:
            done = step.change or "wrong"
        cells = (printable(step.foreign), times(step.before.shape), step.leaf or "-", after, done)
        table.add_row(*map(Text, cells))  # as Text, so that brackets are not taken for markup
    return table
