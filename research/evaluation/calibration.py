"""Calibration of predicted probabilities: Brier score, expected calibration error and the reliability curve."""

from collections.abc import Mapping

import numpy as np

BINS = 15  # Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4


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


def calibration_error(curve: Mapping[str, np.ndarray]) -> float:
    """Expected calibration error: |accuracy - confidence| of the bins, weighted by their counts (Guo et al. 2017)."""
    gaps = np.nan_to_num(np.abs(curve["accuracy"] - curve["confidence"]))
    return float(np.sum(curve["count"] * gaps) / np.sum(curve["count"]))


def brier_score(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean squared distance of `probabilities` [N, K] from the truth, between 0 (best) and 2 (Brier 1950)."""
    truth = np.eye(probabilities.shape[1])[labels]
    return float(np.mean(np.sum((probabilities - truth) ** 2, axis=1)))
