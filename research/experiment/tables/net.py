"""The net of a predictor of tables, from its configuration and the schema of its rows."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from research.config import TableExperiment
from research.data.tables.load import Table
from research.data.tables.preprocessing import QUANTILES
from research.data.tables.table import Rows, Schema
from research.experiment.tables.loss import outputs_of
from research.experiment.tables.members import fit_preprocessing
from research.models.apply import apply_of
from research.models.inference import outputs
from research.models.network import Network, upto
from research.models.tables import TableSpec, dense_table_net
from research.trees import from_named


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


def example_of(table: Table) -> dict[str, jax.Array]:
    """A row of zeros in the net's input format."""
    return {name: jnp.zeros((1, array.shape[1]), array.dtype) for name, array in inputs_of(table.rows).items()}


def features_of(config: TableExperiment, table: Table, train: np.ndarray) -> np.ndarray:
    """What a net's first dense layer reads of every row, [N, D], fitted on the rows `train`; embeddings left out."""
    plain = dataclasses.replace(config, model=dataclasses.replace(config.model, embedding="none", level_size=0))
    net = upto(build_network(plain, table.schema), "features")
    own = {name: leaf for name, leaf in fit_preprocessing(plain, table, train).items() if "/target/" not in name}
    held = dict(jax.eval_shape(net.init, jax.random.key(0), example_of(table)))
    variables = {"params": {}} | from_named(own, held)
    return outputs(apply_of(net), variables, inputs_of(table.rows)).astype(np.float64)
