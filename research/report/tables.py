"""Tables for the terminal, made to fit 80 columns."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from research.report import formats, grids
from research.report.grids import Grid
from research.report.record import measured


def summary_table(summary: Sequence[Mapping[str, Any]]) -> Table:
    """A network layer by layer, see `grids.layers`."""
    return _filled(grids.layers(summary))


def metrics_table(record: Mapping[str, Any]) -> Table:
    """The metrics of each split in record["metrics"], with their 95% intervals where there are any."""
    return _filled(grids.metrics(record))


def seeds_table(record: Mapping[str, Any]) -> Table:
    """Mean, standard deviation and 95% interval of every metric over the seeds of record["seeds"]."""
    table = _filled(grids.seeds(record))
    table.title = f"Over {max(len(over['values']) for over in record['seeds'].values())} seeds"
    return table


def per_class_table(evaluation: Mapping[str, Any]) -> Table:
    """Precision, recall and F1 of each class of a classification (as a dict); of many classes the worst 20 by F1."""
    return _filled(grids.per_class(evaluation))


def confusions_table(evaluation: Mapping[str, Any], limit: int = 10) -> Table:
    """The most frequent mistakes of a classification."""
    return _filled(grids.confused(evaluation, limit))


def comparison_table(
    records: Mapping[str, Mapping[str, Any]], differences: Mapping[str, Mapping[str, Any] | None], split: str = "test"
) -> Table:
    """Runs side by side, by name: size, time, accuracy and loss on `split`, and the difference in accuracy.

    `differences` are paired differences of each run from the first ({mean, low95, high95, p}; None or absent where
    seeds cannot tell). Metrics of several seeds are their means.
    """
    table = _table("Run", "Parameters", "Seconds", "Accuracy", "Loss", "Difference (95%, p)", words=1)
    table.caption = "Intervals: of the mean over seeds; of a single seed, over new examples."
    for name, record in records.items():
        accuracy, loss = measured(record, split, "accuracy"), measured(record, split, "loss")
        interval = formats.interval("accuracy", accuracy.low95, accuracy.high95)
        difference = differences.get(name)
        _row(
            table,
            name,
            formats.short_count(record["parameters"]["total"]),
            formats.count(record["seconds"]["total"]),
            f"{formats.percent(accuracy.value)}\n{interval}".strip(),
            formats.decimal(loss.value),
            _difference(difference) if difference else "",
        )
    return table


def _difference(difference: Mapping[str, Any]) -> str:
    low, mean, high = (f"{100 * difference[end]:+.2f}" for end in ("low95", "mean", "high95"))
    return f"{mean} points\n{low} to {high}\np = {difference['p']:.2g}"


def _filled(grid: Grid) -> Table:
    table = _table(*grid.titles, words=grid.words)
    table.title = grid.note or None
    for row in grid.rows:
        _row(table, *row)
    if grid.totals:
        table.add_section()
        _row(table, *grid.totals)
    return table


def _table(*titles: str, words: int) -> Table:
    """A table whose first `words` columns are words, the others numbers."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for place, title in enumerate(titles):
        table.add_column(Text(title), justify="left" if place < words else "right", overflow="fold")
    return table


def _row(table: Table, *cells: str) -> None:
    table.add_row(*map(Text, cells))  # as Text, so that brackets in a name are not taken for markup
