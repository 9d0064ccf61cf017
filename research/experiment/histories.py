"""The history of a training in its run directory, and the first lines of every report."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from research.errors import UserError
from research.run_directory import CONFIG, METRICS
from research.training.plan import TrainingPlan
from research.training.state import TrainState, members_of

History = dict[str, Any]
Row = dict[str, Any]  # a line of metrics.jsonl


def command_of(run_dir: Path) -> str:
    """The shell command that repeats the run in `run_dir`."""
    return f"python scripts/train.py --config-json {shlex.quote(str(run_dir / CONFIG))} --run-dir AGAIN"


def headline_split(evaluations: Mapping[str, Any]) -> str:
    """The split whose metrics are shown first: test, else validation, else train."""
    return next(split for split in ("test", "validation", "train") if split in evaluations)


def histories_of(run_dir: Path) -> list[History]:
    """The metrics over epochs of each member, from the metrics.jsonl in `run_dir`, as the figures take them."""
    try:
        rows = [json.loads(line) for line in (run_dir / METRICS).read_text().splitlines()]
        members: dict[tuple[int, int], list[Row]] = {}
        for row in rows:
            members.setdefault((row["seed"], row.get("fold", 0)), []).append(row)
        return list(map(_history, members.values()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{run_dir / METRICS} cannot be read ({error}); renew it with scripts/evaluate.py") from error


def history_rows(plan: TrainingPlan, state: TrainState) -> list[Row]:
    """The lines of metrics.jsonl: one per seed and epoch, {"seed", "epoch", "train": {...}, "validation": {...}}.

    Where there are several folds, one per seed, "fold" and epoch.
    """
    rows = []
    for member in members_of(state):
        who, history = {"seed": int(member.seed)}, member.history
        who |= {"fold": int(member.fold)} if plan.folds > 1 else {}
        for epoch in range(len(history["train/loss"])):
            values = {name: float(column[epoch]) for name, column in history.items() if np.isfinite(column[epoch])}
            if values:
                splits = {split: _under(values, split) for split in ("train", "validation")}
                rows.append(who | {"epoch": epoch + 1} | {split: v for split, v in splits.items() if v})
    return rows


def _history(rows: Sequence[Mapping[str, Any]]) -> History:
    history: History = {"epoch": [row["epoch"] for row in rows]}
    for split in ("train", "validation"):
        names = rows[0].get(split, {})
        history[split] = {name: [row[split][name] for row in rows] for name in names}
    return history


def _under(values: dict[str, float], split: str) -> dict[str, float]:
    return {name.removeprefix(f"{split}/"): value for name, value in values.items() if name.startswith(f"{split}/")}
