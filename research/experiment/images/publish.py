"""From what a run found to what people look at: figures/*.png and report.html."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from research.config import ImageExperiment, to_json
from research.data.images.ink import measure_ink
from research.experiment.evaluations import Evaluations, best_epoch
from research.experiment.histories import command_of, headline_split, histories_of
from research.experiment.images.build import SPLITS, Parts
from research.experiment.training import Trained
from research.files import write_bytes, write_text
from research.report import figures
from research.report.page import Report, render
from research.run_directory import REPORT


def described(parts: Parts) -> dict[str, Any]:
    """record["data"]: which pictures these are, and what must be known of them to read others like them."""
    data = parts.data
    ink = measure_ink(data.train.images)
    return {
        "name": data.name,
        "fingerprint": data.fingerprint,
        "pictures": data.pictures,
        "sizes": {split: len(getattr(data, split).labels) for split in SPLITS},
        "classes": list(data.classes),
        "shape": list(data.train.images.shape[1:]),
        "ink": None if ink is None else ink._asdict(),
        "ranges": {kind: list(known) for kind, known in data.ranges.items()},
        "findings": None if data.findings is None else data.findings.document(),
    }


def publish(
    config: ImageExperiment,
    parts: Parts,
    place: Path,
    trained: Sequence[Trained],
    judged: Mapping[int, Evaluations],
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
        command=command_of(place),
        config=to_json(config),
        summary=parts.summary,
        histories=histories,
        best_epochs=best,
        evaluations=evaluations,
        figures=drawn,
        split=split,
    )
    write_text(place / REPORT, render(report))
