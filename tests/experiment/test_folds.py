"""A run whose plan weighs the rows of several folds: no fold takes the place of another in it."""

import dataclasses
import json

import jax.numpy as jnp
import numpy as np
import pytest

from research import experiment
from research.config import DenseNet, ImageData, ImageExperiment, Training
from research.experiment.histories import histories_of
from research.experiment.images import task
from research.experiment.training import member_groups
from research.run_directory import checkpoint_folder, checkpointed_groups

FOLDS, SEEDS = 3, 2
MEMBERS = list(range(SEEDS * FOLDS))


@pytest.fixture
def config(small_npz):
    return ImageExperiment(
        name="rows",
        data=ImageData(source=str(small_npz), validation=0.2),
        model=DenseNet(hidden=(8,)),
        train=Training(epochs=2, batch_size=16),
        seeds=SEEDS,
    )


@pytest.fixture
def folded(monkeypatch):
    """Pictures are trained on in folds."""
    plain = task.build

    def build(config, *starts):
        plan = plain(config, *starts)
        held_out = np.arange(plan.examples["train"]) % FOLDS == np.arange(FOLDS)[:, None]
        return dataclasses.replace(plan, row_weights={"train": jnp.asarray(~held_out, jnp.float32)})

    monkeypatch.setattr(task, "build", build)
    return build


def test_every_fold_of_every_seed_is_trained_evaluated_and_told_apart(folded, config, tmp_path):
    record, evaluations = experiment.conduct(config, tmp_path / "run")
    assert list(evaluations) == MEMBERS and list(record["epochs"]) == list(map(str, MEMBERS))
    losses = [each["test"].metrics()["loss"] for each in evaluations.values()]
    assert len(set(losses)) == len(MEMBERS)
    assert record["metrics"]["test"]["loss"] == losses[0]
    rows = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert {(row["seed"], row["fold"]) for row in rows} == {divmod(each, FOLDS) for each in MEMBERS}
    assert len(histories_of(tmp_path / "run")) == len(MEMBERS)
    again, _ = experiment.evaluate(tmp_path / "run")
    assert again == record | {"seconds": again["seconds"]}


@pytest.mark.parametrize(("at_once", "groups"), [(0, [MEMBERS]), (1, [MEMBERS[:FOLDS], MEMBERS[FOLDS:]])])
def test_the_folds_of_a_seed_have_checkpoints_of_their_own(folded, config, tmp_path, at_once, groups):
    config = dataclasses.replace(config, train=dataclasses.replace(config.train, seeds_at_once=at_once))
    plan = folded(config)
    assert member_groups(config, plan) == groups
    folders = [checkpoint_folder(tmp_path, group, plan.folds) for group in groups]
    for folder in folders:
        folder.mkdir(parents=True)
    assert checkpointed_groups(tmp_path) == dict(zip(folders, groups, strict=True))
    assert not set(folders) & {checkpoint_folder(tmp_path, group) for group in groups}, "seeds have other names"
