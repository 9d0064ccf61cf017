"""Impossible forecasts: below zero in a series that never was."""

from collections.abc import Collection, Sequence

import numpy as np

from research.experiment.series.bounds import bound_flag
from research.experiment.series.build import SeriesPlan
from research.experiment.series.evaluate import Forecasts
from research.report.formats import measure


def never_negative(plan: SeriesPlan) -> list[str]:
    """The columns without a known value below zero in any series and part."""
    values = np.concatenate([one.values for series in plan.data.parts.values() for one in series])
    lowest = np.fmin.reduce(values, axis=0)
    return [name for name, least in zip(plan.data.columns, lowest, strict=True) if least >= 0]


def negative_forecasts(forecasts: Forecasts, columns: Sequence[str], never: Collection[str], lower: np.ndarray) -> str:
    """A line that names the flag if forecasts [..., F] or their intervals are below zero in a column of `never`.

    The flag keeps the `lower` bounds [F] of all other columns. Empty where none are below zero.
    """
    least = np.min([each.reshape(-1, len(columns)).min(axis=0) for each in forecasts if each is not None], axis=0)
    wrong = [index for index, name in enumerate(columns) if name in never and least[index] < 0]
    if not wrong:
        return ""
    worst = min(wrong, key=lambda index: least[index])
    was = "was" if len(wrong) == 2 else "were"
    more = f" (nor {was} {len(wrong) - 1} of the others)" if len(wrong) > 1 else ""
    zero = [max(bound, 0.0) if name in never else bound for name, bound in zip(columns, lower, strict=True)]
    return (
        f"{columns[worst]} was never negative{more}, but forecasts or their intervals go down to "
        f"{measure(float(least[worst]))}: with {bound_flag('lower', zero)} they end at 0"
    )
