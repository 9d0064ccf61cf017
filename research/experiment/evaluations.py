"""The results of a training: its best epoch and metrics, for one seed and over several."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np

from research.evaluation.intervals import SeedInterval, across_seeds
from research.evaluation.metrics import ENDS, metric_of
from research.training.state import TrainState, chosen_epoch
from research.trees import named_leaves


class Evaluation(Protocol):
    """The evaluation of a split: a frozen dataclass with its metrics."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def metrics(self) -> dict[str, float]:
        """{name: value}; NAME_low95 and NAME_high95 are the ends of NAME's 95% interval."""
        ...


Evaluations = Mapping[str, Evaluation]  # by split


def best_epoch(member: TrainState) -> int | None:
    """The epoch (from 1) of the chosen parameters; None where they are the last."""
    return chosen_epoch(named_leaves(member))


def best_epochs(members: Sequence[TrainState]) -> list[int]:
    """The best epoch of every member that has one, in their order."""
    return [epoch for epoch in map(best_epoch, members) if epoch is not None]


def epochs_run(member: TrainState) -> int:
    """The number of epochs that a member was trained for."""
    return int(np.isfinite(member.history["train/loss"]).sum())


def flat_metrics(evaluations: Evaluations) -> dict[str, float]:
    """`{"test/accuracy": ...}` of all splits, without the ends of intervals, for the comparison of seeds."""
    return {
        f"{split}/{name}": value
        for split, found in evaluations.items()
        for name, value in found.metrics().items()
        if not name.endswith(ENDS)
    }


def over_seeds(per_seed: list[dict[str, float]]) -> dict[str, SeedInterval]:
    """Mean, std and 95% interval over the seeds of every metric that all have, within the metric's own bounds."""
    return {
        name: across_seeds([metrics[name] for metrics in per_seed], metric_of(name).low, metric_of(name).high)
        for name in per_seed[0]
        if all(name in metrics for metrics in per_seed)
    }
