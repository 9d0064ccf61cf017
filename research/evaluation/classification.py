"""Evaluation of a classifier by its logits: accuracy, calibration and mistakes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from research.errors import NotFiniteError
from research.evaluation.calibration import BINS, brier_score, calibration_error, merged, reliability
from research.evaluation.intervals import proportion

MISTAKES = 36  # as many as a 6 x 6 gallery shows; changes no metric


@dataclass(frozen=True)
class Classification:
    """The scores that `evaluate_logits` returns; the report reads them as plain dicts by `dataclasses.asdict`.

    accuracy_low95 and accuracy_high95 bound the accuracy of this one trained model on *new examples* of the same kind;
    the spread between trainings is `intervals.across_seeds`. commonest_class is the accuracy of always predicting
    the commonest class, the best constant answer; chance is 1/K, that of guessing. confusion
    [K, K] counts examples: rows are the truth, columns the predictions.

    calibration_error is over `calibration_bins` equal bins; reliability holds them merged for drawing, as
    `calibration.merged` gives them. per_class: precision, recall, f1 (NaN where undefined: a class that was
    never predicted has no precision) and support, the number of examples, each [K]. mistakes: the wrong predictions
    with the highest confidence first: indices into the examples, truth, predicted and probability, each [M].
    """

    classes: tuple[str, ...]
    examples: int
    accuracy: float
    accuracy_low95: float
    accuracy_high95: float
    commonest_class: float
    chance: float
    loss: float
    brier: float
    calibration_error: float
    calibration_bins: int
    reliability: dict[str, np.ndarray]
    confusion: np.ndarray
    per_class: dict[str, np.ndarray]
    mistakes: dict[str, np.ndarray]

    def metrics(self) -> dict[str, float]:
        """The scalars, flat, for record.json."""
        names = (
            "accuracy",
            "accuracy_low95",
            "accuracy_high95",
            "balanced_accuracy",
            "loss",
            "brier",
            "calibration_error",
        )
        return {name: getattr(self, name) for name in names}

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall of the classes that have examples: the accuracy if all had as many."""
        return float(np.mean(self.per_class["recall"][self.per_class["support"] > 0]))

    def baselines(self) -> dict[str, float]:
        """The accuracies that need no learning."""
        return {"commonest_class": self.commonest_class, "chance": self.chance}


def evaluate_logits(logits: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> Classification:
    """Score `logits` [N, K] (any real numbers, before softmax) against `labels` [N] in 0..K-1 named by `classes` (K).

    loss is the mean cross-entropy in nats, computed in float64. Of equal logits the first class is the prediction.
    Raises UserError when a logit is not finite, ValueError when shapes, labels and classes do not fit together.
    """
    from scipy.special import log_softmax  # slow to import; only needed at the end of a run

    logits, labels = np.asarray(logits, np.float64), np.asarray(labels)
    _check(logits, labels, classes)
    log_probabilities = log_softmax(logits, axis=1)
    probabilities, predicted = np.exp(log_probabilities), np.argmax(logits, axis=1)
    correct, confidence = predicted == labels, np.max(probabilities, axis=1)
    curve = reliability(confidence, correct)
    low, high = proportion(int(np.sum(correct)), len(labels))
    return Classification(
        classes=tuple(classes),
        examples=len(labels),
        accuracy=float(np.mean(correct)),
        accuracy_low95=low,
        accuracy_high95=high,
        commonest_class=float(np.bincount(labels).max() / len(labels)),
        chance=1 / len(classes),
        loss=float(-np.mean(log_probabilities[np.arange(len(labels)), labels])),
        brier=brier_score(probabilities, labels),
        calibration_error=calibration_error(curve),
        calibration_bins=BINS,
        reliability=merged(curve),
        confusion=_confusion(labels, predicted, len(classes)),
        per_class=_per_class(labels, predicted, len(classes)),
        mistakes=_mistakes(labels, predicted, confidence),
    )


def _check(logits: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> None:
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or len(labels) == 0 or logits.shape[1] != len(classes):
        raise ValueError(f"logits {logits.shape}, labels {labels.shape} and {len(classes)} classes do not fit together")
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0 or labels.max() >= len(classes):
        raise ValueError(f"labels must be integers in 0..{len(classes) - 1}")
    broken = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if len(broken):
        raise NotFiniteError(
            f"the model's output is not finite for {len(broken)} of {len(labels)} examples (the first is {broken[0]}): "
            "training diverged; lower the learning rate, or evaluate an earlier checkpoint"
        )


def _confusion(labels: np.ndarray, predicted: np.ndarray, K: int) -> np.ndarray:
    return np.bincount(labels * K + predicted, minlength=K * K).reshape(K, K)


def _per_class(labels: np.ndarray, predicted: np.ndarray, K: int) -> dict[str, np.ndarray]:
    from sklearn.metrics import precision_recall_fscore_support  # slow to import; only needed at the end of a run

    names = np.arange(K)
    scores = precision_recall_fscore_support(labels, predicted, labels=names, zero_division=np.nan)  # pyright: ignore
    return dict(zip(("precision", "recall", "f1", "support"), map(np.asarray, scores), strict=True))


def _mistakes(labels: np.ndarray, predicted: np.ndarray, confidence: np.ndarray) -> dict[str, np.ndarray]:
    wrong = np.flatnonzero(predicted != labels)
    surest = wrong[np.argsort(-confidence[wrong], kind="stable")][:MISTAKES]
    arrays = {"indices": np.arange(len(labels)), "truth": labels, "predicted": predicted, "probability": confidence}
    return {name: array[surest] for name, array in arrays.items()}
