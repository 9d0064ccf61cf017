"""Runs put side by side, a rung each: what their table and their figure both show."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from rich.table import Table

from research.report import formats
from research.report.classification_words import beside
from research.report.grids import Grid
from research.report.tables import filled

NAME_WIDTH = 16  # what the other columns leave of 80


class Rung(NamedTuple):
    """A run among others. Accuracies are shares of 1."""

    parameters: int  # trained
    test: Mapping[str, Any]  # accuracy, as {mean, std, low95, high95, values}: one value per seed, None where unknown
    train: float | None  # mean accuracy
    published: tuple[float, float] | None  # test accuracy that others report, from low to high
    seconds: float
    difference: Mapping[str, Any] | None  # of test accuracy from the rung before: {mean, low95, high95, p}
    baselines: Mapping[str, float] | None = None  # accuracies on the test pictures that need no learning


def comparison_table(rungs: Mapping[str, Rung]) -> Table:
    """Runs by name, each with its difference from the one above it; fits 80 columns."""
    return filled(grid(rungs))


def grid(rungs: Mapping[str, Rung]) -> Grid:
    """`comparison_table` as strings; the lines of a title name those of the cells below it."""
    lines = 3 if any(rung.published for rung in rungs.values()) else 2
    test = "\n".join(("Test accuracy", "95% interval", "published")[:lines])
    lines = 3 if any(rung.difference and rung.difference["p"] is not None for rung in rungs.values()) else 1
    over = "\n".join(("Over row above", "95% interval", "paired t test")[:lines])
    rows = [
        (
            _folded(name),
            formats.short_count(rung.parameters),
            _test(rung),
            _difference(rung.difference),
            formats.percent(rung.train),
            formats.count(rung.seconds),
        )
        for name, rung in rungs.items()
    ]
    return Grid(("Run", "Trained", test, over, "Train", "Seconds"), rows, note=_note(rungs))


def accuracy(test: Mapping[str, Any]) -> str:
    """`95.67% ± 0.42`, or without the part that one seed cannot tell."""
    spread = f" ± {100 * test['std']:.2f}" if formats.is_number(test["std"]) else ""
    return f"{formats.percent(test['mean'])}{spread}"


def published(band: tuple[float, float] | None) -> str:
    """`96–97.5%`, or `82%` where both ends are one."""
    if band is None:
        return formats.MISSING
    low, high = (f"{100 * end:.4g}" for end in band)
    return f"{low}%" if low == high else f"{low}–{high}%"


def _test(rung: Rung) -> str:
    interval = formats.interval("accuracy", rung.test["low95"], rung.test["high95"]) or formats.MISSING
    lines = [accuracy(rung.test), interval, published(rung.published)]
    return "\n".join(lines if rung.published else lines[:2])


def _difference(difference: Mapping[str, Any] | None) -> str:
    if difference is None:
        return formats.MISSING
    lines = [f"{100 * difference['mean']:+.2f} points"]
    if difference["p"] is not None:
        low, high = (f"{100 * difference[end]:+.2f}" for end in ("low95", "high95"))
        lines += [f"{low} to {high}", f"p = {difference['p']:.2g}"]
    return "\n".join(lines)


def _note(rungs: Mapping[str, Rung]) -> str:
    """How the numbers are to be read, and what the accuracies are to be measured by."""
    measure = next((f"; test accuracy of {words}" for rung in rungs.values() if (words := beside(rung.baselines))), "")
    if all(len(rung.test["values"]) == 1 for rung in rungs.values()):
        return f"One seed each; 95% intervals are over new test pictures, and say nothing of other seeds{measure}"
    several = ", p corrected for several comparisons (Holm)" if len(rungs) > 2 else ""
    return f"Mean ± std over seeds, 95% interval of the mean; differences are paired by seed{several}{measure}"


def _folded(name: str) -> str:
    """`name` in lines of NAME_WIDTH, ended after _ or - as far as it has them."""
    lines = [""]
    for part in re.findall(r"[^_-]*[_-]|[^_-]+", name):
        if lines[-1] and len(lines[-1]) + len(part) > NAME_WIDTH:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)
