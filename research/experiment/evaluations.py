"""What a training ended on: its variables, best epoch and metrics, of one seed and over several."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import jax
import numpy as np

from research.evaluation.intervals import SeedInterval, across_seeds
from research.evaluation.metrics import ENDS, metric_of
from research.experiment.training import Trained
from research.training.state import chosen_variables, take_member

Tree = Any


class Evaluation(Protocol):
    """The evaluation of a split: a frozen dataclass with its metrics."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def metrics(self) -> dict[str, float]:
        """{name: value}; NAME_low95 and NAME_high95 are the ends of NAME's 95% interval."""
        ...


Evaluations = Mapping[str, Evaluation]  # by split


def chosen(trained: Trained, seed: int) -> Tree:
    """The variables that `seed` ended on: the best epoch's with early stopping, else the last."""
    return chosen_variables(take_member(trained.each, trained.seeds.index(seed)))


def best_epoch(trained: Trained, seed: int) -> int | None:
    """The epoch (from 1) of the chosen parameters; None without early stopping."""
    best = take_member(trained.each.best, trained.seeds.index(seed))
    return int(best.epoch) if jax.tree.leaves(best.params) and int(best.epoch) else None


def best_epochs(groups: Sequence[Trained]) -> list[int]:
    """The best epoch of every seed that has one, in the order of the seeds."""
    epochs = [best_epoch(group, seed) for group in groups for seed in group.seeds]
    return [epoch for epoch in epochs if epoch is not None]


def epochs_run(trained: Trained, seed: int) -> int:
    """How many epochs `seed` was trained for."""
    losses = take_member(trained.each.history, trained.seeds.index(seed))["train/loss"]
    return int(np.isfinite(losses).sum())


def flat_metrics(evaluations: Evaluations) -> dict[str, float]:
    """`{"test/accuracy": ...}` of all splits, without the ends of intervals: what seeds are compared by."""
    return {
        f"{split}/{name}": value
        for split, found in evaluations.items()
        for name, value in found.metrics().items()
        if not name.endswith(ENDS)
    }


def over_seeds(per_seed: list[dict[str, float]]) -> dict[str, SeedInterval]:
    """Mean, std and 95% interval of every metric over the seeds, within the metric's own bounds."""
    return {
        name: across_seeds([metrics[name] for metrics in per_seed], metric_of(name).low, metric_of(name).high)
        for name in per_seed[0]
    }
