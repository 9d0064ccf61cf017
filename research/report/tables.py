"""The tables of a run, for the page and for the terminal, where they fit 80 columns."""

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from research.evaluation.metrics import metric_names
from research.report import formats
from research.report.classification_text import BASELINES
from research.report.record import series_unit

SHOWN = 20  # classes up to which all are shown


def table(
    titles: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    words: int = 1,
    note: str = "",
    totals: Sequence[str] = (),
) -> Table:
    """A table of strings, none of them markup; a second line in a cell qualifies the first.

    titles  of the columns
    rows    a string for each column
    words   the number of leading columns that hold words; the others hold numbers
    note    how to read the table: its title
    totals  the last row: the footers; empty where there is none
    """
    made = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    made.show_footer, made.footer_style = bool(totals), "none"  # those of rich are bold
    made.title = Text(note, "table.title") if note else None
    for index, (title, total) in enumerate(zip(titles, totals or [""] * len(titles), strict=True)):
        made.add_column(Text(title), Text(total), justify="left" if index < words else "right", overflow="fold")
    for row in rows:
        made.add_row(*map(Text, row))  # as Text, so that brackets in a name are not taken for markup
    return made


def names_folded(made: Table, columns: int = 80) -> Table:
    """`made` for a terminal of so many columns: names in the first column are folded to its `max_width`, or to what the
    other columns leave where it has none.

    Rich alone would break them inside of words; on a page they need not be broken.
    """
    width = made.columns[0].max_width or _left_for_names(made, columns)
    if width is None:
        return made
    rows, made = rows_of(made), copy.copy(made)
    made.columns, made.rows = [column.copy() for column in made.columns], []
    for name, *others in rows:
        lines = "\n".join(folded(line, width) for line in name.split("\n"))
        made.add_row(*map(Text, (lines, *others)))
    return made


def _left_for_names(made: Table, columns: int) -> int | None:
    """The width of the first column with which `made` has so many columns; None where it needs no such."""
    excess = Console(width=10_000).measure(made).maximum - columns
    first = max(len(line) for cell in made.columns[0].cells for line in str(cell).split("\n")) if made.rows else 0
    return first - excess if 0 < excess < first else None


def folded(name: str, width: int) -> str:
    """`name` in lines of `width` characters, broken after a space, a dot, _ or - where it has them."""
    lines = [""]
    for part in re.findall(r"[^ ._-]*[ ._-]|[^ ._-]+", name):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)


def fits(made: Table, columns: int = 80) -> bool:
    """Whether `made` can be printed in so many columns; only numbers that may not be folded can keep it from that."""
    if not any(column.no_wrap for column in made.columns):
        return True
    return Console(width=10_000).measure(names_folded(made)).maximum <= columns


def rows_of(made: Table) -> list[tuple[str, ...]]:
    """The strings of each row of what `table` made, without the totals."""
    return [tuple(map(str, cells)) for cells in zip(*(column.cells for column in made.columns), strict=True)]


def metrics(record: Mapping[str, Any], first: str = "") -> Table:
    """The metrics of each split (that named `first` before the others), with 95% intervals where there are any."""
    splits = dict(sorted(record["metrics"].items(), key=lambda item: item[0] != first))
    rows, unit = [], series_unit(record)
    for name in metric_names(name for values in splits.values() for name in values):
        cells = [formats.with_interval(name, values) for values in splits.values()]
        # All cells of a row have a second line as soon as one split has an interval.
        second = "\n" if any(interval for _, interval in cells) else ""
        label = f"{formats.metric_label(name, unit)}{second}{second and '95% interval'}"
        rows.append((label, *(f"{value}{second}{interval}" for value, interval in cells)))
        if name == "accuracy":
            rows += [(words, *shares) for words, shares in _baselines(record, splits)]
    return table(("Metric", *splits), rows)


def _baselines(record: Mapping[str, Any], splits: Iterable[str]) -> list[tuple[str, list[str]]]:
    """The accuracies that need no learning, in words, with their values on each of `splits`."""
    known = record.get("baselines", {})
    baselines = {words: [known.get(split, {}).get(name) for split in splits] for name, words in BASELINES.items()}
    return [(words, [formats.percent(share) for share in shares]) for words, shares in baselines.items() if any(shares)]


