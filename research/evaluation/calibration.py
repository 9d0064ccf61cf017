"""Calibration of predicted probabilities: Brier score, expected calibration error and the reliability curve."""

from collections.abc import Mapping

import numpy as np

from research.evaluation.intervals import proportion

BINS = 15  # Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4
LEAST = 20  # examples of a merged bin: fewer give an interval as wide as half of the diagram; changes no metric


def reliability(confidence: np.ndarray, correct: np.ndarray, bins: int = BINS) -> dict[str, np.ndarray]:
    """The reliability curve of `confidence` [N] in (0, 1] and `correct` [N] booleans (Guo et al. 2017, section 2).

    Examples are grouped by confidence, the probability of the predicted class, into equal bins of (0, 1]. edges
    [bins + 1]; confidence and accuracy [bins]: means in each bin, NaN where it is empty; count [bins].
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    bin_of = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    count = np.bincount(bin_of, minlength=bins)
    filled = np.where(count > 0, count, np.nan)
    mean_confidence = np.bincount(bin_of, weights=confidence, minlength=bins) / filled
    mean_accuracy = np.bincount(bin_of, weights=correct.astype(np.float64), minlength=bins) / filled
    return {"edges": edges, "confidence": mean_confidence, "accuracy": mean_accuracy, "count": count}


def merged(curve: Mapping[str, np.ndarray], least: int = LEAST) -> dict[str, np.ndarray]:
    """`curve` for drawing, with M <= bins: neighbours are merged from below until each bin has `least` examples.

    What is left above joins the last bin; fewer than `least` examples in all make one bin. low95 and high95 [M] are the
    ends of the accuracy's 95% interval (Wilson). The others are as in `reliability`, without NaN.
    """
    tops = _tops(curve["count"], least)
    starts = np.r_[0, tops[:-1]]
    count = np.add.reduceat(curve["count"], starts)
    right, confidence = (
        np.add.reduceat(np.nan_to_num(curve[name]) * curve["count"], starts) for name in ("accuracy", "confidence")
    )
    ends = np.array([proportion(round(hits), int(trials)) for hits, trials in zip(right, count, strict=True)])
    return {
        "edges": curve["edges"][np.r_[0, tops]],
        "confidence": confidence / count,
        "accuracy": right / count,
        "low95": ends[:, 0],
        "high95": ends[:, 1],
        "count": count,
    }


def _tops(count: np.ndarray, least: int) -> np.ndarray:
    """Where each merged bin ends, as an index into the edges; the last end is that of the last bin."""
    tops, held = [], 0
    for index, examples in enumerate(count):
        held += examples
        if held >= least:
            tops.append(index + 1)
            held = 0
    return np.array([*tops[:-1], len(count)])


def calibration_error(curve: Mapping[str, np.ndarray]) -> float:
    """Expected calibration error: |accuracy - confidence| of the bins, weighted by their counts (Guo et al. 2017)."""
    gaps = np.nan_to_num(np.abs(curve["accuracy"] - curve["confidence"]))
    return float(np.sum(curve["count"] * gaps) / np.sum(curve["count"]))


def brier_score(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean squared distance of `probabilities` [N, K] from the truth, between 0 (best) and 2 (Brier 1950)."""
    truth = np.eye(probabilities.shape[1])[labels]
    return float(np.mean(np.sum((probabilities - truth) ** 2, axis=1)))
