"""The tables of a run as plain strings, for the terminal (`tables`) and the page (`page`)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from research.evaluation.metrics import metric_names
from research.report import formats
from research.report.classification_text import BASELINES

SHOWN = 20  # classes up to which all are shown

Row = tuple[str, ...]


class Grid(NamedTuple):
    """A table of strings; a second line in a cell qualifies the first.

    titles  of the columns
    rows    a string for each column
    words   the number of leading columns that hold words; the others hold numbers
    note    how to read the table
    totals  the last row; empty where there is none
    """

    titles: Row
    rows: list[Row]
    words: int = 1
    note: str = ""
    totals: Row = ()


def series_unit(record: Mapping[str, Any]) -> str:
    """The unit of the quantities of a record; empty where it has none, as with pictures."""
    return record["data"].get("unit") or ""


def metrics(record: Mapping[str, Any], first: str = "") -> Grid:
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
    return Grid(("Metric", *splits), rows)


def _baselines(record: Mapping[str, Any], splits: Iterable[str]) -> list[tuple[str, list[str]]]:
    """The accuracies that need no learning, in words, with their values on each of `splits`."""
    known = record.get("baselines", {})
    baselines = {words: [known.get(split, {}).get(name) for split in splits] for name, words in BASELINES.items()}
    return [(words, [formats.percent(share) for share in shares]) for words, shares in baselines.items() if any(shares)]


def seeds(record: Mapping[str, Any], first: str = "") -> Grid:
    """Every metric over several seeds, of split `first` before the others: mean, std, 95% interval of the mean."""
    rows, unit = [], series_unit(record)
    for name, over in sorted(record.get("seeds", {}).items(), key=lambda item: not item[0].startswith(f"{first}/")):
        split, _, metric = name.partition("/")
        mean, std = formats.metric(metric, over["mean"]), formats.metric(metric, over["std"])
        interval = formats.interval(metric, over["low95"], over["high95"])
        rows.append((split, formats.metric_label(metric, unit), mean, std, interval))
        if metric == "accuracy":
            rows += [(split, words, *shares, "", "") for words, shares in _baselines(record, [split])]
    return Grid(("Split", "Metric", "Mean", "Std", "95% of the mean"), rows, words=2)


def per_class(evaluation: Mapping[str, Any]) -> Grid:
    """Precision, recall and F1 of each class of a classification (as a dict); of many classes the worst 20 by F1."""
    scores, classes = evaluation["per_class"], evaluation["classes"]
    order = shown_classes(evaluation)
    rows = []
    for index in order:
        shares = (formats.percent(float(scores[name][index])) for name in ("precision", "recall", "f1"))
        rows.append((classes[index], *shares, formats.count(int(scores["support"][index]))))
    note = f"The {len(order)} of {len(classes)} classes with the lowest F1" if len(order) < len(classes) else ""
    return Grid(("Class", "Precision", "Recall", "F1", "Examples"), rows, note=note)


def shown_classes(evaluation: Mapping[str, Any]) -> list[int]:
    """The indices of all classes; of more than 20 classes those with the lowest F1, worst first."""
    scores = np.asarray(evaluation["per_class"]["f1"])
    if len(scores) <= SHOWN:
        return list(range(len(scores)))
    undefined_last = np.nan_to_num(scores, nan=2.0)
    return np.argsort(undefined_last, kind="stable")[:SHOWN].tolist()


def confused(evaluation: Mapping[str, Any], limit: int = 10) -> Grid:
    """The most frequent mistakes of a classification."""
    rows = [
        (truth, predicted, formats.count(examples), formats.percent(share))
        for truth, predicted, examples, share in confusions(evaluation, limit)
    ]
    return Grid(("Truth", "Predicted", "Examples", "Share of the class"), rows, words=2)


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


def layers(summary: Sequence[Mapping[str, Any]]) -> Grid:
    """A network layer by layer (dicts of name, output_shape, formula, multiply_adds, receptive_field, parameters)."""
    rows = [
        (
            layer["name"],
            formats.shape(layer["output_shape"]),
            layer["formula"] or (formats.count(layer["parameters"]) if layer["parameters"] else ""),
            formats.short_count(layer["multiply_adds"]) if layer["multiply_adds"] else "",
            formats.shape(layer["receptive_field"]),
        )
        for layer in summary
    ]
    parameters = formats.count(sum(layer["parameters"] for layer in summary))
    work = formats.short_count(sum(layer["multiply_adds"] for layer in summary))
    titles = ("Layer", "Output", "Parameters", "Mult-adds", "Receptive field")
    return Grid(titles, rows, totals=("total", "", parameters, work, ""))
