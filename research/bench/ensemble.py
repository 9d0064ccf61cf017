"""The ensemble of the workload `table_ensemble`: a generated table, its folds, and its rows as encoded for PyTorch."""

from collections.abc import Iterator

import numpy as np

from research.bench.workloads import Workload
from research.config import Optimizer, Prediction, TableData, TableExperiment, TableNet, Training
from research.data.tables.load import Table
from research.data.tables.preprocessing import fit_levels, fit_numbers, fit_target
from research.data.tables.splits import splits_of
from research.data.tables.table import Rows, Schema

MISSING = 0.1  # share of missing cells in columns with gaps


def experiment_of(workload: Workload) -> TableExperiment:
    """What `configs/ames_full.py` trains, on the generated table."""
    return TableExperiment(
        name=workload.name,
        data=TableData(target="price", log_skewed=1.0, log_target=True, folds=workload.folds, validation=0.0),
        model=TableNet(hidden=workload.hidden, zero_init_head=True),
        prediction=Prediction(loss="mae"),
        optimizer=Optimizer(name="adamw", learning_rate=1.5e-3, schedule="cosine", warmup_epochs=2.5, weight_decay=1.0),
        train=Training(epochs=24, batch_size=workload.batch),
        seeds=workload.seeds,
    )


def table_of(workload: Workload) -> Table:
    """Random rows: half of the numbers are skewed, the first few have gaps, and no level is rare."""
    numbers, gaps, categorical, levels = workload.columns
    random, rows = np.random.default_rng(0), workload.rows
    drawn = random.standard_normal((rows, numbers))
    drawn[:, ::2] = np.exp(drawn[:, ::2])
    drawn[:, :gaps][random.random((rows, gaps)) < MISSING] = np.nan
    counts = [len(part) for part in np.array_split(np.arange(levels), categorical)]
    schema = Schema(
        target="price",
        numeric=tuple(f"number{index}" for index in range(numbers)),
        shifts=(0.0,) * numbers,
        gaps=tuple(index < gaps for index in range(numbers)),
        ordered=((),) * numbers,
        categorical=tuple(f"text{index}" for index in range(categorical)),
        levels=tuple(tuple(f"level{level}" for level in range(count)) for count in counts),
        ids=None,
        classes=(),
    )
    codes = random.integers(0, counts, (rows, categorical), dtype=np.int32)
    target = np.exp(12 + 0.4 * random.standard_normal(rows))
    return Table("generated", schema, Rows(drawn.astype(np.float32), codes), target, None, {}, {}, 0, 0, workload.name)


def encoded_folds(workload: Workload) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of each fold the training rows as the first dense layer reads them, float32 [N, D], and their scaled targets [N].

    Our net encodes rows itself; PyTorch gets them ready-made, which is in its favour.
    """
    config, table = experiment_of(workload).data, table_of(workload)
    for split in splits_of(config, table.target, classes=False):
        numbers, codes = (each[split.train] for each in table.rows)
        center, scale = fit_target(config, table.target[split.train])
        parts = [
            _numbers(fit_numbers(config, numbers), numbers, list(table.schema.gaps), config.clip),
            _one_hot(table.schema, codes) * fit_levels(table.schema, codes, config.rare),
        ]
        targets = (np.log1p(table.target[split.train]) - center) / scale
        yield np.concatenate(parts, axis=1).astype(np.float32), targets.astype(np.float32)


def _numbers(fitted: dict[str, np.ndarray], numbers: np.ndarray, gaps: list[bool], clip: float) -> np.ndarray:
    logged = np.where(fitted["logged"] > 0, np.log1p(np.maximum(numbers, 0)), numbers)
    scaled = (np.where(np.isnan(numbers), fitted["median"], logged) - fitted["center"]) / fitted["scale"]
    bounded = scaled / np.sqrt(1 + (scaled / clip) ** 2)
    return np.concatenate([bounded, (np.isnan(numbers) * fitted["indicated"])[:, gaps]], axis=1)


def _one_hot(schema: Schema, codes: np.ndarray) -> np.ndarray:
    parts = [codes[:, [index]] == np.arange(len(levels)) for index, levels in enumerate(schema.levels)]
    return np.concatenate(parts, axis=1)
