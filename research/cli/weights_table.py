"""The mapping of a weight file to our leaves, as a table of at most 80 columns."""

from collections.abc import Mapping

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from research.errors import printable
from research.weights.conversion import Conversion, format_shape, hint
from research.weights.mapping import ConversionPlan, presupposed
from research.weights.weight_file import WeightFile

SHOWN = {"": "as it is"}


def show_mapping(
    file: WeightFile,
    plan: ConversionPlan,
    conversion: Conversion,
    wanted: Mapping[str, tuple[int, ...]],
    provenance: str,
) -> None:
    """Print the kind of file, each array with its leaf and its change, and all errors."""
    console = Console()
    console = console if console.is_terminal else Console(width=80)
    lines = (
        f"{file.path.name}: {file.kind}, {len(file.arrays)} arrays, layout {plan.layout}",
        f"architecture {plan.architecture}, {presupposed(plan.architecture)} {plan.convention}; {provenance}",
        f"sha256 {file.sha256}",
    )
    for line in lines:
        console.print(line, highlight=False, markup=False)
    console.print()
    console.print(_table(plan, conversion, list(wanted)))
    console.print()
    if conversion.left_out:
        console.print(printable(f"left out: {', '.join(conversion.left_out)}"), highlight=False, markup=False)
    for offence, names in conversion.wrong.items():
        console.print(printable(f"{offence}: {', '.join(names)}"), highlight=False, markup=False, style="red")
    verdict = "does not fit" if conversion.wrong else "fits"
    console.print(f"{verdict}: {len(conversion.taken)} of {len(wanted)} leaves", highlight=False)
    if conversion.wrong:
        console.print(hint(conversion, plan), highlight=False, markup=False)


def _table(plan: ConversionPlan, conversion: Conversion, order: list[str]) -> Table:
    """A row per array, in the order of the net, arrays without a leaf last."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    table.add_column("In the file", overflow="fold")  # may be long, so it may wrap
    for title in ("Shape", "Leaf", "Shape", "Done"):
        table.add_column(title, no_wrap=True)
    taken = {step.name for step in conversion.taken.values()}
    positions = {leaf: position for position, leaf in enumerate(order)}
    for step in sorted(plan.steps, key=lambda step: positions.get(step.leaf or "", len(order))):
        after, done = format_shape(step.after.shape), SHOWN.get(step.change, step.change)
        if step.name in conversion.left_out or step.leaf not in positions:
            after, done = "", "left out" if step.name in conversion.left_out else "no place"
        elif step.name not in taken:
            done = step.change or "wrong"
        cells = (printable(step.name), format_shape(step.before.shape), step.leaf or "-", after, done)
        table.add_row(*map(Text, cells))  # as Text, so that brackets are not taken for markup
    return table
