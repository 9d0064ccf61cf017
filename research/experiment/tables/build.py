"""The plan of a predictor of tables from its configuration: rows, splits or folds, and the net."""

import dataclasses
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import jax
import numpy as np

from research.config import TableExperiment
from research.data.paths import expanded
from research.data.tables.load import Table, load_table
from research.data.tables.splits import Split, splits_of
from research.data.tables.table import Schema
from research.errors import UserError
from research.experiment.images.loss import METRICS as CLASS_METRICS
from research.experiment.images.loss import classification
from research.experiment.tables.loss import METRICS, regression
from research.experiment.tables.members import order_of, preprocessing_of, row_weights_of, sets_of
from research.experiment.tables.net import build_network, example_of
from research.experiment.tables.peers import check_peers
from research.experiment.tables.predictor import PREDICTOR, read_predictor
from research.experiment.training import optimizer_of, stopping_of
from research.models.apply import apply_of
from research.models.initialization import initializer, parameter_names
from research.models.network import Network
from research.models.summary import summarize
from research.report.record import read_record
from research.seals import array_digest
from research.training.feature_cache import key_of
from research.training.freezing import frozen_leaves
from research.training.plan import Starts, TrainingPlan


@dataclasses.dataclass(frozen=True, kw_only=True)
class TablePlan(TrainingPlan):
    """The training plan of a predictor of tables, with its rows and splits."""

    config: TableExperiment
    table: Table
    splits: Sequence[Split]  # one, or one for each fold of each repeat
    net: Network

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the target; empty for numbers."""
        return self.table.schema.classes


def build(config: TableExperiment, _: Starts = MappingProxyType({})) -> TablePlan:
    """Load the table, split its rows and wire the net; UserError where these do not fit or the data is not sound."""
    _check(config)
    return build_for(config, load_table(config.data))


def build_for(config: TableExperiment, table: Table) -> TablePlan:
    """`build`, for a table that is loaded."""
    metrics = CLASS_METRICS if table.schema.classes else METRICS
    if config.train.monitor not in metrics:
        raise UserError(
            f"train.monitor {config.train.monitor} is not measured of {config.data.target}; there are "
            f"{', '.join(metrics)}"
        )
    if table.schema.classes and config.data.repeats > 1:
        raise UserError("data.repeats is for targets of numbers; of classes give several --seeds")
    splits = splits_of(config.data, table.target, classes=bool(table.schema.classes))
    _check_start(config, table, splits)
    net = build_network(config, table.schema)
    initialize = initializer(net, example_of(table), _head_zeros(config, net, table))
    sets = sets_of(table, splits)
    order = order_of(config, sets["train"].size, splits)
    return TablePlan(
        examples={name: each.size for name, each in sets.items()},
        data_set=lambda split: jax.device_put(sets[split]),
        identity=table.fingerprint,
        initialize=initialize,
        apply=apply_of(net, config.train.precision),
        loss_fn=_loss(config, table),
        metrics=metrics,
        order=order,
        optimizer=optimizer_of(config, order),
        epochs=config.train.epochs,
        l2=config.train.l2,
        stopping=stopping_of(config.train),
        monitor=config.train.monitor,
        frozen=frozen_leaves(parameter_names(initialize), config.train.freeze),
        vmap_seeds=True,  # their matrix products are small, so many members share the overhead of a step
        starts=preprocessing_of(config, table, splits),
        row_weights=row_weights_of(config, table, splits),
        summary=summarize(net, (len(table.schema.numeric) + len(table.schema.categorical),)),
        config=config,
        table=table,
        splits=splits,
        net=net,
    )


def data_id(plan: TablePlan) -> str:
    """A digest of the rows and their splits."""
    return _rows_id(plan.table, plan.splits)


def _rows_id(table: Table, splits: Sequence[Split]) -> str:
    return key_of(table.fingerprint, *(array_digest(split.test) for split in splits))[:16]


def check_files(config: TableExperiment) -> None:
    """Nothing: the table is read first."""


def training_metrics(config: TableExperiment) -> tuple[str, ...]:
    """What training may measure; the target decides whether it is the error or the accuracy."""
    return tuple(dict.fromkeys((*METRICS, *CLASS_METRICS)))


def _check(config: TableExperiment) -> None:
    quantiles = config.prediction.quantiles
    if config.prediction.loss == "quantile" and (len(quantiles) % 2 == 0 or list(quantiles) != sorted(set(quantiles))):
        raise UserError(
            f"prediction.quantiles {' '.join(map(str, quantiles))}: the middle one is the prediction, so give an odd "
            "number of them, from low to high"
        )
    check_peers(config.prediction.peers)
    if config.data.samples and config.data.folds:
        raise UserError("a cross-validation takes no samples; leave out --data.samples, or --data.folds")
    if config.start and (config.data.folds or config.data.samples):
        raise UserError("folds and samples start from no other run; leave out --start, or --data.folds, --data.samples")


def _check_start(config: TableExperiment, table: Table, splits: Sequence[Split]) -> None:
    """UserError where the run to start from read other columns or levels, or trained on rows of this test."""
    run_dir = None if config.start is None else expanded(config.start)
    if run_dir and run_dir.is_file():
        raise UserError(f"start: {run_dir} does not say which columns its net read; name a run directory")
    if run_dir is None or not (run_dir / PREDICTOR).is_file():  # in a comparison it may not have been trained yet
        return
    before, data = read_predictor(run_dir).schema, read_record(run_dir)["data"]
    if data["folds"] or data.get("samples"):
        raise UserError(f"start: {run_dir} has several nets a seed (folds or samples); name a run of one split")
    if before != table.schema:
        differing = ", ".join(name for name in Schema._fields if getattr(before, name) != getattr(table.schema, name))
        raise UserError(f"start: {run_dir} read other columns or levels ({differing}); its net reads them by position")
    if data["fingerprint"] == table.fingerprint and data["rows"] != _rows_id(table, splits):
        raise UserError(f"start: {run_dir} split the same rows in another way, and trained on rows of this test")


def _loss(config: TableExperiment, table: Table) -> Any:
    if table.schema.classes:
        return classification
    prediction = config.prediction
    return regression(prediction.loss, prediction.quantiles, log=config.data.log_target)


def _head_zeros(config: TableExperiment, net: Network, table: Table) -> dict[str, np.ndarray]:
    if not config.model.zero_init_head:
        return {}
    head = "logits" if table.schema.classes else "head"
    kernel = jax.eval_shape(net.init, jax.random.key(0), example_of(table))["params"][head]["kernel"]
    return {f"{head}/kernel": np.zeros(kernel.shape, np.float32)}
