"""From what a run found to what people look at: figures/*.png and report.html."""

import dataclasses
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from research.config import Experiment, to_json
from research.errors import UserError
from research.evaluation.classification import Classification
from research.experiment.build import Parts
from research.experiment.fit import Trained
from research.experiment.judge import best_epoch
from research.files import write_bytes, write_text
from research.report import figures
from research.report.page import Report, render
from research.run_directory import METRICS, REPORT

Judged = dict[str, Classification]  # by split
History = dict[str, Any]


def publish(
    config: Experiment,
    parts: Parts,
    place: Path,
    trained: Sequence[Trained],
    judged: Mapping[int, Judged],
    record: dict[str, Any],
) -> None:
    """Draw the figures and write the report of a run that has ended; details are those of the first seed."""
    evaluations = {split: dataclasses.asdict(found) for split, found in judged[config.seed].items()}
    split = headline_split(evaluations)
    histories = histories_of(place)
    kept = [best_epoch(group, seed) for group in trained for seed in group.seeds]
    best = [epoch for epoch in kept if epoch is not None]
    mistakes = evaluations[split]["mistakes"]["indices"]
    drawn = figures.classification(histories, best, evaluations[split], getattr(parts.data, split).images[mistakes])
    for name, png in drawn.items():
        write_bytes(place / "figures" / f"{name}.png", png)
    report = Report(
        record=record,
        command=f"python scripts/train.py --config-json {shlex.quote(str(place / 'config.json'))} --run-dir AGAIN",
        config=to_json(config),
        summary=parts.summary,
        histories=histories,
        best_epochs=best,
        evaluations=evaluations,
        figures=drawn,
        split=split,
    )
    write_text(place / REPORT, render(report))


def headline_split(evaluations: Mapping[str, Any]) -> str:
    """The split that a result is stated on: test, or what comes nearest to it."""
    return next(split for split in ("test", "validation", "train") if split in evaluations)


def histories_of(place: Path) -> list[History]:
    """The metrics over epochs of each seed of the run in `place`, from its metrics.jsonl, as the figures take them."""
    try:
        rows = [json.loads(line) for line in (place / METRICS).read_text().splitlines()]
        seeds = dict.fromkeys(row["seed"] for row in rows)
        return [_history([row for row in rows if row["seed"] == seed]) for seed in seeds]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{place / METRICS} cannot be read ({error}); renew it with scripts/evaluate.py") from error


def _history(rows: Sequence[Mapping[str, Any]]) -> History:
    history: History = {"epoch": [row["epoch"] for row in rows]}
    for split in ("train", "validation"):
        names = rows[0].get(split, {})
        history[split] = {name: [row[split][name] for row in rows] for name in names}
    return history
