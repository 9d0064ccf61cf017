"""The tables of a regression: the model, its ensemble and its baselines, differences, intervals, and columns left out.

They take the evaluation of one split as a dict, see `regression_page.regression_details`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from research.evaluation.metrics import REGRESSION_SCORES, metric_of
from research.report import formats
from research.report.tables import table

NAMED = 8  # columns of the data that are named; the others are only counted


def scores(evaluation: Mapping[str, Any], unit: str = "", model: str = "model") -> Table:
    """The model, called `model`, the ensemble and each baseline, a row each; below a score its 95% interval."""
    found = {model: evaluation["scores"]}
    if evaluation.get("ensemble"):
        found["ensemble of all seeds"] = evaluation["ensemble"]
    found |= evaluation["baselines"]
    shown = [
        name for name in REGRESSION_SCORES if any(formats.is_number(values.get(name)) for values in found.values())
    ]
    rows = [(name, *(_score(metric, values) for metric in shown)) for name, values in found.items()]
    titles = ("Model", *(formats.metric_label(metric, unit) for metric in shown))
    return table(titles, rows, note=f"{formats.count(evaluation['rows'])} rows")


def differences(evaluation: Mapping[str, Any], unit: str = "") -> Table:
    """How much better the mean of all seeds is than each baseline over the same splits: interval, p, Wilcoxon's p.

    A row for each metric that was compared.
    """
    rows = []
    each = [(name, *pair) for name, metrics in evaluation["differences"].items() for pair in metrics.items()]
    for name, metric, difference in each:
        better, *ends = (_gain(metric, difference[end]) for end in ("mean", "high95", "low95"))
        ends = sorted(end for end in ends if end is not None)
        interval = formats.interval(metric, *ends) if len(ends) == 2 else formats.MISSING
        cell = f"{formats.metric(metric, better)}\n{interval}".replace("-", "−")
        tests = (formats.decimal(difference.get(test)) for test in ("p", "wilcoxon_p"))
        rows.append((f"{name}\n{formats.metric_label(metric, unit)}", cell, *tests))
    return table(("Baseline", "Better by", "p", "Wilcoxon p"), rows)


def intervals(evaluation: Mapping[str, Any], unit: str = "") -> Table:
    """The promised and the measured coverage of the intervals; without intervals the reason, or no rows."""
    measured, reason = evaluation["intervals"], evaluation.get("no_intervals")
    if measured is None:
        return table(("Intervals", "Measured"), [("none", reason)] if reason else [])
    ends = formats.interval("interval_coverage", measured["coverage_low95"], measured["coverage_high95"])
    rows = [
        ("meant to hold", formats.percent(measured["target"], 1)),
        ("hold\n95% interval", f"{formats.percent(measured['coverage'], 1)}\n{ends or formats.MISSING}"),
        (f"mean {formats.metric_label('interval_width', unit)}", formats.measure(measured["width"])),
        (formats.metric_label("interval_winkler", unit), formats.measure(measured["winkler"])),
        ("rows of calibration", formats.count(measured["calibration_rows"])),
    ]
    return table(("Intervals", "Measured"), rows)


def left_out(data: Mapping[str, Any]) -> Table:
    """The columns that the model does not see, and why: record["data"]["left_out"]."""
    return table(("Column left out", "Reason"), list((data.get("left_out") or {}).items()), words=2)


def facts(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Target, rows, columns and folds: record["data"] of a table, as (name, value)."""
    columns, folds, repeats = data.get("columns") or {}, data.get("folds") or 0, data.get("repeats") or 1
    target, unit = data.get("target"), data.get("unit")
    values = {
        "target": f"{target}, {unit}" if target and unit else target,
        "rows": ", ".join(f"{formats.count(size)} {split}" for split, size in data.get("sizes", {}).items()),
        "numeric columns": _named(columns.get("numeric") or ()),
        "categorical columns": _named(columns.get("categorical") or ()),
        "columns left out": formats.count(len(data.get("left_out") or {})) if columns else "",
        "folds": f"{folds}{f', drawn {repeats} times' if repeats > 1 else ''}" if folds else "",
    }
    return [(name, str(value)) for name, value in values.items() if value]


def _score(metric: str, values: Mapping[str, Any]) -> str:
    """A score, and below it its interval on two short lines: a phone shows four such columns."""
    value, interval = formats.with_interval(metric, values)
    return "\n".join([value, *interval.replace(" to ", " to\n").splitlines()])


def _gain(metric: str, difference: Any) -> float | None:
    """How much better model - baseline is; above 0 the model is better."""
    return -metric_of(metric).sign * difference + 0.0 if formats.is_number(difference) else None


def _named(columns: Any) -> str:
    """How many `columns` there are, with the names of the first: `36: LotArea, YearBuilt`."""
    more = f" and {formats.count(len(columns) - NAMED)} more" if len(columns) > NAMED else ""
    return f"{formats.count(len(columns))}: {', '.join(columns[:NAMED])}{more}" if columns else ""


def compared(rows: Sequence[Mapping[str, Any]], unit: str = "") -> Table:
    """A row for each run of a comparison: its errors with their intervals, and its difference to the first run.

    Each of `rows` is {"name", "mean", "low95", "high95" (of the mean absolute error), "rmsle" (as `record.measured`
    gives it), "parameters", "seconds", "difference": None or {"mean", "low95", "high95", "p"} of the mean absolute
    error}.
    """
    titles = ("Run", formats.metric_label("mae", unit), "RMSLE", "Difference to the first", "p", "Parameters", "Time")
    note = "p corrected for several comparisons (Holm)" if len(rows) > 2 else ""
    return table(titles, [_compared(row) for row in rows], note=note)


def _compared(row: Mapping[str, Any]) -> tuple[str, ...]:
    difference = row["difference"] or {"mean": None, "low95": None, "high95": None, "p": None}
    ends = formats.interval("mae", difference["low95"], difference["high95"])
    measured = {"mae": dict(row) | {"value": row["mean"]}, "rmsle": row["rmsle"]}
    errors = (_score(name, {name: found["value"]} | _ends(name, found)) for name, found in measured.items())
    away = formats.metric("mae", difference["mean"]) + (f"\n{ends}" if ends else "")
    return (
        row["name"], *errors, away.replace("-", "−"), formats.decimal(difference["p"]),
        formats.count(row["parameters"]), formats.seconds(row["seconds"]),
    )  # fmt: skip


def _ends(name: str, measured: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{name}_{end}": measured[end] for end in ("low95", "high95")}
