"""The paired tests of many forecasters as a matrix: a row and a column for each, instead of a list of pairs."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from research.report import formats
from research.report.comparison_text import is_shown
from research.report.ranking import note_of_tests
from research.report.tables import table

LABEL = 16  # characters of a row's name on one line


def matrix(names: Sequence[str], pairs: Sequence[Mapping[str, Any]], unit: str = "") -> Table:
    """The Diebold-Mariano test of every pair of `names`, best first; `pairs` as `ranking.paired` takes them.

    A cell says how much higher the row's MAE is than the column's, and in words whether that is shown: the row is
    `worse` (or `better`), or the pair is `unclear`. Each pair stands once, below the diagonal. No number is folded.
    """
    found = {(pair["a"], pair["b"]): pair for pair in pairs}
    rows = []
    for number, name in enumerate(names):
        cells = [_cell(found, name, other) for other in names[:number]]
        rows.append((f"{number + 1} {name}", *cells, *[""] * (len(names) - 1 - number)))
    note = f"How much higher the row's MAE is than the column's{f', {unit}' if unit else ''}. {note_of_tests(pairs)}"
    made = table(("Forecaster", *map(str, range(1, len(names)))), rows, note=note)
    made.padding = 0  # so that nine forecasters fit a terminal
    made.columns[0].max_width = LABEL
    for column in made.columns[1:]:
        column.no_wrap = True
    return made


def _cell(found: Mapping[tuple[str, str], Mapping[str, Any]], row: str, column: str) -> str:
    pair, sign = (found[row, column], 1) if (row, column) in found else (found[column, row], -1)
    higher = sign * pair["mean"] + 0.0
    word = ("worse" if higher > 0 else "better") if is_shown(pair) else "unclear"
    return f"{'−' if higher < 0 else ''}{formats.measure(abs(higher))}\n{word}"
