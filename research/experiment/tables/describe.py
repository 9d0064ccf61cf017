"""A predictor of tables in the terminal: its rows before training, and its tables after."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from rich.table import Table

from research.evaluation.classification import Classification
from research.experiment.histories import headline_split
from research.experiment.tables.build import TablePlan
from research.experiment.tables.evaluate import TableEvaluation
from research.experiment.tables.members import SPLITS
from research.experiment.tables.publish import evaluation_document
from research.report import regression_tables, tables
from research.report.record import model_name


def describe_data(plan: TablePlan) -> list[str]:
    """Lines about the table, its splits, and what was left out."""
    table, data = plan.table, plan.config.data
    kind = f"{len(plan.classes)} classes" if plan.classes else "numbers"
    columns = f"{len(table.schema.numeric)} columns of numbers, {len(table.schema.categorical)} of levels"
    lines = [f"{table.name}: {table.size:,} rows, {columns}; {table.schema.target} ({kind}) is predicted"]
    if data.folds:
        repeats = f", {data.repeats} times" if data.repeats > 1 else ""
        lines.append(f"cross-validation in {data.folds} folds{repeats}: {len(plan.splits)} nets a seed")
    else:
        lines.append(", ".join(f"{len(getattr(plan.splits[0], split)):,} {split}" for split in SPLITS) + " rows")
    return [*lines, *table.findings()]


def result_tables(evaluations: Mapping[str, TableEvaluation], record: Mapping[str, Any]) -> list[Table]:
    """The errors of the model, the mean of all seeds and the baselines; of classes what pictures have."""
    split = headline_split(evaluations)
    found = evaluations[split]
    if isinstance(found, Classification):
        document = dataclasses.asdict(found)
        each = [tables.of_seed(table, record) for table in (tables.per_class(document), tables.confused(document, 5))]
    else:
        document, unit = evaluation_document(found, record, split), record["data"]["unit"]
        scores = regression_tables.scores(document, unit, model_name(record))
        each = [scores, regression_tables.differences(document, unit)]
        each.append(tables.of_seed(regression_tables.intervals(document, unit), record))
    return [table for table in each if table.rows]


def closing_lines(record: Mapping[str, Any]) -> list[str]:
    """The command that predicts other rows."""
    return [f"predict other rows: scripts/predict.py RUN FILE.csv, without {record['data']['target']}"]
