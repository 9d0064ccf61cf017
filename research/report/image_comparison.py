"""The comparison of classifiers: the rows that its table and figure show, and the table."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from rich.table import Table

from research.report import formats
from research.report.classification_text import baselines_text
from research.report.tables import table

NAME_WIDTH = 16  # characters that the other columns leave of 80


class ComparedRun(NamedTuple):
    """A classifier among others. Accuracies are shares of 1."""

    parameters: int  # trained
    test: Mapping[str, Any]  # accuracy, as {mean, std, low95, high95, values}: one value per seed, None where unknown
    train: float | None  # mean accuracy
    published: tuple[float, float] | None  # test accuracy that others report, (low, high)
    seconds: float
    difference: Mapping[str, Any] | None  # of test accuracy from the previous run: {mean, low95, high95, p}
    baselines: Mapping[str, float] | None = None  # accuracies on the test pictures that need no learning


def comparison_table(runs: Mapping[str, ComparedRun]) -> Table:
    """A table of runs by name, each with its difference from the run above it; it fits 80 columns.

    Each line of a title names the same line of the cells below it.
    """
    lines = 3 if any(run.published for run in runs.values()) else 2
    test = "\n".join(("Test accuracy", "95% interval", "published")[:lines])
    lines = 3 if any(run.difference and run.difference["p"] is not None for run in runs.values()) else 1
    over = "\n".join(("Over row above", "95% interval", "paired t test")[:lines])
    rows = [
        (
            name,
            formats.short_count(run.parameters),
            _test(run),
            _difference(run.difference),
            formats.percent(run.train),
            formats.count(run.seconds),
        )
        for name, run in runs.items()
    ]
    made = table(("Run", "Trained", test, over, "Train", "Seconds"), rows, note=_note(runs))
    made.columns[0].max_width = NAME_WIDTH
    return made


def accuracy(test: Mapping[str, Any]) -> str:
    """`95.67% ± 0.42`, or `95.67%` for a single seed."""
    spread = f" ± {100 * test['std']:.2f}" if formats.is_number(test["std"]) else ""
    return f"{formats.percent(test['mean'])}{spread}"


def published(band: tuple[float, float] | None) -> str:
    """`96–97.5%`, or `82%` where both ends are equal."""
    if band is None:
        return formats.MISSING
    low, high = (f"{100 * end:.4g}" for end in band)
    return f"{low}%" if low == high else f"{low}–{high}%"


def _test(run: ComparedRun) -> str:
    interval = formats.interval("accuracy", run.test["low95"], run.test["high95"]) or formats.MISSING
    lines = [accuracy(run.test), interval, published(run.published)]
    return "\n".join(lines if run.published else lines[:2])


def _difference(difference: Mapping[str, Any] | None) -> str:
    if difference is None:
        return formats.MISSING
    lines = [f"{100 * difference['mean']:+.2f} points"]
    if difference["p"] is not None:
        low, high = (f"{100 * difference[end]:+.2f}" for end in ("low95", "high95"))
        lines += [f"{low} to {high}", f"p = {difference['p']:.2g}"]
    return "\n".join(lines)


def _note(runs: Mapping[str, ComparedRun]) -> str:
    """A note on the numbers, and the accuracies that need no learning."""
    baselines = next((text for run in runs.values() if (text := baselines_text(run.baselines))), "")
    measure = f"; test accuracy of {baselines}" if baselines else ""
    if all(len(run.test["values"]) == 1 for run in runs.values()):
        return f"One seed each; 95% intervals are over new test pictures, and say nothing of other seeds{measure}"
    several = ", p corrected for several comparisons (Holm)" if len(runs) > 2 else ""
    return f"Mean ± std over seeds, 95% interval of the mean; differences are paired by seed{several}{measure}"
