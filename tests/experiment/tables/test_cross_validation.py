"""No fold knows anything of the rows that test it, and intervals hold what they promise."""

import dataclasses

import jax
import numpy as np
import pandas as pd
import pytest

from research import experiment
from research.config import Optimizer, Prediction, TableData, TableExperiment, TableNet, Training
from research.errors import UserError
from research.experiment.tables import task
from research.experiment.tables.evaluate import evaluate
from research.experiment.tables.net import features_of
from research.experiment.training import fit_group
from research.training.state import chosen_variables, members_of


@pytest.fixture
def config(write_houses, tmp_path):
    return TableExperiment(
        name="houses",
        data=TableData(
            source=str(write_houses(tmp_path / "houses.csv")),
            target="price",
            folds=3,
            repeats=2,
            log_target=True,
            validation=0.0,
        ),
        model=TableNet(hidden=(8,)),
        train=Training(epochs=2, batch_size=32),
    )


def trained(config, folder):
    plan = task.build(config)
    folder.mkdir()
    state, _ = fit_group(config, plan, list(range(6)), folder, lambda: False, lambda rows: None)
    return plan, [chosen_variables(member) for member in members_of(state)]


def test_a_fold_depends_on_its_training_rows_alone(config, tmp_path):
    plan, before = trained(config, tmp_path / "a")
    row = int(plan.splits[1].test[0])
    frame = pd.read_csv(config.data.source, keep_default_na=False)
    frame.loc[row, ["area", "price"]] = [90_000, 900_000_000]
    frame.loc[row, "front"] = ""
    frame.to_csv(tmp_path / "changed.csv", index=False)
    changed = dataclasses.replace(config, data=dataclasses.replace(config.data, source=str(tmp_path / "changed.csv")))
    _, after = trained(changed, tmp_path / "b")
    flat = lambda tree: np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])  # noqa: E731
    for number, split in enumerate(plan.splits):
        same = np.array_equal(flat(before[number]), flat(after[number]))
        assert same == (row not in split.train), number


def test_each_row_is_predicted_by_the_fold_that_lacked_it(config, tmp_path):
    plan, variables = trained(config, tmp_path / "a")
    found = evaluate(plan, variables)["test"]
    broken = [variables[0], *({"params": v["params"], "preprocessing": v["preprocessing"]} for v in variables[1:])]
    broken[4] = jax.tree.map(lambda leaf: leaf * 1.5, broken[4])
    other = evaluate(plan, broken)["test"]
    moved = found.ends.middle != other.ends.middle
    assert moved.shape == (2, 120) and not moved[0].any()
    assert np.flatnonzero(moved[1]).tolist() == plan.splits[4].test.tolist()


def test_features_are_fitted_on_the_rows_named(config):
    plan = task.build(dataclasses.replace(config, data=dataclasses.replace(config.data, scaling="standard", clip=0.0)))
    rows = np.arange(40)
    features = features_of(plan.config, plan.table, rows)
    area = plan.table.schema.numeric.index("area")
    assert np.allclose(features[rows, area].mean(), 0, atol=1e-5) and np.allclose(
        features[rows, area].std(), 1, atol=1e-5
    )
    assert abs(features[40:, area].mean()) > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["mae", "quantile", "gaussian"])
def test_intervals_hold_their_share_of_new_rows(tmp_path, loss):
    generator = np.random.default_rng(0)
    x = generator.uniform(-1, 1, 900)
    noise = generator.standard_t(3, 900) * (0.2 + (x > 0))
    pd.DataFrame({"x": x, "y": x + noise}).to_csv(tmp_path / "noisy.csv", index=False)
    config = TableExperiment(
        name="noisy",
        data=TableData(source=str(tmp_path / "noisy.csv"), target="y", test=0.5, validation=0.5),
        model=TableNet(hidden=(8,)),
        prediction=Prediction(loss=loss, coverage=0.8),
        train=Training(epochs=5, batch_size=64),
    )
    record = experiment.run(config, tmp_path / "run")
    assert abs(record["metrics"]["test"]["interval_coverage"] - 0.8) < 0.06  # 2 deviations of 225 rows of calibration


def test_the_mean_of_seeds_is_evaluated_beside_the_baselines_on_the_same_folds(config, tmp_path):
    record = experiment.run(dataclasses.replace(config, seeds=2), tmp_path / "run")
    assert set(record["baselines"]["test"]) == {"median", "linear regression", "ridge", "gradient boosting"}
    assert set(record["differences"]) == set(record["baselines"]["test"])
    assert record["ensemble"]["test"].keys() == record["metrics"]["test"].keys()
    assert record["differences"]["median"].keys() == {"mae", "rmsle"}
    assert record["differences"]["median"]["rmsle"]["low95"] is not None


