"""A regression in words: its comparison with the best baseline, the seeds' mean, and the coverage of its intervals."""

from collections.abc import Mapping
from typing import Any

from research.evaluation.metrics import metric_of
from research.report import formats


def best_baseline(evaluation: Mapping[str, Any]) -> tuple[str, float] | None:
    """Name and MAE of the baseline with the least MAE; None where no MAE is known."""
    known = [(name, scores.get("mae")) for name, scores in evaluation["baselines"].items()]
    known = [(name, mae) for name, mae in known if formats.is_number(mae)]
    return min(known, key=lambda baseline: metric_of("mae").sort_key(baseline[1]), default=None)


def verdict(mae: float | None, evaluation: Mapping[str, Any], unit: str = "") -> str:
    """Whether the model, with this `mae`, is better than the best baseline, by how much, and how sure that is.

    The measured difference over splits decides where the evaluation has one; empty where too little is known.
    """
    best = best_baseline(evaluation)
    if best is None:
        return ""
    name, least = best
    difference = evaluation["differences"].get(name, {}).get("mae")
    if difference and formats.is_number(difference["mean"]):
        return _over_splits(name, difference, unit)
    if mae is None or not formats.is_number(mae):
        return ""
    if formats.measure(mae) == formats.measure(least):
        return f"The best baseline, {name}, has the same MAE as the model, {quantity('mae', least, unit)}."
    share = f", {formats.percent(abs(mae / least - 1), 1)}" if least else ""
    return (
        f"The model is {'better' if mae < least else 'worse'} than the best baseline, {name}, whose MAE is "
        f"{quantity('mae', least, unit)}: by {quantity('mae', abs(mae - least), unit)}{share}. "
        "One split cannot tell how much of that is chance."
    )


def _over_splits(name: str, difference: Mapping[str, Any], unit: str) -> str:
    """`difference` is model - baseline in MAE, with the ends of its 95% interval."""
    mean, low, high = difference["mean"], difference["low95"], difference["high95"]
    amount = quantity("mae", abs(mean), unit)
    by = f"its MAE is {'lower' if mean < 0 else 'higher'} by {amount}" if mean else "its MAE is the same"
    if not (formats.is_number(low) and formats.is_number(high)):
        return f"The model against the best baseline, {name}: {by}. That rests on too few splits for an interval."
    if low <= 0 <= high:
        ends = f"from {formats.metric('mae', -low)} lower to {quantity('mae', high, unit)} higher"
        return f"The model is not shown to differ from the best baseline, {name}: {by}, and the 95% interval is {ends}."
    ends = formats.interval("mae", *sorted((abs(low), abs(high))))
    return (
        f"The model is {'better' if mean < 0 else 'worse'} than the best baseline, {name}: {by} (95% interval {ends})."
    )


def ensemble_text(evaluation: Mapping[str, Any], unit: str = "") -> str:
    """The MAE of the mean of all seeds' predictions beside that of one model; empty where there is none."""
    ensemble, mae = evaluation.get("ensemble"), evaluation["scores"].get("mae")
    if not ensemble or not formats.is_number(ensemble.get("mae")):
        return ""
    sentence = (
        f"The ensemble, the mean of all seeds' predictions, has an MAE of {quantity('mae', ensemble['mae'], unit)}"
    )
    if not formats.is_number(mae) or formats.measure(mae) == formats.measure(ensemble["mae"]):
        return f"{sentence}."
    way = "less" if ensemble["mae"] < mae else "more"
    return f"{sentence}, {quantity('mae', abs(ensemble['mae'] - mae), unit)} {way} than one model's."


def coverage_text(intervals: Mapping[str, Any], rows: int, split: str) -> str:
    """The share of the truth inside the intervals, and whether that agrees with the promise."""
    target, low, high = intervals["target"], intervals["coverage_low95"], intervals["coverage_high95"]
    sentence = (
        f"The intervals are meant to hold {formats.percent(target, 0)} of new rows; they held "
        f"{formats.percent(intervals['coverage'], 1)} of {formats.count(rows)} {split} rows"
    )
    ends = formats.interval("interval_coverage", low, high)
    if not ends:
        return f"{sentence}."
    agrees = "in agreement with the promise"
    if high < target:
        agrees = "less than promised"
    elif low > target:
        agrees = "more than promised: they are wider than they need to be"
    return f"{sentence} (95% interval {ends}), {agrees}."


def quantity(metric: str, value: Any, unit: str = "") -> str:
    """A value of `metric` with its unit, where it has one: `17,802 USD`, `0.1234`."""
    return f"{formats.metric(metric, value)} {unit if metric_of(metric).unit == 'quantity' else ''}".rstrip()
