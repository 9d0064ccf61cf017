"""The outputs of a run on a table: its fields of the record, figures, report, and what predictions need."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from research.config import TableExperiment, to_json
from research.evaluation.classification import Classification
from research.evaluation.comparison import compare_splits
from research.experiment.evaluations import best_epochs
from research.experiment.histories import command_of, headline_split, histories_of
from research.experiment.images.evaluate import baseline_fields
from research.experiment.tables.baselines import baseline_errors
from research.experiment.tables.build import TablePlan, data_id
from research.experiment.tables.evaluate import RegressionEvaluation, TableEvaluation, ensemble, scores_by_split
from research.experiment.tables.importance import importance
from research.experiment.tables.members import SPLITS
from research.experiment.tables.predictor import ENSEMBLE, save_predictor
from research.experiment.tables.saved_predictions import save_predictions
from research.files import write_bytes, write_text
from research.report import figures
from research.report.page import render
from research.report.regression_figures import regression
from research.report.regression_page import regression_details
from research.run_directory import REPORT
from research.training.state import TrainState, chosen_variables

Evaluations = Mapping[int, Mapping[str, TableEvaluation]]


def record_fields(plan: TablePlan, evaluations: Evaluations) -> dict[str, Any]:
    """The fields of the record that tables fill in: data; of classes baselines, of numbers ensemble and baselines."""
    fields: dict[str, Any] = {"data": _data_record(plan)}
    if plan.classes:
        return fields | baseline_fields(cast(Mapping[int, Mapping[str, Classification]], evaluations))
    if not evaluations:
        return fields
    split = headline_split(evaluations[plan.config.seed])
    ensembled = ensemble_of(plan, evaluations)
    model = ensembled or evaluations[plan.config.seed]
    errors, differences = compared_with_baselines(plan, model) if split == "test" else ({}, {})
    return fields | {
        "ensemble": {} if ensembled is None else {name: found.metrics() for name, found in ensembled.items()},
        "baselines": {split: errors},
        "differences": differences,
    }


def ensemble_of(plan: TablePlan, evaluations: Evaluations) -> dict[str, RegressionEvaluation] | None:
    """The evaluation by split of the mean of all seeds; None for one seed."""
    if len(evaluations) < 2 or plan.classes:
        return None
    return ensemble(plan, list(cast(Any, evaluations).values()))


def compared_with_baselines(
    plan: TablePlan, model: Mapping[str, TableEvaluation]
) -> tuple[dict[str, dict[str, float]], dict[str, Any]]:
    """The errors of the baselines, the mean over repeats, and the difference of `model` to each on the same splits."""
    per_repeat, by_split = baseline_errors(plan)
    errors = {
        name: {metric: float(np.mean([one[metric] for one in repeats])) for metric in repeats[0]}
        for name, repeats in per_repeat.items()
    }
    if len(plan.splits) == 1:
        return errors, {}
    own = scores_by_split(plan, cast(RegressionEvaluation, model["test"]).ends.middle)
    share = len(plan.splits[0].test) / plan.table.size
    return errors, {
        name: {metric: compare_splits(own[metric], each[metric], share) for metric in own if metric in each}
        for name, each in by_split.items()
    }


def publish(
    config: TableExperiment,
    plan: TablePlan,
    run_dir: Path,
    members: Sequence[TrainState],
    evaluations: Evaluations,
    record: dict[str, Any],
) -> None:
    """Draw the figures, write the report, and save what predictions need; details are those of the first seed."""
    split = headline_split(evaluations[config.seed])
    histories, best = histories_of(run_dir), best_epochs(members)
    render_page = functools.partial(
        render,
        record,
        command_of(run_dir),
        config=to_json(config),
        summary=plan.summary,
        histories=histories,
        best_epochs=best,
        split=split,
        unit="rows",
    )
    if plan.classes:
        document = dataclasses.asdict(cast(Any, evaluations[config.seed][split]))
        drawn = figures.classification(histories, best, document)
        page = render_page(evaluation=document, figures=drawn)
        save_predictor(run_dir, plan.table.schema, {})
    else:
        seeds = cast(Mapping[int, Mapping[str, RegressionEvaluation]], evaluations)
        document = evaluation_document(seeds[config.seed][split], record, split)
        document["importance"] = importance(plan, [chosen_variables(each) for each in members[: plan.folds]])
        drawn = regression(histories, best, document, config.data.unit)
        details: dict[str, Any] = {"template": "regression.html", "details": regression_details, "headline": "mae"}
        page = render_page(evaluation=document, figures=drawn, **details)
        _save_numbers(plan, run_dir, split, seeds)
    for name, png in drawn.items():
        write_bytes(run_dir / "figures" / f"{name}.png", png)
    write_text(run_dir / REPORT, page)


def _save_numbers(
    plan: TablePlan, run_dir: Path, split: str, seeds: Mapping[int, Mapping[str, RegressionEvaluation]]
) -> None:
    """Save what predict.py and compare.py need: the margins of intervals, and the predictions of `split`."""
    ensembled = ensemble_of(plan, seeds)
    margins = {str(seed): splits[split].margin for seed, splits in seeds.items()}
    margins[ENSEMBLE] = margins[str(plan.config.seed)] if ensembled is None else ensembled[split].margin
    save_predictor(run_dir, plan.table.schema, margins)
    save_predictions(run_dir, plan, split, {seed: splits[split] for seed, splits in seeds.items()})


def evaluation_document(found: RegressionEvaluation, record: Mapping[str, Any], split: str) -> dict[str, Any]:
    """An evaluation of numbers as plain values, for report and tables; pictures show its first repeat."""
    first, ends = found.of_repeats[0], found.ends
    intervals = None if first.intervals is None else first.intervals | {"calibration_rows": found.calibration_rows}
    return {
        "target": record["data"]["target"],
        "rows": first.rows,
        "scores": found.metrics(),
        "ensemble": record.get("ensemble", {}).get(split),
        "baselines": record.get("baselines", {}).get(split, {}),
        "differences": record.get("differences", {}),
        "truth": found.truth,
        "predicted": ends.middle[0],
        "low": None if ends.low is None else ends.low[0],
        "high": None if ends.high is None else ends.high[0],
        "intervals": intervals,
        "no_intervals": found.uncalibrated,
        "importance": None,
    }


def _data_record(plan: TablePlan) -> dict[str, Any]:
    table, data = plan.table, plan.config.data
    sizes = {name: len(getattr(plan.splits[0], name)) for name in SPLITS}
    return {
        "name": table.name,
        "fingerprint": table.fingerprint,
        "rows": data_id(plan),
        "sizes": sizes if len(plan.splits) == 1 else {**sizes, "test": table.size},
        "target": table.schema.target,
        "unit": data.unit,
        "classes": list(plan.classes),
        "columns": {"numeric": list(table.schema.numeric), "categorical": list(table.schema.categorical)},
        "left_out": dict(table.left_out),
        "findings": table.findings(),
        "folds": data.folds,
        "repeats": data.repeats,
        "samples": data.samples,
    }
