"""Sections of the page in words: headline, facts, series, settings and origin of a run."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from research.evaluation.metrics import metric_of
from research.report import formats
from research.report.record import measured, series_unit

COLUMNS_NAMED = 8  # columns of a series that are named; the others are only counted

Facts = list[tuple[str, str]]  # (name, value)


def headline(record: Mapping[str, Any], split: str, metric: str, unit: str) -> dict[str, str] | None:
    """The number that the page opens with; None where the record has no such metric.

    title       the number and the metric, in short
    value       the number
    label       the meaning of the number, and its data
    interval    its 95% interval; empty where there is none
    over        the population of the interval
    """
    number = measured(record, split, metric)
    if not formats.is_number(number["value"]):
        return None
    examples = formats.count(record["data"]["sizes"].get(split))
    over = f"over new {unit}: where this one trained model would land on others of the same kind"
    value, name = formats.metric(metric, number["value"]), formats.metric_label(metric)
    measure = series_unit(record) if metric_of(metric).unit == "quantity" else ""
    label = f"{name}{f' in {measure}' if measure else ''} on {examples} {split} {unit}"
    if number["seeds"] > 1:
        over = f"over seeds: where the mean of many more trainings would land on these same {unit}"
        label = f"mean {label}, of {number['seeds']} trainings that differ in their seed"
    interval = formats.interval(metric, number["low95"], number["high95"])
    title = f"{value} {name}"
    return {"title": title, "value": value, "label": label, "interval": interval, "over": over if interval else ""}


def facts(record: Mapping[str, Any], unit: str) -> Facts:
    """Status, device, time, seeds, data and size of a run."""
    seconds, data, first = record["seconds"], record["data"], record["seed"]
    sizes = ", ".join(f"{formats.count(size)} {split}" for split, size in data["sizes"].items())
    rate = record["throughput"]["examples_per_second"]
    several = max((len(over["values"]) for over in record.get("seeds", {}).values()), default=1)
    values = {
        "status": record["status"],
        "data": f"{data['name']}: {sizes} {unit}" if sizes else data["name"],
        "device": record["device"],
        "time": f"{formats.seconds(seconds['total'])}, of which training {formats.seconds(seconds['train'])}"
        f" and compilation {formats.seconds(seconds['compile'])}",
        "speed": f"{formats.short_count(rate)} {unit} a second in training" if rate else "",
        "starts from": record.get("start", {}).get("run", ""),
        "seeds" if several > 1 else "seed": f"{first} to {first + several - 1}" if several > 1 else f"{first}",
        "parameters": _parameters(record["parameters"]),
    }
    return [(name, value) for name, value in values.items() if value]


def origin(record: Mapping[str, Any]) -> Facts:
    """The commit, the data fingerprint and the package versions behind the numbers."""
    values = {"commit": record["commit"], "data fingerprint": record["data"]["fingerprint"]}
    return [(name, str(value)) for name, value in (values | dict(record["versions"])).items() if value]


def series(data: Mapping[str, Any]) -> Facts:
    """Columns, unit, step, context and horizon: record["data"] of a series."""
    columns = list(data.get("columns") or ())
    more = f" and {formats.count(len(columns) - COLUMNS_NAMED)} more" if len(columns) > COLUMNS_NAMED else ""
    values = {
        "columns": ", ".join(columns[:COLUMNS_NAMED]) + more,
        "unit": data.get("unit"),
        "step": data.get("step"),
        "context": data.get("context"),
        "horizon": data.get("horizon"),
    }
    return [(name, str(value)) for name, value in values.items() if value]


def settings(config: Mapping[str, Any]) -> Facts:
    """Every field of a configuration by its flag, `train.epochs`, in order."""
    return [(name, formats.setting(value)) for name, value in _leaves(config, "")]


def epochs(histories: Sequence[Mapping[str, Any]], best_epochs: Sequence[int]) -> str:
    """The number of epochs in the curves, and the epoch of the weights."""
    lengths = sorted({len(history["epoch"]) for history in histories})
    span = " to ".join(map(str, dict.fromkeys((lengths[0], lengths[-1])))) + f" epoch{'s' * (lengths[-1] != 1)}."
    if not best_epochs:
        return span
    best = ", ".join(map(str, best_epochs))
    return f"{span} The saved weights are those of epoch {best}{', by seed' if len(best_epochs) > 1 else ''}."


def _parameters(parameters: Mapping[str, int]) -> str:
    total, trainable = parameters["total"], parameters["trainable"]
    return formats.count(total) + (f", {formats.count(trainable)} of them trained" if trainable != total else "")


def _leaves(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
