"""What each member of a training of tables reads: its rows, their order and weights, and its preprocessing."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from research.batches import Batch, Order, whole_set
from research.config import TableExperiment
from research.data.sampling import within_folds
from research.data.tables.load import Table
from research.data.tables.preprocessing import fit_levels, fit_numbers, fit_target
from research.data.tables.splits import Split
from research.models.tables import COLLECTION
from research.training.plan import Starts

SPLITS = ("train", "validation", "test")


def sets_of(table: Table, splits: Sequence[Split]) -> dict[str, Batch]:
    """The rows of each split; with several folds all rows in each, of which a fold takes some by its weights."""
    target = table.target.astype(np.int32 if table.schema.classes else np.float32)
    rows_of = lambda index: whole_set(  # noqa: E731
        {name: array[index] for name, array in table.rows._asdict().items()}, target[index]
    )
    if len(splits) == 1:
        return {name: rows_of(getattr(splits[0], name)) for name in SPLITS}
    every, none = np.arange(table.size), np.arange(0)
    held_out = any(len(split.validation) for split in splits)
    return {"train": rows_of(every), "validation": rows_of(every if held_out else none), "test": rows_of(every)}


def order_of(config: TableExperiment, rows: int, splits: Sequence[Split]) -> Order:
    """A fold's own training rows in each epoch; of one split, all that its set holds."""
    own = [split.train for split in splits] if len(splits) > 1 else [np.arange(rows)]
    return within_folds(own, rows, min(config.train.batch_size, max(map(len, own))))


def row_weights_of(config: TableExperiment, table: Table, splits: Sequence[Split]) -> dict[str, jax.Array] | None:
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


def preprocessing_of(config: TableExperiment, table: Table, splits: Sequence[Split]) -> Starts:
    """The leaves of the collection `preprocessing` of each member, fitted on its training rows."""
    of_splits = [fit_preprocessing(config, table, split.train) for split in splits]
    folds = config.data.samples or len(splits)
    members = range(config.seed * folds, (config.seed + config.seeds) * folds)
    return {member: of_splits[member % len(splits)] for member in members}


def fit_preprocessing(config: TableExperiment, table: Table, train: np.ndarray) -> dict[str, np.ndarray]:
    """The leaves of the collection `preprocessing`, fitted on the rows `train`."""
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
