"""From trained parameters to numbers: every split, every seed, and what the seeds say together."""

from typing import Any

import jax
import numpy as np

from research.evaluation.classification import Classification, evaluate
from research.evaluation.intervals import SeedInterval, across_seeds
from research.experiment.build import Parts, at_once
from research.experiment.fit import Trained
from research.models.inference import outputs
from research.training.state import chosen, take_seed

Tree = Any


def chosen_parameters(trained: Trained, seed: int) -> Tree:
    """The parameters that `seed` ended on: the best epoch's with early stopping, else the last."""
    return jax.device_get(chosen(take_seed(trained.each, trained.seeds.index(seed))))


def best_epoch(trained: Trained, seed: int) -> int | None:
    """The epoch (from 1) of the chosen parameters; None without early stopping."""
    best = take_seed(trained.each.best, trained.seeds.index(seed))
    return int(best.epoch) if jax.tree.leaves(best.params) and int(best.epoch) else None


def epochs_run(trained: Trained, seed: int) -> int:
    """How many epochs `seed` was trained for."""
    losses = take_seed(trained.each.history, trained.seeds.index(seed))["train/loss"]
    return int(np.isfinite(losses).sum())


def judge(parts: Parts, params: Tree) -> dict[str, Classification]:
    """The classification of every split that holds pictures, by split name."""
    splits = {"train": parts.data.train, "validation": parts.data.validation, "test": parts.data.test}
    return {
        name: evaluate(
            outputs(parts.apply, params, parts.inputs[name], batch_size=at_once(parts.inputs[name])),
            np.asarray(split.labels),
            parts.data.classes,
        )
        for name, split in splits.items()
        if len(split.labels)
    }


def flat_metrics(judged: dict[str, Classification]) -> dict[str, float]:
    """`{"test/accuracy": ...}` of all splits, without the ends of intervals: what seeds are compared by."""
    ends = ("_low95", "_high95")
    return {
        f"{split}/{name}": value
        for split, found in judged.items()
        for name, value in found.metrics().items()
        if not name.endswith(ends)
    }


def over_seeds(per_seed: list[dict[str, float]]) -> dict[str, SeedInterval]:
    """Mean, std and 95% interval of every metric over the seeds."""
    return {name: across_seeds([metrics[name] for metrics in per_seed]) for name in per_seed[0]}
