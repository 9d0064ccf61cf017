"""Predictions for the rows of other files by a trained run, without the training data."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from research.config import TableExperiment
from research.data.images.findings import shown
from research.data.tables.new_rows import NewRows, read_rows
from research.data.tables.sources import KINDS
from research.data.tables.table import Rows
from research.errors import NotFiniteError, UserError, warn
from research.experiment.tables.heads import Ends, ends_of, heads_of, mean_heads
from research.experiment.tables.net import build_network, inputs_of
from research.experiment.tables.predictor import ENSEMBLE, Predictor, read_predictor
from research.experiment.trained import Trained, trained
from research.experiment.training import all_ended_leaves
from research.models.apply import apply_of
from research.models.inference import outputs
from research.training.checkpoints import fitted

NAMED = 5  # columns that a warning names


def predict(
    config: TableExperiment, run_dir: Path, inputs: Sequence[Path | str], seed: int | None, *, as_is: bool = False
) -> Iterator[dict[str, Any]]:
    """One dict for each row of each file of `inputs`, in order: {ID or "row": ..., TARGET: ..., "low", "high"}.

    "row" is the number of the row in the file, as a spreadsheet counts.
    The mean of all seeds and folds predicts, or that of one `seed`. "low" and "high" are the ends of the interval,
    where held-out rows calibrated it. Of classes, {ID, TARGET: the class, "probability": ...}. Columns are matched by
    name. A warning counts cells of unseen levels. A file that cannot be read, lacks a column, or holds text where
    numbers were gives {"input", "error"}. Raises UserError when `seed` was not trained in `run_dir`, and for `as_is`,
    which is for pictures.
    """
    if as_is:
        raise UserError(f"--as-is is for pictures, and {run_dir} predicts the rows of tables; leave it out")
    predictor = read_predictor(run_dir)
    members = members_of(config, run_dir, seed)
    net = build_network(config, predictor.schema)
    apply = apply_of(net, config.train.precision)
    for path in map(Path, inputs):
        try:
            found = _read(path, predictor)
            rows = found.rows
            like = jax.eval_shape(lambda x: {"params": {}} | dict(net.init(jax.random.key(0), x)), inputs_of(rows))
            every = [outputs(apply, fitted(own, like, run_dir), inputs_of(rows)) for own in members]
            if not np.isfinite(every).all():
                raise NotFiniteError("the net's output is not finite; train it anew")
        except UserError as error:
            yield {"input": str(path), "error": f"{shown(str(path))}: {error}"}
            continue
        name = predictor.schema.ids if found.named and predictor.schema.ids else _free("row", predictor)
        answers = _classes(predictor, every) if predictor.schema.classes else _numbers(config, predictor, every, seed)
        yield from ({name: label} | answer for label, answer in zip(found.labels, answers, strict=True))


def load(config: TableExperiment, run_dir: Path, seed: int) -> Trained:
    """The net of `seed` in `run_dir`; UserError when it was not trained there, or is several (folds, samples)."""
    members = members_of(config, run_dir, seed)
    if len(members) > 1:
        raise UserError(f"{run_dir} has {len(members)} nets of seed {seed} (folds or samples); load takes one net")
    schema = read_predictor(run_dir).schema
    net = build_network(config, schema)
    row = Rows(np.zeros((1, len(schema.numeric)), np.float32), np.zeros((1, len(schema.categorical)), np.int32))
    like = jax.eval_shape(lambda: {"params": {}} | dict(net.init(jax.random.key(0), inputs_of(row))))
    return trained(config, net, fitted(members[0], like, run_dir), schema.classes, schema.document())


def members_of(config: TableExperiment, run_dir: Path, seed: int | None) -> list[dict[str, np.ndarray]]:
    """The final leaves of every member, or of those of one seed."""
    found = all_ended_leaves(config, run_dir)
    folds = config.data.folds * config.data.repeats or config.data.samples or 1
    chosen = [leaves for member, leaves in sorted(found.items()) if seed in (None, member // folds)]
    if not chosen:
        raise UserError(f"{run_dir} has no checkpoint of seed {seed}; its seeds count up from {config.seed}")
    return chosen


def _read(path: Path, predictor: Predictor) -> NewRows:
    if path.suffix.lower() not in KINDS or not path.is_file():
        fault = "is no file" if path.suffix.lower() in KINDS else f"is none of {', '.join(KINDS)}"
        raise UserError(f"it {fault}; give a table with the columns of the training")
    found = read_rows(predictor.schema, path)
    if found.unseen:
        names = ", ".join(f"{name} ({count:,})" for name, count in list(found.unseen.items())[:NAMED])
        warn(f"{shown(str(path))} holds levels that training rows had rarely or never, which say nothing: {names}")
    return found


def _free(name: str, predictor: Predictor) -> str:
    """`name` as a column of the answer, with an underscore behind it where the target or the ids are called so."""
    return f"{name}_" if name in (predictor.schema.target, predictor.schema.ids) else name


def _numbers(
    config: TableExperiment, predictor: Predictor, every: list[np.ndarray], seed: int | None
) -> Iterator[dict[str, Any]]:
    heads = mean_heads([heads_of(config, each) for each in every])
    ends: Ends = ends_of(config, heads, predictor.margins.get(ENSEMBLE if seed is None else str(seed)))
    for index, value in enumerate(ends.middle):
        answer = {predictor.schema.target: rounded(value)}
        if ends.low is not None and ends.high is not None:
            low, high = (_free(name, predictor) for name in ("low", "high"))
            answer |= {low: rounded(ends.low[index]), high: rounded(ends.high[index])}
        yield answer


def rounded(value: float) -> float:
    """Seven significant digits, which float32 has."""
    return float(f"{value:.7g}")


def _classes(predictor: Predictor, every: list[np.ndarray]) -> Iterator[dict[str, Any]]:
    shares = np.asarray(jax.nn.softmax(np.mean(every, axis=0)), np.float64)
    for share in shares:
        best = int(share.argmax())
        yield {
            predictor.schema.target: predictor.schema.classes[best],
            _free("probability", predictor): round(float(share[best]), 6),
        }
