"""What a run of a classifier leaves: its fields of the record, figures/*.png and report.html."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from research.config import ImageExperiment, to_json
from research.evaluation.classification import Classification
from research.experiment.evaluations import best_epochs
from research.experiment.histories import command_of, headline_split, histories_of
from research.experiment.images.build import SPLITS, ImageParts
from research.experiment.images.evaluate import baseline_fields
from research.experiment.images.preprocessing import preprocessing_of
from research.experiment.training import Trained
from research.files import write_bytes, write_text
from research.report import figures
from research.report.page import Report, render
from research.run_directory import REPORT


def record_fields(parts: ImageParts, evaluations: Mapping[int, Mapping[str, Classification]]) -> dict[str, Any]:
    """The fields of the record that classifiers fill in: data, preprocessing, baselines, learned_nothing."""
    preprocessing = preprocessing_of(parts.data)
    return {
        "data": _data_record(parts, preprocessing),
        "preprocessing": preprocessing,
        **baseline_fields(evaluations),
    }


def data_id(parts: ImageParts) -> str:
    """A digest of which pictures are in which split, whatever size they are read at."""
    return parts.data.content_fingerprint


def _data_record(parts: ImageParts, preprocessing: Mapping[str, Any]) -> dict[str, Any]:
    """record["data"]; its "ink" and "ranges" are read by earlier versions, which know no record["preprocessing"]."""
    data = parts.data
    return {
        "name": data.name,
        "fingerprint": data.fingerprint,
        "pictures": data.content_fingerprint,
        "sizes": {split: len(data.labels[split]) for split in SPLITS},
        "classes": list(data.classes),
        "shape": list(data.images["train"].shape[1:]),
        "ink": preprocessing["ink"],
        "ranges": preprocessing["ranges"],
        "findings": None if data.findings is None else data.findings.document(),
    }


def publish(
    config: ImageExperiment,
    parts: ImageParts,
    run_dir: Path,
    trained: Sequence[Trained],
    evaluations: Mapping[int, Mapping[str, Classification]],
    record: dict[str, Any],
) -> None:
    """Draw the figures and write the report of a run that has ended; details are those of the first seed."""
    documents = {split: dataclasses.asdict(found) for split, found in evaluations[config.seed].items()}
    split = headline_split(documents)
    histories = histories_of(run_dir)
    best = best_epochs(trained)
    mistakes = documents[split]["mistakes"]["indices"]
    drawn = figures.classification(histories, best, documents[split], parts.data.images[split][mistakes])
    for name, png in drawn.items():
        write_bytes(run_dir / "figures" / f"{name}.png", png)
    report = Report(
        record=record,
        command=command_of(run_dir),
        config=to_json(config),
        summary=parts.summary,
        histories=histories,
        best_epochs=best,
        evaluations=documents,
        figures=drawn,
        split=split,
    )
    write_text(run_dir / REPORT, render(report))
