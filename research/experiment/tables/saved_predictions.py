"""The predictions that a run on a table saves for comparisons."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from research.errors import UserError
from research.experiment.tables.build import TablePlan
from research.experiment.tables.evaluate import RegressionEvaluation
from research.files import npz_bytes, write_bytes

PREDICTIONS = "predictions.npz"


class Predictions(NamedTuple):
    """Out-of-sample predictions of a run: truth [n], and of each seed [R, n]."""

    truth: np.ndarray
    models: dict[int, np.ndarray]
    test_share: float
    folds: np.ndarray  # [R, n]: the number of the split that tested each row


def save_predictions(run_dir: Path, plan: TablePlan, split: str, seeds: Mapping[int, RegressionEvaluation]) -> None:
    """Write predictions.npz: the predictions of `split` of each seed; nothing in it is pickled."""
    first = next(iter(seeds.values()))
    arrays: dict[str, Any] = {"truth": first.truth, "folds": _fold_of_rows(plan, split)}
    arrays["test_share"] = np.array(len(plan.splits[0].test) / max(plan.table.size, 1))
    arrays |= {f"predicted/{seed}": found.ends.middle for seed, found in seeds.items()}
    write_bytes(run_dir / PREDICTIONS, npz_bytes(arrays))


def read_predictions(run_dir: Path) -> Predictions:
    """What `save_predictions` wrote; UserError where it is missing or damaged."""
    try:
        with np.load(run_dir / PREDICTIONS, allow_pickle=False) as file:
            arrays = dict(file)
        models = {int(name.partition("/")[2]): each for name, each in arrays.items() if name.startswith("predicted/")}
        return Predictions(arrays["truth"], models, float(arrays["test_share"]), arrays["folds"])
    except (OSError, KeyError, ValueError, EOFError) as error:
        raise UserError(f"{run_dir / PREDICTIONS} cannot be read; renew it: scripts/evaluate.py {run_dir}") from error


def _fold_of_rows(plan: TablePlan, split: str) -> np.ndarray:
    """The number of the split that tested each row, [R, n]; zeros with one split."""
    if len(plan.splits) == 1:
        return np.zeros((1, len(getattr(plan.splits[0], split))), np.int32)
    folds = plan.config.data.folds
    found = np.zeros((len(plan.splits) // folds, plan.table.size), np.int32)
    for number, own in enumerate(plan.splits):
        found[number // folds, own.test] = number
    return found
