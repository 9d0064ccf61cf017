"""How a series becomes a forecaster's inputs and its outputs forecasts, told for other programs."""

from typing import Any

import numpy as np

from research.config import SeriesExperiment
from research.data.series.durations import format_duration
from research.data.series.reference import Reference
from research.experiment.series.net import Sizes, bounds_of

SLOTS = {
    "mean": "0",
    "day": "seconds since local midnight // seconds of a step",
    "weekday": "seconds since local midnight // seconds of a step + weekday (Monday 0) * steps of a day, rounded up",
}


def preprocessing_of(
    config: SeriesExperiment, columns: tuple[str, ...], sizes: Sizes, reference: Reference, shrink: np.ndarray
) -> dict[str, Any]:
    """How a series becomes the net's inputs, and its outputs forecasts."""
    bounds, data = bounds_of(config.forecast, columns), config.data
    return {
        "columns": columns,
        "context_steps": sizes.context,
        "horizon_steps": sizes.horizon,
        "step": format_duration(reference.step),
        "values": "(value - expected) / spread of each step of the context, computed in float64; 0 where unknown",
        "known": "1 where a value is known, else 0" if sizes.masked else "every value must be known",
        "calendar": data.calendar,
        "calendar_columns": "of context and horizon, for each name sin and cos of 2 pi times: time_of_day, the share "
        "of the day since local midnight; day_of_week, weekday (Monday 0) / 7; time_of_year, day of the year (from 0) "
        "/ its days",
        "forecast": "expected + spread * shrink[step] * output, of the step that is forecast; with quantiles, these in "
        "rising order, the middle one the forecast; then at least lower and at most upper",
        "quantiles": sizes.quantiles,
        "shrink": shrink,
        "lower": bounds.lower,  # infinities are null
        "upper": bounds.upper,
        "missing_steps": "left out: the next step follows" if data.missing == "join" else "",
        "slot": SLOTS[reference.profile.kind],
        "series": {
            name: {"expected_by_slot": table, "spread": spread}
            for name, table, spread in zip(reference.names, reference.table, reference.spread, strict=True)
        },
    }
