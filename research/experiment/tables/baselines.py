"""What a net is compared with on the same rows: the median, linear models, boosted trees, and others' models."""

from collections.abc import Callable, Mapping

import numpy as np

from research.evaluation.regression import evaluate_regression
from research.experiment.tables.build import TablePlan
from research.experiment.tables.evaluate import repeats_of, scores_by_split
from research.experiment.tables.heads import in_unit, on_scale
from research.experiment.tables.net import features_of
from research.experiment.tables.peers import peer_fit
from research.report.progress import counting

ALPHAS = tuple(np.logspace(-3, 4, 15))  # of ridge regression, chosen on training rows by leave-one-out error
SMALL = 20_000  # rows
MOST_ROWS = 100_000
MOST_LEVELS = 250  # scikit-learn's histogram trees take up to 255 levels a column
Errors = Mapping[str, list[dict[str, float]]]  # {baseline: the errors of each repeat}
Fit = Callable[[TablePlan, np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def baseline_errors(plan: TablePlan) -> tuple[Errors, Mapping[str, Mapping[str, list[float]]]]:
    """The errors of each baseline, and of each the errors by split (see `scores_by_split`).

    Each is fitted on a fold's training and validation rows, on the target's scale, and evaluated on its test rows.
    linear and ridge read what the net's first dense layer reads; the trees read numbers and levels as they are; for the
    peers of `prediction.peers` see `peer_fit`. Of more than `MOST_ROWS` rows they are fitted on the first, in the order
    of the table.
    """
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    fits = _FITS | {name: _peer(name, plan.config.seed) for name in plan.config.prediction.peers}
    predicted = {name: np.full((repeats_of(plan), plan.table.size), np.nan) for name in fits}
    with counting("splits") as count:
        for number, split in enumerate(plan.splits):
            features = features_of(plan.config, plan.table, split.train)
            rows = np.concatenate([split.train, split.validation])[:MOST_ROWS]
            for name, fit in fits.items():
                # More threads gain nothing on small tables, and cost minutes where other processes use the cores.
                with threadpool_limits(1 if plan.table.size < SMALL else None):
                    answers = in_unit(plan.config, fit(plan, features, rows, split.test))
                predicted[name][number // max(plan.config.data.folds, 1), split.test] = answers
            count("baselines", number + 1, len(plan.splits))
    tested = np.isfinite(predicted["median"][0])
    errors = {
        name: [evaluate_regression(each[tested], plan.table.target[tested]).metrics() for each in repeats]
        for name, repeats in predicted.items()
    }
    return errors, {name: scores_by_split(plan, repeats) for name, repeats in predicted.items()}


def _peer(name: str, seed: int) -> Fit:
    fit = peer_fit(name, seed)
    return lambda plan, features, rows, test: fit(plan.table, _target(plan), rows, test)


def _median(plan: TablePlan, features: np.ndarray, rows: np.ndarray, test: np.ndarray) -> np.ndarray:
    return np.full(len(test), np.median(_target(plan)[rows]))


def _linear(plan: TablePlan, features: np.ndarray, rows: np.ndarray, test: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LinearRegression  # slow to import

    return LinearRegression().fit(features[rows], _target(plan)[rows]).predict(features[test])


def _ridge(plan: TablePlan, features: np.ndarray, rows: np.ndarray, test: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import RidgeCV  # slow to import

    return RidgeCV(ALPHAS).fit(features[rows], _target(plan)[rows]).predict(features[test])


def _boosting(plan: TablePlan, features: np.ndarray, rows: np.ndarray, test: np.ndarray) -> np.ndarray:
    from sklearn.ensemble import HistGradientBoostingRegressor  # slow to import

    numbers, codes = plan.table.rows
    fits = [index for index, levels in enumerate(plan.table.schema.levels) if len(levels) <= MOST_LEVELS]
    columns = np.concatenate([numbers, np.where(codes < 0, np.nan, codes)[:, fits]], axis=1)
    levels = np.arange(columns.shape[1]) >= numbers.shape[1]
    trees = HistGradientBoostingRegressor(categorical_features=levels, random_state=plan.config.seed)
    return trees.fit(columns[rows], _target(plan)[rows]).predict(columns[test])


_FITS: dict[str, Fit] = {
    "median": _median,
    "linear regression": _linear,
    "ridge": _ridge,
    "gradient boosting": _boosting,
}


def _target(plan: TablePlan) -> np.ndarray:
    return on_scale(plan.config, plan.table.target)
