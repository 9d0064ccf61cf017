"""Do the probabilities mean what they say? Brier score, expected calibration error and the reliability curve."""

from dataclasses import dataclass

import numpy as np

BINS = 15  # Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4


@dataclass(frozen=True)
class Reliability:
    """Examples gathered by confidence (the probability of the predicted class) into equal bins of (0, 1].

    edges [bins + 1]; confidence and accuracy [bins]: means in each bin, NaN where it is empty; count [bins].
    """

    edges: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray


def reliability(confidence: np.ndarray, correct: np.ndarray, bins: int = BINS) -> Reliability:
    """The reliability curve of `confidence` [N] in (0, 1] and `correct` [N] booleans (Guo et al. 2017, section 2)."""
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    filled = np.where(count > 0, count, np.nan)
    mean_confidence = np.bincount(place, weights=confidence, minlength=bins) / filled
    mean_accuracy = np.bincount(place, weights=correct.astype(np.float64), minlength=bins) / filled
    return Reliability(edges, mean_confidence, mean_accuracy, count)


def calibration_error(curve: Reliability) -> float:
    """Expected calibration error: |accuracy - confidence| of the bins, weighted by their counts (Guo et al. 2017)."""
    gaps = np.nan_to_num(np.abs(curve.accuracy - curve.confidence))
    return float(np.sum(curve.count * gaps) / np.sum(curve.count))


def brier_score(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean squared distance of `probabilities` [N, K] from the truth, between 0 (best) and 2 (Brier 1950)."""
    truth = np.eye(probabilities.shape[1])[labels]
    return float(np.mean(np.sum((probabilities - truth) ** 2, axis=1)))
