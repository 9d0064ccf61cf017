"""A cross-validation of several seeds: no fold takes the place of another in it."""

import dataclasses
import json

import pytest

from research import experiment
from research.config import TableData, TableExperiment, TableNet, Training
from research.experiment.histories import histories_of
from research.experiment.tables import task
from research.experiment.training import member_groups
from research.run_directory import checkpoint_folder, checkpointed_groups

FOLDS, SEEDS = 3, 2
MEMBERS = list(range(SEEDS * FOLDS))


@pytest.fixture
def config(write_houses, tmp_path):
    return TableExperiment(
        name="houses",
        data=TableData(source=str(write_houses(tmp_path / "houses.csv")), target="price", folds=FOLDS),
        model=TableNet(hidden=(8,)),
        train=Training(epochs=2, batch_size=16),
        seeds=SEEDS,
    )


@pytest.mark.slow
def test_every_fold_of_every_seed_is_trained_evaluated_and_told_apart(config, tmp_path):
    record, evaluations = experiment.conduct(config, tmp_path / "run")
    assert list(evaluations) == list(range(SEEDS)) and list(record["epochs"]) == list(map(str, MEMBERS))
    errors = [each["test"].metrics()["mae"] for each in evaluations.values()]
    assert len(set(errors)) == SEEDS
    assert record["metrics"]["test"]["mae"] == errors[0]
    rows = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert {(row["seed"], row["fold"]) for row in rows} == {divmod(each, FOLDS) for each in MEMBERS}
    assert len({row["train"]["loss"] for row in rows if row["epoch"] == 1}) == len(MEMBERS)
    assert len(histories_of(tmp_path / "run")) == len(MEMBERS)
    again, _ = experiment.evaluate(tmp_path / "run")
    assert again == record | {"seconds": again["seconds"]}


@pytest.mark.parametrize(("at_once", "groups"), [(0, [MEMBERS]), (1, [MEMBERS[:FOLDS], MEMBERS[FOLDS:]])])
def test_the_folds_of_a_seed_have_checkpoints_of_their_own(config, tmp_path, at_once, groups):
    config = dataclasses.replace(config, train=dataclasses.replace(config.train, seeds_at_once=at_once))
    plan = task.build(config)
    assert member_groups(config, plan) == groups
    folders = [checkpoint_folder(tmp_path, group, plan.folds) for group in groups]
    for folder in folders:
        folder.mkdir(parents=True)
    assert checkpointed_groups(tmp_path) == dict(zip(folders, groups, strict=True))
    assert not set(folders) & {checkpoint_folder(tmp_path, group) for group in groups}, "seeds have other names"
