"""The evaluation of a trained classifier on every split."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from research.evaluation import classification
from research.evaluation.classification import Classification
from research.experiment.histories import headline_split
from research.experiment.images.build import SPLITS, ImagePlan, inference_batch_size
from research.models.inference import outputs
from research.report.classification_text import learned_nothing

Tree = Any


def evaluate(plan: ImagePlan, folds: Sequence[Tree]) -> dict[str, Classification]:
    """The classification of every split that holds pictures, by split name; pictures have one fold."""
    [variables], found = folds, {}
    for name in SPLITS:
        labels = plan.data.labels[name]
        if len(labels):
            logits = outputs(
                plan.apply, variables, plan.inputs[name], batch_size=inference_batch_size(plan.inputs[name])
            )
            found[name] = classification.evaluate_logits(logits, np.asarray(labels), plan.data.classes)
    return found


def baseline_fields(evaluations: Mapping[int, Mapping[str, Classification]]) -> dict[str, Any]:
    """Fields of the record: "baselines" {split: {name: accuracy}}, and "learned_nothing" {seed: reason}.

    `evaluations` are those of every seed.
    """
    first = next(iter(evaluations.values()), {})
    reasons = {str(seed): _learned_nothing(splits) for seed, splits in evaluations.items()}
    return {
        "baselines": {split: evaluation.baselines() for split, evaluation in first.items()},
        "learned_nothing": {seed: why for seed, why in reasons.items() if why},
    }


def _learned_nothing(splits: Mapping[str, Classification]) -> str:
    numbers = {split: evaluation.metrics() | evaluation.baselines() for split, evaluation in splits.items()}
    return learned_nothing(numbers, headline_split(splits))
