"""The outputs of a classifier's run: its fields of the record, figures/*.png and report.html."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from research.config import ImageExperiment, to_json
from research.evaluation.classification import Classification
from research.experiment.evaluations import best_epochs
from research.experiment.histories import command_of, headline_split, histories_of
from research.experiment.images.build import SPLITS, ImagePlan
from research.experiment.images.evaluate import baseline_fields
from research.experiment.images.preprocessing import preprocessing_of
from research.files import write_bytes, write_text
from research.report import figures
from research.report.page import render
from research.run_directory import REPORT
from research.training.state import TrainState


def record_fields(plan: ImagePlan, evaluations: Mapping[int, Mapping[str, Classification]]) -> dict[str, Any]:
    """The fields of the record that classifiers fill in: data, preprocessing, baselines, learned_nothing, net.

    "net" {source, sha256} is only of a net of one's own.
    """
    preprocessing = preprocessing_of(plan.data)
    return {
        "data": _data_record(plan, preprocessing),
        "preprocessing": preprocessing,
        **baseline_fields(evaluations),
        **({"net": dict(plan.net_file)} if plan.net_file else {}),
    }


def data_id(plan: ImagePlan) -> str:
    """A digest of the pictures in each split; it does not depend on the size they are read at."""
    return plan.data.content_fingerprint


def _data_record(plan: ImagePlan, preprocessing: Mapping[str, Any]) -> dict[str, Any]:
    """record["data"]; its "ink" and "ranges" are read by earlier versions, which know no record["preprocessing"]."""
    data = plan.data
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
    plan: ImagePlan,
    run_dir: Path,
    members: Sequence[TrainState],
    evaluations: Mapping[int, Mapping[str, Classification]],
    record: dict[str, Any],
) -> None:
    """Draw the figures and write the report of a run that has ended; details are those of the first seed."""
    split = headline_split(evaluations[config.seed])
    evaluation = dataclasses.asdict(evaluations[config.seed][split])
    histories = histories_of(run_dir)
    best = best_epochs(members)
    mistakes = evaluation["mistakes"]["indices"]
    drawn = figures.classification(histories, best, evaluation, plan.data.images[split][mistakes])
    for name, png in drawn.items():
        write_bytes(run_dir / "figures" / f"{name}.png", png)
    page = render(
        record,
        command_of(run_dir),
        config=to_json(config),
        summary=plan.summary,
        histories=histories,
        best_epochs=best,
        evaluation=evaluation,
        figures=drawn,
        split=split,
    )
    write_text(run_dir / REPORT, page)
