"""Permutation importance: how much the error grows when a column is shuffled."""

from typing import Any

import numpy as np

from research.data.tables.table import Rows
from research.evaluation.metrics import metric_of
from research.experiment.tables.build import TablePlan
from research.experiment.tables.heads import ends_of, heads_of
from research.experiment.tables.net import inputs_of
from research.models.inference import outputs

Tree = Any
SHUFFLES = 5
MOST_ROWS = 5_000  # of the test rows; more change the means little


def importance(plan: TablePlan, folds: list[Tree]) -> dict[str, Any]:
    """{"columns": [F], "increase": [F], "std": [F]}: the mean and deviation over shuffles, largest first.

    Of the test rows of one seed (validation rows where there is no test), each fold's by its own net (Breiman 2001,
    section 10). The error is the mean absolute error, or of classes the share of wrong answers.
    """
    schema = plan.table.schema
    names = list(dict.fromkeys((*schema.numeric, *schema.categorical)))
    generator = np.random.default_rng(plan.config.seed)
    increases = np.zeros((len(names), SHUFFLES))
    first = max(plan.config.data.folds, 1)  # the folds of the first repeat, which test every row once
    for variables, split in zip(folds[:first], plan.splits[:first], strict=True):
        tested = split.test if len(split.test) else split.validation
        index = np.sort(generator.permutation(tested)[:MOST_ROWS])
        if not len(index):
            continue
        before = _error(plan, variables, Rows(*(part[index] for part in plan.table.rows)), index)
        for position, name in enumerate(names):
            for shuffle in range(SHUFFLES):
                rows = _shuffled(plan, name, index, generator.permutation(index))
                increases[position, shuffle] += (_error(plan, variables, rows, index) - before) / first
    order = np.argsort(-increases.mean(axis=1), kind="stable")
    return {
        "columns": [names[position] for position in order],
        "increase": increases.mean(axis=1)[order],
        "std": increases.std(axis=1, ddof=1)[order],
    }


def importance_metric(plan: TablePlan) -> str:
    """The label of the error that grows."""
    return "share of wrong answers" if plan.classes else metric_of("mae").label


def _shuffled(plan: TablePlan, name: str, index: np.ndarray, drawn: np.ndarray) -> Rows:
    """The rows at `index`, with column `name` of those at `drawn`, as a number and as a level alike."""
    schema, (numbers, codes) = plan.table.schema, plan.table.rows
    own_numbers, own_codes = numbers[index].copy(), codes[index].copy()
    if name in schema.numeric:
        column = schema.numeric.index(name)
        own_numbers[:, column] = numbers[drawn, column]
    if name in schema.categorical:
        column = schema.categorical.index(name)
        own_codes[:, column] = codes[drawn, column]
    return Rows(own_numbers, own_codes)


def _error(plan: TablePlan, variables: Tree, rows: Rows, index: np.ndarray) -> float:
    found, truth = outputs(plan.apply, variables, inputs_of(rows)), plan.table.target[index]
    if plan.classes:
        return float(np.mean(found.argmax(axis=1) != truth))
    return float(np.abs(ends_of(plan.config, heads_of(plan.config, found), None).middle - truth).mean())