@pytest.mark.slow
def test_a_frame_is_stored_and_gives_the_run_of_its_file(config, tmp_path):
    frame = pd.read_csv(config.data.source, keep_default_na=False).assign(front=lambda f: pd.to_numeric(f["front"]))
    record = experiment.run(config, tmp_path / "frame", data=frame)
    assert record["metrics"] == experiment.run(config, tmp_path / "file")["metrics"]
    again, _ = experiment.evaluate(tmp_path / "frame")
    assert again["metrics"] == record["metrics"]
    mixed = frame.assign(veneer=[1, "x", "y"] * 40)
    assert experiment.run(config, tmp_path / "mixed", data=mixed)["status"] == "finished"
    with pytest.raises(UserError, match="data is a Series, not a pandas DataFrame"):
        experiment.run(config, tmp_path / "series", data=frame["area"])
    with pytest.raises(UserError, match="two columns called 'area'"):
        experiment.run(config, tmp_path / "twice", data=frame.rename(columns={"front": "area"}))
    assert not (tmp_path / "twice").exists()


@pytest.mark.slow
def test_a_bagging_trains_each_net_on_a_sample_and_predicts_their_mean(config, tmp_path):
    data = dataclasses.replace(config.data, folds=0, repeats=1, samples=3)
    bagging = dataclasses.replace(config, data=data)
    plan = task.build(bagging)
    weights = np.asarray(plan.row_weights["train"])
    assert weights.shape == (3, len(plan.splits[0].train)) and (weights.sum(axis=1) == weights.shape[1]).all()
    assert (weights == 0).mean() == pytest.approx(np.exp(-1), abs=0.08)
    record = experiment.run(bagging, tmp_path / "run")
    assert len(record["epochs"]) == 3 and record["metrics"]["test"]["mae"] > 0
    frame = pd.read_csv(config.data.source, keep_default_na=False)
    frame.iloc[plan.splits[0].test].to_csv(tmp_path / "test.csv", index=False)
    predicted = [row["price"] for row in experiment.predict(tmp_path / "run", [tmp_path / "test.csv"])]
    truth = plan.table.target[plan.splits[0].test]
    assert np.abs(np.array(predicted) - truth).mean() == pytest.approx(record["metrics"]["test"]["mae"], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "data"),
    [
        ({"embedding": "periodic"}, {"scaling": "quantile"}),
        ({"embedding": "piecewise", "dropout": 0.2}, {"scaling": "standard", "log_skewed": 0.5}),
        ({"level_size": 3, "zero_init_head": True}, {"scaling": "none", "missing": "drop"}),
    ],
)
def test_every_kind_of_net_learns_something(config, tmp_path, model, data):
    fields = {"folds": 0, "repeats": 1, "validation": 0.2, "log_target": False} | data
    other = dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, **fields),
        model=dataclasses.replace(config.model, **model),
        optimizer=Optimizer(learning_rate=1e-2),
        train=Training(epochs=25, batch_size=16),
    )
    record = experiment.run(other, tmp_path / "run")
    assert record["metrics"]["train"]["mae"] < 0.8 * record["baselines"]["test"]["median"]["mae"]
    answers = list(experiment.predict(tmp_path / "run", [config.data.source]))
    assert len(answers) == 120 and all(np.isfinite(row["price"]) for row in answers)


@pytest.mark.slow
def test_a_start_reads_the_same_columns_and_has_not_seen_the_test_rows(config, tmp_path):
    one = dataclasses.replace(config, data=dataclasses.replace(config.data, folds=0, repeats=1))
    experiment.run(one, tmp_path / "first")
    second = dataclasses.replace(one, name="second", start=str(tmp_path / "first"))
    record = experiment.run(second, tmp_path / "second")
    assert record["start"]["experiment"] == "houses"

    def refused(message, **fields):
        other = dataclasses.replace(second, data=dataclasses.replace(second.data, **fields))
        with pytest.raises(UserError, match=message):
            experiment.run(other, tmp_path / "third")
        assert not (tmp_path / "third").exists()

    refused("split the same rows in another way", split_seed=1)
    refused(r"read other columns or levels \(numeric", left_out=("area",))
    experiment.run(config, tmp_path / "folds")
    second = dataclasses.replace(second, start=str(tmp_path / "folds"))
    refused("has several nets a seed")
