"""From trained parameters to numbers: how well every split is classified."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from research.evaluation.classification import Classification, evaluate
from research.experiment.histories import headline_split
from research.experiment.images.build import SPLITS, Parts, at_once
from research.models.inference import outputs
from research.report.classification_text import learned_nothing

Tree = Any


def judge(parts: Parts, variables: Tree) -> dict[str, Classification]:
    """The classification of every split that holds pictures, by split name."""
    found = {}
    for name in SPLITS:
        labels = getattr(parts.data, name).labels
        if len(labels):
            logits = outputs(
                parts.training.apply, variables, parts.inputs[name], batch_size=at_once(parts.inputs[name])
            )
            found[name] = evaluate(logits, np.asarray(labels), parts.data.classes)
    return found


def verdict(judged: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """For the record: {"baselines": {split: {name: accuracy}}}, and {"learned_nothing": {seed: why}} of seeds that did.

    `judged` holds what `judge` found for every seed.
    """
    first = next(iter(judged.values()), {})
    found = {"baselines": {split: each.baselines() for split, each in first.items()}}
    nothing = {str(seed): _learned_nothing(each) for seed, each in judged.items()}
    return found | {"learned_nothing": {seed: why for seed, why in nothing.items() if why}}


def _learned_nothing(found: Mapping[str, Classification]) -> str:
    numbers = {split: each.metrics() | each.baselines() for split, each in found.items()}
    return learned_nothing(numbers, headline_split(found))
