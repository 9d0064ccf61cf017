"""The ensemble of tables: the run of configs/ames_full.py on generated rows, encoded for PyTorch as our net does it."""

import dataclasses

import jax
import numpy as np
import pytest

from research.bench.data import encoded_folds, experiment_of, table_of, weights
from research.bench.ours import build, ensemble_plan
from research.bench.workloads import pick
from research.config import load
from research.experiment.tables.net import features_of

[FULL] = pick(["table_ensemble"])
SMALL = FULL._replace(batch=16, examples=40, hidden=(8, 4), columns=(4, 2, 3, 7), folds=3, seeds=2)


def test_it_is_the_run_of_the_config(root):
    ours, shipped = experiment_of(FULL), load(str(root / "configs" / "ames_full.py"))
    for section in ("model", "prediction", "optimizer", "train", "seeds"):
        assert getattr(ours, section) == getattr(shipped, section), section
    columns = {"source": "", "target": "", "unit": "", "na_levels": ()}
    assert dataclasses.replace(ours.data, **columns) == dataclasses.replace(shipped.data, **columns)


def test_the_table_has_the_columns_of_the_workload():
    table = table_of(FULL)
    numbers, gaps, texts, levels = FULL.columns
    assert table.rows.numbers.shape == (1460, numbers) and table.rows.codes.shape == (1460, texts)
    assert sum(map(len, table.schema.levels)) == levels and sum(table.schema.gaps) == gaps
    assert np.isnan(table.rows.numbers).any(axis=0).tolist() == list(table.schema.gaps)
    assert table.rows.codes.max(axis=0).tolist() == [len(each) - 1 for each in table.schema.levels]


def test_torch_reads_what_our_first_dense_layer_does():
    plan, config, table = ensemble_plan(SMALL), experiment_of(SMALL), table_of(SMALL)
    for split, (features, targets) in zip(plan.splits, encoded_folds(SMALL), strict=True):
        ours = features_of(config, table, split.train)[split.train]
        np.testing.assert_allclose(features, ours, rtol=1e-5, atol=1e-6)
        logs = np.log1p(table.target[split.train])
        np.testing.assert_allclose(targets, (logs - logs.mean()) / logs.std(), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_our_side_trains_every_member_from_the_weights_of_the_workload():
    leaves, (features, _) = weights(SMALL).leaves, next(encoded_folds(SMALL))
    x = features[:16]
    for name in ("dense1", "dense2"):
        x = np.maximum(x @ leaves[f"{name}/kernel"] + leaves[f"{name}/bias"], 0)
    wanted = x @ leaves["head/kernel"] + leaves["head/bias"]
    work = build(SMALL)
    np.testing.assert_allclose(work.sample, wanted.ravel(), rtol=1e-4, atol=1e-5)
    assert work.parameters == (13 + 1) * 8 + (8 + 1) * 4 + 5
    assert work.run(2) > 0


@pytest.mark.slow
def test_members_start_alike_but_for_their_fold():
    plan = ensemble_plan(SMALL)
    assert plan.folds == 3 and sorted(plan.starts) == list(range(6))
    kernel = plan.initialize(jax.random.key(0))["params"]["dense1"]["kernel"]
    np.testing.assert_array_equal(kernel, weights(SMALL).leaves["dense1/kernel"])
