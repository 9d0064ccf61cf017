"""How numbers are written for people, in the terminal and on the page alike."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

MISSING = "–"
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_WORDS = {
    "brier": "Brier score",
    "mae": "MAE",
    "rmse": "RMSE",
    "mape": "MAPE",
    "smape": "sMAPE",
    "mase": "MASE",
    "winkler": "Winkler score",
}


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


def measure(value: Any) -> str:
    """Four significant digits of a measured quantity, all digits before the point: `52.03`, `6.400`, `12,345`."""
    if not is_number(value):
        return MISSING
    return f"{value:,.{decimals(value)}f}" if value == 0 or 1e-4 <= abs(value) < 1e9 else f"{value:.3e}"


def decimals(value: float) -> int:
    """How many digits after the point make four significant ones."""
    return max(0, 3 - int(f"{value:.3e}".split("e")[1]))


def duration(hours: Any) -> str:
    """`5 min`, `1.5 h`, `24 h`; whole days from three on: `7 d`."""
    if not is_number(hours):
        return MISSING
    if hours < 1:
        return f"{60 * hours:.3g} min"
    return f"{hours / 24:g} d" if hours >= 72 and hours % 24 == 0 else f"{hours:.4g} h"


def is_share(name: str) -> bool:
    """Whether the metric `name` is a share, of examples or of the truth, written as a percentage."""
    return _kind(name) in {"accuracy", "precision", "recall", "f1", "mape", "smape", "coverage"}


def is_quantity(name: str) -> bool:
    """Whether the metric `name` is in the unit of what is measured."""
    return _kind(name) in {"mae", "rmse", "width", "winkler"}


def metric_label(name: str, unit: str = "") -> str:
    """The name of a metric in words: `calibration error`, and `MAE, veh/h` where `unit` is what it is measured in."""
    label = " ".join(_WORDS.get(word, word) for word in name.split("_"))
    return f"{label}, {unit}" if unit and is_quantity(name) else label


def metric(name: str, value: Any) -> str:
    """The value of a metric in its own notation: shares in percent, quantities with four digits, hours as `07:00`."""
    if is_share(name):
        return percent(value)
    if is_quantity(name) or not is_number(value):
        return measure(value)
    if name.endswith("_hour"):
        return f"{value:02.0f}:00"
    return f"{value:.3f}" if _kind(name) == "mase" else decimal(value)


def interval(name: str, low: Any, high: Any) -> str:
    """`99.13–99.45%` or `0.0201 to 0.0225`; empty where an end is unknown."""
    if not (is_number(low) and is_number(high)):
        return ""
    if is_share(name):
        return f"{100 * low:.2f}–{100 * high:.2f}%"
    return span(low, high) if is_quantity(name) else f"{metric(name, low)} to {metric(name, high)}"


def span(low: float, high: float) -> str:
    """`94.9 to 113.9`: both ends of a quantity to the digits of the larger."""
    digits = decimals(max(abs(low), abs(high)))
    return f"{low:,.{digits}f} to {high:,.{digits}f}"


def metric_names(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The metrics of all splits in order of appearance, without the ends of intervals (they go with their metric)."""
    names = dict.fromkeys(name for split in metrics.values() for name in split)
    return [name for name in names if not name.endswith(("_low95", "_high95"))]


def with_interval(name: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """A metric of one split and its 95% interval (empty without one) from `values`, a split of record["metrics"]."""
    low, high = values.get(f"{name}_low95"), values.get(f"{name}_high95")
    return metric(name, values.get(name)), interval(name, low, high)


def _kind(name: str) -> str:
    """`accuracy` of `test/accuracy_low95`, `coverage` of `interval_worst_hour_coverage`."""
    return name.rsplit("/", 1)[-1].removeprefix("interval_").removeprefix("worst_hour_").split("_")[0]
