"""From trained parameters to numbers: how well every split is classified."""

from typing import Any

import numpy as np

from research.evaluation.classification import Classification, evaluate
from research.experiment.images.build import SPLITS, Parts, at_once
from research.models.inference import outputs

Tree = Any


def judge(parts: Parts, params: Tree) -> dict[str, Classification]:
    """The classification of every split that holds pictures, by split name."""
    found = {}
    for name in SPLITS:
        labels = getattr(parts.data, name).labels
        if len(labels):
            logits = outputs(parts.training.apply, params, parts.inputs[name], batch_size=at_once(parts.inputs[name]))
            found[name] = evaluate(logits, np.asarray(labels), parts.data.classes)
    return found
