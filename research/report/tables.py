"""Tables for the terminal, made to fit 80 columns."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from research.report import grids
from research.report.grids import Grid


def summary_table(summary: Sequence[Mapping[str, Any]]) -> Table:
    """A network layer by layer, see `grids.layers`."""
    return filled(grids.layers(summary))


def metrics_table(record: Mapping[str, Any]) -> Table:
    """The metrics of each split in record["metrics"], with their 95% intervals where there are any."""
    return filled(grids.metrics(record))


def seeds_table(record: Mapping[str, Any]) -> Table:
    """Mean, standard deviation and 95% interval of every metric over the seeds of record["seeds"]."""
    table = filled(grids.seeds(record))
    table.title = f"Over {max(len(over['values']) for over in record['seeds'].values())} seeds"
    return table


def per_class_table(evaluation: Mapping[str, Any]) -> Table:
    """Precision, recall and F1 of each class of a classification (as a dict); of many classes the worst 20 by F1."""
    return filled(grids.per_class(evaluation))


def confusions_table(evaluation: Mapping[str, Any], limit: int = 10) -> Table:
    """The most frequent mistakes of a classification."""
    return filled(grids.confused(evaluation, limit))


def filled(grid: Grid) -> Table:
    """`grid` as a table of the terminal."""
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
    for index, title in enumerate(titles):
        table.add_column(Text(title), justify="left" if index < words else "right", overflow="fold")
    return table


def _row(table: Table, *cells: str) -> None:
    table.add_row(*map(Text, cells))  # as Text, so that brackets in a name are not taken for markup
