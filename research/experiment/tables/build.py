"""The plan of a predictor of tables from its configuration: rows, splits or folds, and the net."""

import dataclasses
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.batches import Batch, Order, whole_set
from research.config import TableExperiment
from research.data.paths import expanded
from research.data.sampling import within_folds
from research.data.tables.load import Table, load_table
from research.data.tables.preprocessing import COLLECTION, QUANTILES, fit_levels, fit_numbers, fit_target
from research.data.tables.splits import Split, splits_of
from research.data.tables.table import Rows, Schema
from research.errors import UserError
from research.experiment.images.loss import METRICS as CLASS_METRICS
from research.experiment.images.loss import classification
from research.experiment.tables.loss import METRICS, outputs_of, regression
from research.experiment.tables.predictor import PREDICTOR, read_predictor
from research.experiment.training import optimizer_of
from research.models.apply import apply_of
from research.models.inference import outputs
from research.models.initialization import initializer, parameter_names
from research.models.network import Network, upto
from research.models.summary import summarize
from research.models.tables import TableSpec, dense_table_net
from research.report.record import read_record
from research.seals import array_digest
from research.training.feature_cache import key_of
from research.training.freezing import frozen_leaves
from research.training.plan import Starts, TrainingPlan
from research.trees import from_named

SPLITS = ("train", "validation", "test")


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
    initialize = initializer(net, _example(table), _head_zeros(config, net, table))
    sets = _sets(table, splits)
    order = _order(config, sets["train"].size, splits)
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
        patience=config.train.patience,
        monitor=config.train.monitor,
        frozen=frozen_leaves(parameter_names(initialize), config.train.freeze),
        vmap_seeds=True,  # their matrix products are small, so many members share the overhead of a step
        starts=_preprocessing(config, table, splits),
        row_weights=_row_weights(config, table, splits),
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


def build_network(config: TableExperiment, schema: Schema) -> Network:
    """The net that `config` describes for rows of `schema`."""
    model = config.model
    outputs = len(schema.classes) or outputs_of(config.prediction.loss, config.prediction.quantiles)
    spec = TableSpec(
        numbers=len(schema.numeric),
        levels=tuple(map(len, schema.levels)),
        gaps=tuple(np.flatnonzero(schema.gaps).tolist()),
        outputs=outputs,
        scaled=not schema.classes,
        knots=QUANTILES + 1 if config.data.scaling == "quantile" else 0,
        clip=config.data.clip,
    )
    return dense_table_net(
        spec,
        model.hidden,
        dropout=model.dropout,
        embedding=model.embedding,
        embedding_size=model.embedding_size,
        frequency=model.frequency,
        level_size=model.level_size,
    )


def inputs_of(rows: Rows) -> dict[str, np.ndarray]:
    """Rows as the net's input."""
    return rows._asdict()


def features_of(config: TableExperiment, table: Table, train: np.ndarray) -> np.ndarray:
    """What a net's first dense layer reads of every row, [N, D], fitted on the rows `train`; embeddings left out."""
    plain = dataclasses.replace(config, model=dataclasses.replace(config.model, embedding="none", level_size=0))
    net = upto(build_network(plain, table.schema), "features")
    own = {name: leaf for name, leaf in _fitted(plain, table, train).items() if "/target/" not in name}
    held = dict(jax.eval_shape(net.init, jax.random.key(0), _example(table)))
    variables = {"params": {}} | from_named(own, held)
    return outputs(apply_of(net), variables, inputs_of(table.rows)).astype(np.float64)


def _check(config: TableExperiment) -> None:
    quantiles = config.prediction.quantiles
    if config.prediction.loss == "quantile" and (len(quantiles) % 2 == 0 or list(quantiles) != sorted(set(quantiles))):
        raise UserError(
            f"prediction.quantiles {' '.join(map(str, quantiles))}: the middle one is the prediction, so give an odd "
            "number of them, from low to high"
        )
    if config.data.samples and config.data.folds:
        raise UserError("a cross-validation takes no samples; leave out --data.samples, or --data.folds")
    if config.start and (config.data.folds or config.data.samples):
        raise UserError("folds and samples start from no other run; leave out --start, or --data.folds, --data.samples")


