"""From a net's outputs to predictions with ends, calibrated on rows that it did not train on."""

from typing import NamedTuple

import numpy as np

from research.config import TableExperiment
from research.evaluation.intervals import fewest_for
from research.evaluation.regression import split_conformal
from research.experiment.tables.loss import LEAST


class Heads(NamedTuple):
    """What a net says of rows, on the scale of the target that it predicts (its logarithm with `log_target`).

    The ends are its own, not calibrated: the outer quantiles, or the middle itself. width: the unit in which the
    distance to the ends is calibrated: 1, or the deviation that the net predicts. Each [...].
    """

    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray
    width: np.ndarray


class Ends(NamedTuple):
    """Predictions and the ends of their intervals, in the target's unit; ends are None without calibration."""

    middle: np.ndarray
    low: np.ndarray | None
    high: np.ndarray | None


def on_scale(config: TableExperiment, target: np.ndarray) -> np.ndarray:
    """The target on the scale that is predicted, its logarithm with `log_target`."""
    return np.log1p(target) if config.data.log_target else target


def in_unit(config: TableExperiment, values: np.ndarray) -> np.ndarray:
    """The inverse of `on_scale`."""
    return np.expm1(values) if config.data.log_target else values


def heads_of(config: TableExperiment, outputs: np.ndarray) -> Heads:
    """The heads of outputs [..., Q + 2] (see `models.tables.TargetScale`)."""
    outputs = outputs.astype(np.float64)
    own, center, scale = outputs[..., :-2], outputs[..., -2], outputs[..., -1]
    if config.prediction.loss == "gaussian":
        middle = own[..., 0] * scale + center
        return Heads(middle, middle, middle, np.exp(np.maximum(own[..., 1], LEAST)) * scale)
    ordered = (
        np.sort(own, axis=-1) * scale[..., None] + center[..., None]
    )  # quantiles of a poorly trained net may cross
    low, middle, high = (ordered[..., index] for index in (0, ordered.shape[-1] // 2, -1))
    return Heads(low, middle, high, np.ones_like(middle))


def mean_heads(several: list[Heads]) -> Heads:
    """The mean of several nets' heads: an ensemble."""
    return Heads(*(np.mean(part, axis=0) for part in zip(*several, strict=True)))


def scores_of(heads: Heads, target: np.ndarray) -> np.ndarray:
    """How far each target lies outside the ends, in widths (Romano et al. 2019, equation 6)."""
    return np.maximum(heads.low - target, target - heads.high) / heads.width


def too_few(rows: int, coverage: float) -> str:
    """Why so many rows calibrate no interval; empty where they do."""
    needed = fewest_for(coverage)
    if rows >= needed:
        return ""
    return f"{rows} held-out rows are too few for {coverage:.0%} intervals, which take {needed}"


def conformal_margin(heads: Heads, target: np.ndarray, coverage: float) -> float | None:
    """How many widths to add at both ends, so that they hold `coverage` of new rows; None for too few rows."""
    return None if too_few(np.size(target), coverage) else split_conformal(scores_of(heads, target).ravel(), coverage)


def ends_of(config: TableExperiment, heads: Heads, margin: float | np.ndarray | None) -> Ends:
    """The predictions and, with `margin` widths at both ends, their intervals, in the target's unit."""
    middle = in_unit(config, heads.middle)
    if margin is None:
        return Ends(middle, None, None)
    low = np.minimum(heads.low - margin * heads.width, heads.middle)
    high = np.maximum(heads.high + margin * heads.width, heads.middle)
    return Ends(middle, in_unit(config, low), in_unit(config, high))
