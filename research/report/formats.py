"""The format of numbers for people, in the terminal and on the page."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from research.evaluation.metrics import metric_of

MISSING = "–"
MONTH = 365.2425 * 24 / 12  # hours of a mean month: 400 years of the Gregorian calendar have 146,097 days
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def is_number(value: Any) -> bool:
    """Whether `value` is a finite number (runs that did not finish have None, NaN and infinities)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def count(value: Any) -> str:
    """`93,322`."""
    return f"{value:,.0f}" if is_number(value) else MISSING


def pixels(number: int) -> str:
    """1 pixel, 3 pixels."""
    return f"{number} pixel{'s' if number > 1 else ''}"


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


def setting(value: Any) -> str:
    """The value of a field of a configuration: words as they are, all else as in JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def seconds(value: Any) -> str:
    """`0.42 s`, `37.1 s`, `12 min 05 s`, `3 h 20 min`."""
    if not is_number(value):
        return MISSING
    if value < 59.95:  # values that round to 60.0 s are a minute
        return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def measure(value: Any) -> str:
    """Four significant digits of a measured quantity, all digits before the point: `52.03`, `6.400`, `12,345`."""
    if not is_number(value):
        return MISSING
    return f"{value:,.{decimals(value)}f}" if value == 0 or 1e-4 <= abs(value) < 1e9 else f"{value:.3e}"


def decimals(value: float) -> int:
    """The number of digits after the point for four significant ones."""
    return max(0, 3 - int(f"{value:.3e}".split("e")[1]))


def in_months(hours: float) -> bool:
    """Whether so many hours are whole mean months, the count for steps of months."""
    return hours >= 1 and math.isclose(hours / MONTH, round(hours / MONTH), rel_tol=1e-9)


def duration(hours: Any) -> str:
    """`5 min`, `1.5 h`, `24 h`; whole days from three on: `7 d`; mean months: `1 month`."""
    if not is_number(hours):
        return MISSING
    if in_months(hours):
        return f"{hours / MONTH:.0f} month{'' if hours < 1.5 * MONTH else 's'}"
    if hours < 1:
        return f"{60 * hours:.3g} min"
    return f"{hours / 24:g} d" if hours >= 72 and hours % 24 == 0 else f"{hours:.4g} h"


def metric_label(name: str, unit: str = "") -> str:
    """The name of a metric in words: `calibration error, 15 bins`, and `MAE, veh/h` with a `unit`."""
    row = metric_of(name)
    return f"{row.label}, {unit}" if unit and row.unit == "quantity" else row.label


def metric(name: str, value: Any) -> str:
    """The value of a metric in its own notation: shares in percent, quantities with four digits."""
    row = metric_of(name)
    if not is_number(value):
        return MISSING
    if row.unit == "share":
        return percent(value, row.digits or 0)
    if row.unit == "quantity":
        return measure(value)
    return decimal(value) if row.digits is None else f"{value:.{row.digits}f}"


def interval(name: str, low: Any, high: Any) -> str:
    """`99.13–99.45%` or `0.0201 to 0.0225`; empty where an end is unknown."""
    row = metric_of(name)
    if not (is_number(low) and is_number(high)):
        return ""
    if row.unit == "share":
        return f"{100 * low:.{row.digits}f}–{metric(name, high)}"
    return span(low, high) if row.unit == "quantity" else f"{metric(name, low)} to {metric(name, high)}"


def span(low: float, high: float) -> str:
    """`94.9 to 113.9`: both ends of a quantity to the digits of the larger."""
    digits = decimals(max(abs(low), abs(high)))
    return f"{low:,.{digits}f} to {high:,.{digits}f}"


def with_interval(name: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """A metric of one split and its 95% interval (empty without one) from `values`, a split of record["metrics"]."""
    low, high = values.get(f"{name}_low95"), values.get(f"{name}_high95")
    return metric(name, values.get(name)), interval(name, low, high)
