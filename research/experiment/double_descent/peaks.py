"""The peaks of named curves, as record.json holds them."""

import dataclasses
from typing import Any

import numpy as np

from research.double_descent.peaks import find_peak
from research.report.double_descent import Unit


def peak_fields(curve: str, unit: Unit, positions: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    """The peak of `values` [S, X] over `positions` [X], with a position of None where there is none.

    least, least_at  the lowest mean over seeds and its position: where early stopping would end, or the best width
    last             the mean over seeds at the last position
    """
    mean = values.mean(axis=0)
    found = find_peak(positions, values)
    fields = {"position": None} if found is None else dataclasses.asdict(found)
    best = int(mean.argmin())
    ends = {"least": float(mean[best]), "least_at": float(positions[best]), "last": float(mean[-1])}
    return {"curve": curve, "unit": unit} | fields | ends
