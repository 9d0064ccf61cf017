"""The one table of metrics: name, unit, bounds, direction and digits of each.

It imports nothing of this package, so training, evaluation and report can all use it. A new metric is a new row.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

ENDS = ("_low95", "_high95")  # NAME_low95 and NAME_high95 are the ends of NAME's 95% interval

Better = Literal["lower", "higher", "neither"]


@dataclass(frozen=True)
class Metric:
    """One metric.

    unit: "share" (of 1, written in percent), "quantity" (in the unit of what is measured) or "number" (no
    unit). low and high: its bounds by definition. better: which direction is better. digits: after the
    point, of a percentage or a number; None leaves four significant digits (quantities), or four decimals (numbers).
    """

    name: str
    label: str
    unit: Literal["share", "quantity", "number"]
    low: float
    high: float
    better: Better
    digits: int | None = None

    @property
    def sign(self) -> float:
        """The factor that makes smaller values better: 1 or -1. ValueError for a metric without a direction."""
        if self.better == "neither":
            raise ValueError(f"neither lower nor higher {self.label} is better")
        return 1.0 if self.better == "lower" else -1.0

    def sort_key(self, value: float | None) -> float:
        """The key that sorts values best first; unknown ones (None, NaN, infinite) are last."""
        return self.sign * value if value is not None and math.isfinite(value) else math.inf

    def bounded(self, end: float | None) -> float | None:
        """The end of an interval, clipped to the metric's bounds; None stays None."""
        return None if end is None else min(max(end, self.low), self.high)


def _share(name: str, label: str, high: float = 1.0, better: Better = "higher") -> Metric:
    return Metric(name, label, "share", 0.0, high, better, digits=2)


def _quantity(name: str, label: str) -> Metric:
    return Metric(name, label, "quantity", 0.0, math.inf, "lower")


def _number(
    name: str,
    label: str,
    high: float = math.inf,
    digits: int | None = None,
    *,
    low: float = 0.0,
    better: Better = "lower",
) -> Metric:
    return Metric(name, label, "number", low, high, better, digits)


ROWS = (
    _number("loss", "loss"),
    _share("accuracy", "accuracy"),
    _share("balanced_accuracy", "balanced accuracy"),  # the mean of the classes' recalls
    _share("precision", "precision"),
    _share("recall", "recall"),
    _share("f1", "F1"),
    _number("brier", "Brier score", 2.0),  # the sum over classes (Brier 1950)
    _number("calibration_error", "calibration error, 15 bins", 1.0),
    _quantity("mae", "MAE"),
    _quantity("rmse", "RMSE"),
    _number("rmsle", "RMSLE", digits=4),  # of log(1 + y)
    _number("r2", "R²", 1.0, digits=3, low=-math.inf, better="higher"),  # 0 for the mean of the truth
    _share("mape", "MAPE", math.inf, "lower"),
    _share("smape", "sMAPE", 2.0, "lower"),  # 2 |f - y| / (|f| + |y|)
    _number("mase", "MASE", digits=3),
    _number("scaled_mae", "scaled MAE"),
    _share("interval_coverage", "interval coverage", better="neither"),  # best where it equals the coverage asked for
    _share("interval_worst_hour_coverage", "interval worst hour coverage", better="neither"),
    _quantity("interval_width", "interval width"),
    _quantity("interval_winkler", "interval Winkler score"),
)
REGRESSION_SCORES = ("mae", "rmse", "rmsle", "r2")  # in the order of tables
FORECAST_ERRORS = ("mae", "rmse", "mape", "smape", "mase")  # in the order of tables
_BY_NAME = {row.name: row for row in ROWS}


def metric_of(name: str) -> Metric:
    """The row of `name`, which may have a split as prefix and an interval's end as suffix: `test/mae_low95`.

    Raises ValueError for a metric without a row.
    """
    bare = name.rsplit("/", 1)[-1]
    for end in ENDS:
        bare = bare.removesuffix(end)
    if bare not in _BY_NAME:
        raise ValueError(f"no metric {bare!r} in research/evaluation/metrics.py; give it a row there")
    return _BY_NAME[bare]


def metric_names(names: Iterable[str]) -> list[str]:
    """`names` without repetitions and without the ends of intervals, which go with their metric."""
    return [name for name in dict.fromkeys(names) if not name.endswith(ENDS)]