def seeds(record: Mapping[str, Any], first: str = "", note: str = "") -> Table:
    """Every metric over several seeds, of split `first` before the others: mean, std, 95% interval of the mean.

    `note` is that of the table.
    """
    rows, unit = [], series_unit(record)
    for name, over in sorted(record.get("seeds", {}).items(), key=lambda item: not item[0].startswith(f"{first}/")):
        split, _, metric = name.partition("/")
        mean, std = formats.metric(metric, over["mean"]), formats.metric(metric, over["std"])
        interval = formats.interval(metric, over["low95"], over["high95"])
        rows.append((split, formats.metric_label(metric, unit), mean, std, interval))
        if metric == "accuracy":
            rows += [(split, words, *shares, "", "") for words, shares in _baselines(record, [split])]
    return table(("Split", "Metric", "Mean", "Std", "95% interval\nof the mean"), rows, words=2, note=note)


def of_seed(made: Table, record: Mapping[str, Any]) -> Table:
    """`made`, which shows the first seed alone, with that seed in its title where the run has several."""
    if "seeds" in record:
        titles = f"Seed {record['seed']} alone", str(made.title or "")
        made.title = Text("; ".join(filter(None, titles)), "table.title")
    return made


def per_class(evaluation: Mapping[str, Any]) -> Table:
    """Precision, recall and F1 of each class of a classification (as a dict); of many classes the worst 20 by F1."""
    scores, classes = evaluation["per_class"], evaluation["classes"]
    order = shown_classes(evaluation)
    rows = []
    for index in order:
        shares = (formats.percent(float(scores[name][index])) for name in ("precision", "recall", "f1"))
        rows.append((classes[index], *shares, formats.count(int(scores["support"][index]))))
    note = f"The {len(order)} of {len(classes)} classes with the lowest F1" if len(order) < len(classes) else ""
    return table(("Class", "Precision", "Recall", "F1", "Examples"), rows, note=note)


def shown_classes(evaluation: Mapping[str, Any]) -> list[int]:
    """The indices of all classes; of more than 20 classes those with the lowest F1, worst first."""
    scores = np.asarray(evaluation["per_class"]["f1"])
    if len(scores) <= SHOWN:
        return list(range(len(scores)))
    undefined_last = np.nan_to_num(scores, nan=2.0)
    return np.argsort(undefined_last, kind="stable")[:SHOWN].tolist()


def confused(evaluation: Mapping[str, Any], limit: int = 10) -> Table:
    """The most frequent mistakes of a classification."""
    rows = [
        (truth, predicted, formats.count(examples), formats.percent(share))
        for truth, predicted, examples, share in confusions(evaluation, limit)
    ]
    return table(("Truth", "Predicted", "Examples", "Share of the class"), rows, words=2)


def confusions(evaluation: Mapping[str, Any], limit: int = 10) -> list[tuple[str, str, int, float]]:
    """The most frequent mistakes, at most `limit`: (truth, predicted, examples, their share of the class `truth`)."""
    mistakes = np.array(evaluation["confusion"])
    totals, classes = mistakes.sum(axis=1), evaluation["classes"]
    np.fill_diagonal(mistakes, 0)
    worst = np.argsort(-mistakes, axis=None, kind="stable")[:limit]
    pairs = [divmod(int(index), len(mistakes)) for index in worst]
    return [
        (classes[row], classes[column], int(mistakes[row, column]), mistakes[row, column] / totals[row])
        for row, column in pairs
        if mistakes[row, column]
    ]


def layers(summary: Sequence[Mapping[str, Any]]) -> Table:
    """A network layer by layer (dicts of name, output_shape, formula, multiply_adds, receptive_field, parameters).

    What is None is unknown and left blank; the sum of multiply-adds too, where one of a layer is unknown.
    """
    rows = [
        (
            layer["name"],
            formats.shape(layer["output_shape"]),
            layer["formula"] or (formats.count(layer["parameters"]) if layer["parameters"] else ""),
            formats.short_count(layer["multiply_adds"]) if layer["multiply_adds"] else "",
            "" if layer["receptive_field"] is None else formats.shape(layer["receptive_field"]),
        )
        for layer in summary
    ]
    parameters = formats.count(sum(layer["parameters"] for layer in summary))
    known = [layer["multiply_adds"] for layer in summary if layer["multiply_adds"] is not None]
    work = formats.short_count(sum(known)) if len(known) == len(summary) else ""
    titles = ("Layer", "Output", "Parameters", "Mult-adds", "Receptive field")
    return table(titles, rows, totals=("total", "", parameters, work, ""))
