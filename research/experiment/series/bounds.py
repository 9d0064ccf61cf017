"""Bounds of forecasts: the flag that sets them, and a check of the training values against them."""

from collections.abc import Sequence

import numpy as np

from research.data.series.series_set import Series
from research.errors import UserError, warn
from research.experiment.series.net import Bounds
from research.report.formats import measure

MOST = 0.5  # largest share of a column's training values that may be faults beyond a bound
WRITTEN = 12  # most columns whose bounds are written one by one


def bound_flag(field: str, each: Sequence[float] | np.ndarray) -> str:
    """The flag that gives columns these bounds [F], infinite where there is none: `--forecast.lower 0 None 0`."""
    words = [f"{bound:g}" if np.isfinite(bound) else "None" for bound in each]
    if len(set(words)) == 1:
        return f"--forecast.{field} {words[0]}"
    if len(words) > WRITTEN:
        return f"--forecast.{field} with a number for each column, None for one without"
    return f"--forecast.{field} {' '.join(words)}"


def check_bounds(bounds: Bounds, columns: Sequence[str], train: Sequence[Series]) -> None:
    """Warn of columns with training values beyond a bound; UserError where most of a column's values are."""
    values = np.concatenate([one.values for one in train])
    for field, each in bounds._asdict().items():
        beyond = values < each if field == "lower" else values > each
        share = beyond.sum(axis=0) / np.maximum(np.isfinite(values).sum(axis=0), 1)
        worst = int(share.argmax())
        if not share[worst]:
            continue
        extreme = (np.nanmin if field == "lower" else np.nanmax)(values[:, worst])
        side, known = "below" if field == "lower" else "above", f"{100 * share[worst]:.3g}% of its training values"
        fault = (
            f"forecast.{field} {each[worst]:g} of {columns[worst]}: {known} are {side} it, to {measure(float(extreme))}"
        )
        if share[worst] > MOST:
            fitting = np.where(share > MOST, np.inf, each)
            advice = f"give {bound_flag(field, fitting)}" if np.isfinite(fitting).any() else "leave it out"
            raise UserError(f"{fault}; {advice}")
        warn(fault)
