"""How numbers are written for people, in the terminal and on the page alike."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

MISSING = "–"
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def is_number(value: Any) -> bool:
    """Whether `value` is a finite number (None, NaN and infinities come from runs that did not finish)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def count(value: Any) -> str:
    """`93,322`."""
    return f"{value:,.0f}" if is_number(value) else MISSING


def short_count(value: Any) -> str:
    """Three digits and a unit: `86.7 M` for 86,704,128."""
    if not is_number(value) or abs(value) < 1000:
        return count(value)
    size, unit = next((size, unit) for size, unit in _UNITS if abs(value) >= size)
    return f"{value / size:.3g} {unit}"


def shape(sizes: Sequence[int] | None) -> str:
    """`28×28×32`."""
    return "×".join(str(size) for size in sizes) if sizes else MISSING


def percent(value: Any, digits: int = 2) -> str:
    """`99.31%` for 0.9931."""
    return f"{100 * value:.{digits}f}%" if is_number(value) else MISSING


def decimal(value: Any) -> str:
    """Four decimals; where that would leave fewer than three digits, scientific: `0.0213`, `3.42e-05`."""
    if not is_number(value):
        return MISSING
    return f"{value:.4f}" if value == 0 or abs(value) >= 0.01 else f"{value:#.3g}"


def seconds(value: Any) -> str:
    """`0.42 s`, `37.1 s`, `12 min 05 s`, `3 h 20 min`."""
    if not is_number(value):
        return MISSING
    if value < 59.95:  # what rounds to 60.0 is a minute
        return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def is_share(name: str) -> bool:
    """Whether the metric `name` is a share of examples, written as a percentage."""
    return name.rsplit("/", 1)[-1].split("_")[0] in {"accuracy", "precision", "recall", "f1"}


def metric_label(name: str) -> str:
    """The name of a metric in words: `calibration error`."""
    return "Brier score" if name == "brier" else name.replace("_", " ")


def metric(name: str, value: Any) -> str:
    """The value of a metric in its own notation: shares in percent, anything else as a decimal."""
    return percent(value) if is_share(name) else decimal(value)


def interval(name: str, low: Any, high: Any) -> str:
    """`99.13–99.45%` or `0.0201 to 0.0225`; empty where an end is unknown."""
    if not (is_number(low) and is_number(high)):
        return ""
    return f"{100 * low:.2f}–{100 * high:.2f}%" if is_share(name) else f"{decimal(low)} to {decimal(high)}"


def metric_names(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The metrics of all splits in order of appearance, without the ends of intervals (they go with their metric)."""
    names = dict.fromkeys(name for split in metrics.values() for name in split)
    return [name for name in names if not name.endswith(("_low95", "_high95"))]


def with_interval(name: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """A metric of one split and its 95% interval (empty without one) from `values`, a split of record["metrics"]."""
    low, high = values.get(f"{name}_low95"), values.get(f"{name}_high95")
    return metric(name, values.get(name)), interval(name, low, high)
