"""The evaluation of a trained predictor of tables on every split, or out of fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from research.evaluation import classification
from research.evaluation.classification import Classification
from research.evaluation.regression import Regression, evaluate_regression, plain_scores
from research.experiment.tables.build import TablePlan
from research.experiment.tables.heads import (
    Ends,
    Heads,
    conformal_margin,
    ends_of,
    heads_of,
    mean_heads,
    on_scale,
    too_few,
)
from research.experiment.tables.members import SPLITS
from research.experiment.tables.net import inputs_of
from research.models.inference import outputs

Tree = Any
COMPARED = ("mae", "rmsle")  # errors whose differences to the baselines are tested over splits


@dataclass(frozen=True)
class RegressionEvaluation:
    """The errors on a split of R repeats: 1, or as many as there are cross-validations of all rows.

    of_repeats: the errors of each. every: what the net says of all N rows, [R, N], out of fold in a cross-validation;
    `ends` and `truth` are of the split's rows, [R, n] and [n], in the target's unit. margin: the widths at both ends of
    new rows' intervals, from `calibration_rows`; None where `uncalibrated` says why.
    """

    of_repeats: tuple[Regression, ...]
    every: Heads = field(repr=False)
    ends: Ends = field(repr=False)
    truth: np.ndarray = field(repr=False)
    margin: float | None
    calibration_rows: int
    uncalibrated: str

    def metrics(self) -> dict[str, float]:
        """The errors and the ends of their intervals, each the mean over repeats."""
        each = [repeat.metrics() for repeat in self.of_repeats]
        return {
            name: float(np.mean([one[name] for one in each])) for name in each[0] if all(name in one for one in each)
        }


TableEvaluation = RegressionEvaluation | Classification


def evaluate(plan: TablePlan, folds: Sequence[Tree]) -> Mapping[str, TableEvaluation]:
    """The evaluation of one seed, by split; of a cross-validation "test" alone, each row by the net that lacked it."""
    rows = inputs_of(plan.table.rows)
    every = np.stack([outputs(plan.apply, variables, rows) for variables in folds])
    return (
        _classified(plan, every) if plan.classes else evaluation_of(plan, _by_row(plan, heads_of(plan.config, every)))
    )


def ensemble(plan: TablePlan, seeds: Sequence[Mapping[str, RegressionEvaluation]]) -> dict[str, RegressionEvaluation]:
    """The evaluation, by split, of the mean of several seeds' predictions."""
    return evaluation_of(plan, mean_heads([next(iter(splits.values())).every for splits in seeds]))


def evaluation_of(plan: TablePlan, every: Heads) -> dict[str, RegressionEvaluation]:
    """The evaluation by split of what nets say of all rows, [R, N].

    Validation rows calibrate the intervals; in a cross-validation those of a fold's rows are calibrated by the others.
    """
    if len(plan.splits) > 1:
        return {"test": _out_of_fold(plan, every)}
    [split], found = plan.splits, {}
    own, target = split.validation, on_scale(plan.config, plan.table.target)
    margin = conformal_margin(_at(every, own), target[own], plan.config.prediction.coverage)
    for name in SPLITS:
        index = getattr(split, name)
        if len(index):
            ends = ends_of(plan.config, _at(every, index), margin)
            found[name] = _evaluated(plan, every, ends, plan.table.target[index], margin, len(own))
    return found


def repeats_of(plan: TablePlan) -> int:
    """How many cross-validations there are, R; 1 without folds."""
    return len(plan.splits) // max(plan.config.data.folds, 1)


def scores_by_split(plan: TablePlan, predicted: np.ndarray) -> dict[str, list[float]]:
    """The errors of predictions [R, N] on each split's own test rows, {metric: [splits]}, of `COMPARED`."""
    of_splits = [
        plain_scores(predicted[number // max(plan.config.data.folds, 1), split.test], plan.table.target[split.test])
        for number, split in enumerate(plan.splits)
    ]
    found = {metric: [scores[metric] for scores in of_splits] for metric in COMPARED}
    return {metric: values for metric, values in found.items() if np.isfinite(values).all()}


def _out_of_fold(plan: TablePlan, every: Heads) -> RegressionEvaluation:
    target, coverage = on_scale(plan.config, plan.table.target), plan.config.prediction.coverage
    low, high = np.full_like(every.middle, np.nan), np.full_like(every.middle, np.nan)
    for number, split in enumerate(plan.splits):
        repeat, own = number // plan.config.data.folds, split.test
        others = np.setdiff1d(np.arange(plan.table.size), own)
        of_repeat = Heads(*(part[repeat] for part in every))
        margin = conformal_margin(_at(of_repeat, others), target[others], coverage)
        if margin is not None:
            ends = ends_of(plan.config, _at(of_repeat, own), margin)
            low[repeat, own], high[repeat, own] = ends.low, ends.high
    middle = ends_of(plan.config, every, None).middle
    known = np.isfinite(low).all()
    widths = [
        conformal_margin(Heads(*(part[repeat] for part in every)), target, coverage) for repeat in range(len(middle))
    ]
    margin = float(np.mean([width for width in widths if width is not None])) if known else None
    ends = Ends(middle, low if known else None, high if known else None)
    calibrating = plan.table.size - max(len(split.test) for split in plan.splits)
    return _evaluated(plan, every, ends, plan.table.target, margin, calibrating)


def _evaluated(
    plan: TablePlan, every: Heads, ends: Ends, truth: np.ndarray, margin: float | None, calibration_rows: int
) -> RegressionEvaluation:
    coverage = plan.config.prediction.coverage
    both = None if ends.low is None or ends.high is None else list(zip(ends.low, ends.high, strict=True))
    return RegressionEvaluation(
        of_repeats=tuple(
            evaluate_regression(middle, truth, None if both is None else both[repeat], coverage)
            for repeat, middle in enumerate(ends.middle)
        ),
        every=every,
        ends=ends,
        truth=truth,
        margin=margin,
        calibration_rows=calibration_rows,
        uncalibrated=too_few(calibration_rows, coverage),
    )


def _by_row(plan: TablePlan, heads: Heads) -> Heads:
    """What the nets of all folds [folds, N] say, as [R, N]: of each row the net that was not trained on it.

    The nets of a bagging say their mean.
    """
    if len(plan.splits) == 1:
        return Heads(*(part.mean(axis=0, keepdims=True) for part in heads))
    found = Heads(*(np.empty((repeats_of(plan), plan.table.size)) for _ in heads))
    for number, split in enumerate(plan.splits):
        for into, part in zip(found, heads, strict=True):
            into[number // plan.config.data.folds, split.test] = part[number, split.test]
    return found


def _classified(plan: TablePlan, logits: np.ndarray) -> dict[str, Classification]:
    """The classification by split of the logits [folds, N, K] of all rows."""
    target, found = plan.table.target, {}
    if len(plan.splits) > 1:
        own = np.empty_like(logits[0])
        for number, split in enumerate(plan.splits):
            own[split.test] = logits[number, split.test]
        return {"test": classification.evaluate_logits(own, target, plan.classes)}
    for name in SPLITS:
        index = getattr(plan.splits[0], name)
        if len(index):
            found[name] = classification.evaluate_logits(logits[:, index].mean(axis=0), target[index], plan.classes)
    return found


def _at(heads: Heads, index: np.ndarray) -> Heads:
    return Heads(*(part[..., index] for part in heads))
