"""Trained predictors of a table for other libraries: all nets of a run as one, whose mean predicts."""

from pathlib import Path
from typing import Any

import jax
import numpy as np

from research.config import TableExperiment
from research.data.tables.table import Schema
from research.experiment.exported import ExportedNet, Leaves, leaves_of
from research.experiment.tables.heads import heads_of, in_unit
from research.experiment.tables.keras_layers import keras_layers
from research.experiment.tables.net import build_network
from research.experiment.tables.predict import members_of
from research.experiment.tables.predictor import read_predictor
from research.experiment.tables.torch_layers import torch_layers
from research.models.apply import apply_of
from research.training.checkpoints import fitted

ROWS = 8  # of random cells that both nets run on


def exported(config: TableExperiment, run_dir: Path, seed: int | None) -> ExportedNet:
    """See `Task.exported`: the mean of all seeds, folds and samples, as `predict` takes it, or that of one seed."""
    schema, prediction = read_predictor(run_dir).schema, config.prediction
    net = build_network(config, schema)
    apply = apply_of(net)
    own = members_of(config, run_dir, seed)
    rows = _rows(schema, leaves_of(own[0]))
    like = jax.eval_shape(lambda: {"params": {}} | dict(net.init(jax.random.key(0), rows)))
    variables = [fitted(leaves, like, run_dir) for leaves in own]
    members = [_answers(config, schema, np.asarray(apply(each, rows, None)[0])) for each in variables]
    exponential = bool(config.data.log_target and not schema.classes and prediction.loss != "gaussian")
    mean = np.mean(members, axis=0)
    inputs = {name: each for name, each in rows.items() if each.shape[1]}
    return ExportedNet(
        title=config.name,
        net=net,
        members=[leaves_of(each) for each in variables],
        inputs=inputs,
        outputs=in_unit(config, mean) if exponential else mean,
        keras=keras_layers(prediction.loss),
        torch=torch_layers(prediction.loss),
        reads=", ".join(f"{name} [B, {each.shape[1]}]" for name, each in inputs.items()),
        gives=_gives(config, schema),
        document=_document(schema, len(variables)),
        exponential=exponential,
    )


def _rows(schema: Schema, leaves: Leaves) -> dict[str, np.ndarray]:
    """Rows of random cells like the training rows', some of them missing or unseen."""
    draw, count = np.random.default_rng(0), len(schema.numeric)
    numbers = np.zeros((ROWS, 0), np.float32)
    if count:
        numbers = leaves["numbers/center"] + leaves["numbers/scale"] * draw.normal(size=(ROWS, count))
        numbers = np.where(leaves["numbers/logged"] > 0, np.expm1(numbers), numbers).astype(np.float32)
        numbers[draw.random(numbers.shape) < 0.1] = np.nan
    codes = draw.integers(-1, [len(levels) for levels in schema.levels], (ROWS, len(schema.levels)))
    return {"numbers": numbers, "codes": codes.astype(np.int32)}


def _answers(config: TableExperiment, schema: Schema, outputs: np.ndarray) -> np.ndarray:
    """A net's answers [B, Q] on the scale that it predicts."""
    if schema.classes:
        return outputs
    if config.prediction.loss == "gaussian":
        heads = heads_of(config, outputs)
        return np.stack([heads.middle, heads.width], axis=1)
    own, center, scale = outputs[:, :-2], outputs[:, -2:-1], outputs[:, -1:]
    return np.sort(own.astype(np.float64), axis=1) * scale + center


def _gives(config: TableExperiment, schema: Schema) -> str:
    """The outputs in words."""
    prediction, target = config.prediction, schema.target
    if schema.classes:
        return f"logits [B, {len(schema.classes)}] of {target}"
    if prediction.loss == "gaussian":
        scale = f"log(1 + {target})" if config.data.log_target else target
        return f"mean and standard deviation of {scale} [B, 2]"
    if prediction.loss == "quantile":
        return f"quantiles {', '.join(map(str, prediction.quantiles))} of {target} [B, {len(prediction.quantiles)}]"
    return f"{target} [B, 1]"


def _document(schema: Schema, nets: int) -> dict[str, Any]:
    """How rows become the net's inputs."""
    numbers = zip(schema.numeric, schema.shifts, schema.ordered, strict=True)
    return {
        "nets": nets,
        "numbers": "float32: the cell (true is 1, false 0) less its shift; of an ordered column the index of its "
        "level; NaN where missing",
        "numbers_columns": [{"column": name, "shift": shift, "ordered": order} for name, shift, order in numbers],
        "codes": "int32: the index of the cell's level (of a missing cell the level is empty), -1 for any other",
        "codes_columns": [
            {"column": name, "levels": levels} for name, levels in zip(schema.categorical, schema.levels, strict=True)
        ],
        "classes": schema.classes,
    }
