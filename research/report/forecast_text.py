"""A forecast in words: its comparison with baselines, the coverage of its intervals, and its number of days."""

from collections.abc import Mapping
from typing import Any

from research.evaluation.metrics import metric_of
from research.report import formats

# Fewer days than these are called few: in samples this small the Diebold-Mariano test finds differences
# too often where there are none (Harvey, Leybourne and Newbold 1997).
FEW_DAYS = 30


def best_baseline(evaluation: Mapping[str, Any]) -> tuple[str, float] | None:
    """Name and MAE, in the unit of the series, of the baseline with the least MAE; None where no MAE is known."""
    errors = {name: scores["overall"]["mae"] for name, scores in evaluation["baselines"].items()}
    known = [(name, mae) for name, mae in errors.items() if formats.is_number(mae)]
    return min(known, key=lambda baseline: metric_of("mae").sort_key(baseline[1]), default=None)


def verdict(mae: float | None, evaluation: Mapping[str, Any], unit: str = "") -> str:
    """One sentence that compares the model's `mae` with the best baseline's; empty where one is unknown."""
    best = best_baseline(evaluation)
    if best is None or mae is None or not formats.is_number(mae):
        return ""
    name, least = best
    sentence = f"The best baseline, {name}, has {quantity(least, unit)}"
    if formats.measure(mae) == formats.measure(least):
        return f"{sentence}: the same as the model."
    by = f"{abs(mae - least):,.{formats.decimals(least)}f} {unit}".rstrip()
    share = f", {formats.percent(abs(mae / least - 1), 1)}" if least else ""
    return f"{sentence}: the {'model' if mae < least else 'baseline'} does better by {by}{share}."


def few_training_days(mae: float | None, evaluation: Mapping[str, Any], training_days: int | None) -> str:
    """The number of training days, where they are few and the model is worse than the best baseline; else empty."""
    best = best_baseline(evaluation)
    if best is None or mae is None or not mae > best[1] or training_days is None or training_days >= FEW_DAYS:
        return ""
    counted = f"{formats.count(training_days)} day{'' if training_days == 1 else 's'}"
    return f" It had {counted} to learn from: too few to separate daily patterns from single days."


def partial_baselines(stated: Mapping[str, float], evaluation: Mapping[str, Any], unit: str = "") -> str:
    """The errors in record["data"]["baselines"] of a split that the table lacks: those over a part of the windows."""
    table = {formats.measure(scores["overall"]["mae"]) for scores in evaluation["baselines"].values()}
    partial = {name: mae for name, mae in stated.items() if name not in evaluation["baselines"]}
    more = [f"{name}: {quantity(mae, unit)}" for name, mae in partial.items() if formats.measure(mae) not in table]
    return f"On the windows with a complete season before them, {'; '.join(more)}." if more else ""


def coverage_text(intervals: Mapping[str, Any], split: str) -> str:
    """One sentence: the share of the truth inside the intervals, overall and in the worst hour of the day."""
    target = formats.percent(intervals["target"], 0)
    sentence = f"{formats.percent(intervals['coverage'], 1)} of the {split} truth lay in its {target} interval"
    worst = worst_hour(intervals)
    return (
        f"{sentence}; {formats.percent(intervals['worst_coverage'], 1)} in the worst hour, {worst}."
        if worst
        else f"{sentence}."
    )


def worst_hour(intervals: Mapping[str, Any]) -> str:
    """The hour of day with the lowest coverage, `07:00–08:00`; empty where it is unknown."""
    hour = intervals["worst_hour"]
    return f"{int(hour):02d}:00–{int(hour) + 1:02d}:00" if formats.is_number(hour) else ""


def days(number: int, split: str = "test") -> str:
    """`15 test days: few`: the days behind a result, since overlapping windows are not independent."""
    counted = f"{formats.count(number)} {split} day{'' if number == 1 else 's'}"
    return f"{counted}: few" if number < FEW_DAYS else counted


def quantity(value: Any, unit: str = "") -> str:
    """`52.03 veh/h`."""
    return f"{formats.measure(value)} {unit}".rstrip()
