"""A paired difference in words: which run is better or worse, by how much, or that nothing shows a difference."""

from collections.abc import Mapping
from typing import Any

from research.evaluation.metrics import metric_of
from research.report import formats

LEVEL = 0.05  # of p, the level of the 95% intervals


def difference_text(pair: Mapping[str, Any], metric: str, unit: str = "") -> str:
    """`b is worse than a by 1.20 points (0.30 to 2.10)`, or that they are not shown to differ, and why.

    `pair` is {"a", "b", "mean", "low95", "high95", "p"}: `metric` of a less that of b with its 95% interval, and p
    corrected for the number of comparisons; None where there is no interval. The sentence is about a.
    """
    a, b = pair["a"], pair["b"]
    gain, low, high = _gains(pair, metric)
    if low is None or high is None:
        if not gain:
            return f"{a} and {b} have the same {formats.metric_label(metric)}"
        way = "ahead of" if gain > 0 else "behind"
        return f"{a} is {way} {b} by {amount(metric, gain, unit)}; there is no interval, so that may be chance"
    if is_shown(pair):
        ends = _span(metric, *sorted((abs(low), abs(high))))
        return f"{a} is {'better' if gain > 0 else 'worse'} than {b} by {amount(metric, gain, unit)} ({ends})"
    between = f"between {_way(metric, low, unit)} and {_way(metric, high, unit)}"
    p = f"p = {pair['p']:.2g}" if low <= 0 <= high else f"but p = {pair['p']:.2g} with all comparisons counted"
    return f"{a} is not shown to differ from {b}: {between}, {p}"


def is_shown(pair: Mapping[str, Any]) -> bool:
    """Whether the 95% interval of the difference excludes zero and the corrected p is below the level."""
    low, high, p = pair["low95"], pair["high95"], pair["p"]
    return all(map(formats.is_number, (low, high, p))) and not low <= 0 <= high and p < LEVEL


def amount(metric: str, difference: float, unit: str = "") -> str:
    """The size of a difference of `metric`: `1.20 points` of shares, `11.1 veh/h` of quantities."""
    if metric_of(metric).unit == "share":
        return f"{100 * abs(difference):.2f} points"
    return f"{formats.metric(metric, abs(difference))} {unit if metric_of(metric).unit == 'quantity' else ''}".rstrip()


def _gains(pair: Mapping[str, Any], metric: str) -> tuple[float, float | None, float | None]:
    """By how much a is better than b, and the ends of its interval, the lower first; None where there is none."""
    sign = -metric_of(metric).sign
    ends = [pair[end] for end in ("low95", "high95")]
    if not all(map(formats.is_number, ends)):
        return sign * pair["mean"], None, None
    low, high = sorted(sign * end for end in ends)
    return sign * pair["mean"], low, high


def _way(metric: str, gain: float, unit: str) -> str:
    return f"{amount(metric, gain, unit)} {'better' if gain > 0 else 'worse'}"


def _span(metric: str, low: float, high: float) -> str:
    if metric_of(metric).unit == "share":
        return f"{100 * low:.2f} to {100 * high:.2f}"
    return formats.interval(metric, low, high)