def _check_start(config: TableExperiment, table: Table, splits: Sequence[Split]) -> None:
    """UserError where the run to start from read other columns or levels, or trained on rows of this test."""
    run_dir = None if config.start is None else expanded(config.start)
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


def _example(table: Table) -> dict[str, jax.Array]:
    return {name: jnp.zeros((1, array.shape[1]), array.dtype) for name, array in inputs_of(table.rows).items()}


def _head_zeros(config: TableExperiment, net: Network, table: Table) -> dict[str, np.ndarray]:
    if not config.model.zero_init_head:
        return {}
    head = "logits" if table.schema.classes else "head"
    kernel = jax.eval_shape(net.init, jax.random.key(0), _example(table))["params"][head]["kernel"]
    return {f"{head}/kernel": np.zeros(kernel.shape, np.float32)}


def _sets(table: Table, splits: Sequence[Split]) -> dict[str, Batch]:
    """The rows of each split; with several folds all rows in each, of which a fold takes some by its weights."""
    target = table.target.astype(np.int32 if table.schema.classes else np.float32)
    rows_of = lambda index: whole_set(  # noqa: E731
        {name: array[index] for name, array in inputs_of(table.rows).items()}, target[index]
    )
    if len(splits) == 1:
        return {name: rows_of(getattr(splits[0], name)) for name in SPLITS}
    every, none = np.arange(table.size), np.arange(0)
    held_out = any(len(split.validation) for split in splits)
    return {"train": rows_of(every), "validation": rows_of(every if held_out else none), "test": rows_of(every)}


def _order(config: TableExperiment, rows: int, splits: Sequence[Split]) -> Order:
    """A fold's own training rows in each epoch; of one split, all that its set holds."""
    own = [split.train for split in splits] if len(splits) > 1 else [np.arange(rows)]
    return within_folds(own, rows, min(config.train.batch_size, max(map(len, own))))


def _row_weights(config: TableExperiment, table: Table, splits: Sequence[Split]) -> dict[str, jax.Array] | None:
    """How often each fold, or each sample of a bagging, trains on each row, and validates on it: [folds, N]."""
    if config.data.samples:
        count = len(splits[0].train)
        drawn = np.random.default_rng(config.data.split_seed).multinomial(
            count, np.full(count, 1 / count), config.data.samples
        )
        return {"train": jnp.asarray(drawn, jnp.float32)}
    if len(splits) == 1:
        return None
    names = ["train", *(["validation"] if any(len(split.validation) for split in splits) else [])]
    found = {}
    for name in names:
        weights = np.zeros((len(splits), table.size), np.float32)
        for fold, split in enumerate(splits):
            weights[fold, getattr(split, name)] = 1
        found[name] = jnp.asarray(weights)
    return found


def _preprocessing(config: TableExperiment, table: Table, splits: Sequence[Split]) -> Starts:
    """The leaves of the collection `preprocessing` of each member, fitted on its training rows."""
    of_splits = [_fitted(config, table, split.train) for split in splits]
    folds = config.data.samples or len(splits)
    members = range(config.seed * folds, (config.seed + config.seeds) * folds)
    return {member: of_splits[member % len(splits)] for member in members}


def _fitted(config: TableExperiment, table: Table, train: np.ndarray) -> dict[str, np.ndarray]:
    schema, found = table.schema, {}
    if schema.numeric:
        bins = config.model.embedding_size if config.model.embedding == "piecewise" else 0
        each = fit_numbers(config.data, table.rows.numbers[train], bins)
        found |= {f"numbers/{name}": array for name, array in each.items()}
    if schema.categorical:
        found["levels/common"] = fit_levels(schema, table.rows.codes[train], config.data.rare)
    if not schema.classes:
        center, scale = fit_target(config.data, table.target[train])
        found |= {"target/center": np.array([center], np.float32), "target/scale": np.array([scale], np.float32)}
    return {f"{COLLECTION}/{name}": array for name, array in found.items()}
