import dataclasses
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from research import config as configuration
from research import experiment
from research.cli.show import show_result
from research.config import ConvNet, DenseNet, ImageData, ImageExperiment, Optimizer, Training
from research.errors import UserError
from research.report.record import problems


@pytest.fixture
def config(small_npz):
    return ImageExperiment(
        name="rows",
        data=ImageData(source=str(small_npz), validation=0.2),
        model=DenseNet(hidden=(12,), dropout=0.1),
        optimizer=Optimizer(learning_rate=0.01),
        train=Training(epochs=5, batch_size=16),
    )


def comparable(record):
    """A record without what two runs may differ in: time."""
    return {name: value for name, value in record.items() if name not in ("seconds", "throughput")}


def test_the_same_seed_gives_the_same_record_twice(config, tmp_path):
    one, two = (experiment.run(config, tmp_path / name) for name in "ab")
    assert comparable(one) == comparable(two)
    assert (tmp_path / "a/metrics.jsonl").read_text() == (tmp_path / "b/metrics.jsonl").read_text()
    other = experiment.run(dataclasses.replace(config, seed=1), tmp_path / "c")
    assert other["metrics"] != one["metrics"]


def test_a_run_directory_holds_what_it_promises(config, tmp_path):
    record = experiment.run(config, tmp_path / "run")
    assert not problems(record) and record["status"] == "finished"
    assert record == json.loads((tmp_path / "run/record.json").read_text())
    assert configuration.from_json(json.loads((tmp_path / "run/config.json").read_text())) == config
    rows = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5]
    for split in ("train", "validation"):
        assert rows[-1][split].keys() == {"loss", "accuracy"}
    assert record["parameters"] == {"total": (64 + 1) * 12 + 13 * 3, "trainable": (64 + 1) * 12 + 13 * 3}
    assert record["data"]["sizes"] == {"train": 96, "validation": 24, "test": 30}
    assert {path.name for path in (tmp_path / "run/figures").iterdir()} >= {
        "learning_curves.png",
        "reliability.png",
        "confusion_matrix.png",
    }


def test_the_report_is_one_sound_file(config, tmp_path):
    record = experiment.run(config, tmp_path / "run")
    page = (tmp_path / "run/report.html").read_text()
    HTMLParser().feed(page)
    assert f"{100 * record['metrics']['test']['accuracy']:.2f}%" in page
    outside = set(re.findall(r'(?:src|href)="(?!data:|#)([^"]*)"', page))
    assert not outside, outside


@pytest.mark.slow
def test_a_net_that_learned_nothing_is_said_to_have(config, tmp_path, capsys):
    """In the record, on the page and in the terminal, by seed; one that learned is not."""
    idle = dataclasses.replace(config, optimizer=Optimizer("sgd", learning_rate=1e-9), seeds=2)
    record, evaluations = experiment.conduct(idle, tmp_path / "idle")
    assert record["status"] == "finished"
    test = record["baselines"]["test"]
    assert test == {"commonest_class": pytest.approx(1 / 3), "chance": pytest.approx(1 / 3)}
    assert list(record["learned_nothing"]) == ["0", "1"]
    why = record["learned_nothing"]["0"]
    assert why.startswith("test accuracy ") and "(33.33%); of its training pictures it knows" in why
    assert "Seed 1 learned nothing: test accuracy" in (tmp_path / "idle/report.html").read_text()
    capsys.readouterr()
    show_result(idle, record, evaluations, tmp_path / "idle")
    printed = " ".join(capsys.readouterr().out.split())
    assert "seed 1 learned nothing: test accuracy" in printed and "always the commonest class 33.33% 33.33%" in printed
    record = experiment.run(config, tmp_path / "run")
    assert "learned_nothing" not in record and record["metrics"]["test"]["accuracy"] > 0.9


@pytest.mark.slow
def test_seeds_side_by_side_and_one_by_one_agree(config, tmp_path):
    config = dataclasses.replace(config, seeds=3)
    records = []
    for at_once in (1, 3):
        train = dataclasses.replace(config.train, seeds_at_once=at_once)
        records.append(experiment.run(dataclasses.replace(config, train=train), tmp_path / str(at_once)))
    one, three = (record["seeds"]["test/loss"] for record in records)
    np.testing.assert_allclose(one["values"], three["values"], rtol=1e-4)
    assert len(one["values"]) == 3 and one["low95"] < one["mean"] < one["high95"]
    np.testing.assert_allclose(one["std"], np.std(one["values"], ddof=1))
    assert records[0]["metrics"]["test"]["loss"] == one["values"][0]


def test_a_run_that_has_ended_is_not_run_again(config, tmp_path, capsys):
    record = experiment.run(config, tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")}
    assert experiment.run(config, tmp_path / "run") == record
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")} == before
    assert "finished before" in capsys.readouterr().err


@pytest.mark.slow
def test_where_the_data_lies_is_no_part_of_a_runs_identity(config, small_npz, tmp_path):
    record = experiment.run(config, tmp_path / "run")
    moved = dataclasses.replace(config, data=dataclasses.replace(config.data, root=str(tmp_path)))
    assert experiment.run(moved, tmp_path / "run") == record
    assert experiment.evaluate(tmp_path / "run", str(tmp_path))[0]["metrics"] == record["metrics"]


def test_another_configuration_is_refused_and_nothing_touched(config, tmp_path):
    experiment.run(config, tmp_path / "run")
    before = (tmp_path / "run/config.json").read_bytes()
    other = dataclasses.replace(config, optimizer=Optimizer(learning_rate=0.02))
    with pytest.raises(UserError, match=r"optimizer.learning_rate is 0\.01 there, 0\.02 here"):
        experiment.run(other, tmp_path / "run")
    assert (tmp_path / "run/config.json").read_bytes() == before


def test_a_folder_of_something_else_is_refused(config, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("")
    with pytest.raises(UserError, match="holds other files"):
        experiment.run(config, tmp_path / "mine")


def test_changed_data_is_refused_on_resume(config, small_npz, tmp_path):
    experiment.run(config, tmp_path / "run")
    (tmp_path / "run/record.json").unlink()
    arrays = dict(np.load(small_npz))
    arrays["x_train"][0] = 0
    np.savez(small_npz, **arrays)
    with pytest.raises(UserError, match="data or weights differ"):
        experiment.run(config, tmp_path / "run")


LEAF = r"\b(?:dense1|logits)/(?:kernel|bias)"


@pytest.mark.slow
def test_divergence_is_a_status_that_names_step_and_leaf(config, tmp_path, capsys):
    train = dataclasses.replace(config.train, l2=1e9)
    wild = dataclasses.replace(config, optimizer=Optimizer("sgd", learning_rate=1e15), train=train)
    record = experiment.run(wild, tmp_path / "run")
    assert record["status"] == "diverged" and record["metrics"] == {}
    said = capsys.readouterr().err
    where = re.search(rf"seed 0 diverged at step (\d+) \(epoch 1\): (.*{LEAF}) ceased to be finite", said)
    assert where and record["diverged"] == {"0": {"step": int(where[1]), "epoch": 1, "leaf": where[2]}}
    again = experiment.evaluate(tmp_path / "run")[0]
    assert again["status"] == "diverged" and again["diverged"] == record["diverged"]
    assert list((tmp_path / "run/checkpoints").rglob("*.seal.json"))


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "l2"), [(1e3, 0.0), (1e15, 0.0), (1e15, 1.0), (1e8, 1e25), (1e3, 1e38)])
def test_divergence_names_a_leaf_however_it_comes(config, tmp_path, capsys, rate, l2):
    """The loss overflows, or gradients do, or only the sum of their squares, at the first step or later."""
    train = dataclasses.replace(config.train, l2=l2)
    wild = dataclasses.replace(config, optimizer=Optimizer("sgd", learning_rate=rate), train=train)
    experiment.run(wild, tmp_path / "run")
    said = capsys.readouterr().err
    assert "diverged" not in said or re.search(rf"{LEAF} ceased to be finite", said), said
    assert "diverged" in said or not l2


@pytest.mark.slow
def test_divergence_in_the_last_step_is_divergence_too(config, tmp_path, capsys):
    train = Training(epochs=1, batch_size=96, l2=1e38)  # a single step
    wild = dataclasses.replace(config, optimizer=Optimizer("sgd", learning_rate=1e15), train=train)
    assert experiment.run(wild, tmp_path / "run")["status"] == "diverged"
    assert "step 1 (epoch 1)" in capsys.readouterr().err


@pytest.mark.slow
def test_what_is_resumed_from_is_not_written_again(config, tmp_path):
    experiment.run(config, tmp_path / "run")
    (tmp_path / "run/record.json").unlink()  # as a kill during the report leaves it
    seals = {path: path.stat().st_mtime_ns for path in (tmp_path / "run/checkpoints").rglob("*.seal.json")}
    assert experiment.run(config, tmp_path / "run")["status"] == "finished"
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run/checkpoints").rglob("*.seal.json")} == seals


def test_evaluate_refuses_what_has_not_ended_and_leaves_the_record(config, tmp_path):
    often = dataclasses.replace(config, train=dataclasses.replace(config.train, checkpoint_seconds=0.0))
    experiment.run(often, tmp_path / "run")
    before = (tmp_path / "run/record.json").read_bytes()
    seals = sorted((tmp_path / "run/checkpoints").rglob("*.seal.json"), key=lambda path: int(path.name.split(".")[0]))
    seals[-1].write_text("{}")
    with pytest.raises(UserError, match="from before the end"):
        experiment.evaluate(tmp_path / "run")
    assert (tmp_path / "run/record.json").read_bytes() == before


@pytest.mark.slow
def test_a_batch_larger_than_the_data_is_the_data(config, tmp_path):
    huge = dataclasses.replace(config, train=Training(epochs=1, batch_size=10**9))
    assert experiment.run(huge, tmp_path / "run")["status"] == "finished"


@pytest.mark.slow
def test_what_a_kill_leaves_of_the_first_file_is_no_obstacle(config, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/.config.json.x1y2").write_text("{")
    assert experiment.run(config, tmp_path / "run")["status"] == "finished"


def test_a_damaged_record_is_written_anew(config, tmp_path, capsys):
    record = experiment.run(config, tmp_path / "run")
    (tmp_path / "run/record.json").write_text("[1, 2]")
    assert experiment.evaluate(tmp_path / "run")[0]["metrics"] == record["metrics"]
    assert "record.json is not" in capsys.readouterr().err
    (tmp_path / "run/record.json").write_text('{"experiment": "x"')
    again = experiment.run(config, tmp_path / "run")
    assert comparable(again) == comparable(record)
    assert "it is written anew from the checkpoints" in capsys.readouterr().err


@pytest.mark.slow
def test_evaluating_again_changes_no_number(config, tmp_path):
    stopping = dataclasses.replace(config, seeds=2, train=Training(epochs=30, batch_size=16, patience=2))
    record = experiment.run(stopping, tmp_path / "run")
    page = (tmp_path / "run/report.html").read_text()
    (tmp_path / "run/report.html").unlink()
    again = experiment.evaluate(tmp_path / "run")[0]
    assert comparable(again) == comparable(record)
    assert len((tmp_path / "run/report.html").read_text()) == pytest.approx(len(page), rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("schedule", [pytest.param("constant", marks=pytest.mark.slow), "cosine"])
def test_without_an_epoch_the_net_is_evaluated_as_it_starts(config, tmp_path, schedule):
    optimizer = Optimizer(schedule=schedule, warmup_epochs=1)
    untrained = dataclasses.replace(config, optimizer=optimizer, train=Training(epochs=0, patience=3), seeds=2)
    record = experiment.run(untrained, tmp_path / "run")
    assert record["status"] == "finished" and not problems(record)
    assert record["epochs"] == {seed: {"run": 0, "best": None} for seed in "01"}
    assert record["seconds"]["train"] == record["throughput"]["examples_per_second"] == 0
    assert (tmp_path / "run/report.html").exists() and not (tmp_path / "run/figures/learning_curves.png").exists()
    assert experiment.evaluate(tmp_path / "run")[0]["metrics"] == record["metrics"]
    other = experiment.run(
        dataclasses.replace(untrained, train=Training(epochs=1, batch_size=16)), tmp_path / "trained"
    )
    assert other["metrics"] != record["metrics"]


@pytest.mark.slow
@pytest.mark.parametrize("rule", [{"gl": 3.0}, {"pq": 0.01}, {"up": 1}])
def test_prechelts_rules_stop_a_training_and_take_its_best_epoch(config, tmp_path, rule):
    optimizer = Optimizer(learning_rate=0.03)
    record = experiment.run(
        dataclasses.replace(config, optimizer=optimizer, train=Training(epochs=60, batch_size=16, **rule)),
        tmp_path / "run",
    )
    epochs = record["epochs"]["0"]
    assert record["status"] == "stopped early" and 1 <= epochs["best"] < epochs["run"] < 60
    rows = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    losses = [row["validation"]["loss"] for row in rows]
    assert len(losses) == epochs["run"] and int(np.argmin(losses)) + 1 == epochs["best"]
    assert "gl" not in rule or losses[-1] > 1.03 * min(losses)


@pytest.mark.parametrize(
    ("train", "word"),
    [
        ({"patience": 2, "gl": 5.0}, "train.patience and train.gl are rules of early stopping"),
        ({"pq": 1.0, "monitor": "accuracy"}, "train.pq compares errors; accuracy is none"),
    ],
)
def test_rules_of_early_stopping_that_do_not_do_are_refused(config, tmp_path, train, word):
    with pytest.raises(UserError, match=word):
        experiment.run(dataclasses.replace(config, train=Training(epochs=2, **train)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "how", [{"order": "interleaved"}, {"order": "by_class"}, {"balance": "subsample"}, {"balance": "duplicate"}]
)
def test_an_arranged_order_is_trained(config, tmp_path, how):
    train = dataclasses.replace(config.train, **how)
    record = experiment.run(dataclasses.replace(config, train=train), tmp_path / "run")
    plain = experiment.run(config, tmp_path / "plain")
    assert record["metrics"] != plain["metrics"]


@pytest.mark.slow
@pytest.mark.parametrize("balance", ["subsample", "duplicate", "weights"])
def test_balancing_finds_the_rare_class_and_repeats_to_the_bit(config, tmp_path, balance):
    random = np.random.default_rng(0)
    labels = np.r_[np.zeros(1500, int), np.ones(60, int)]
    images = np.clip(random.normal(100, 40, (1560, 8, 8)), 0, 255).astype(np.uint8)
    images[1500:, 2] += 30
    order = random.permutation(1560)
    data = (images[order], labels[order])
    train = Training(epochs=12, batch_size=32)
    plain, balanced = (
        experiment.run(
            dataclasses.replace(config, train=dataclasses.replace(train, balance=how)), tmp_path / how, data=data
        )["metrics"]["test"]
        for how in ("none", balance)
    )
    assert balanced["balanced_accuracy"] > plain["balanced_accuracy"] + 0.1
    again = experiment.run(
        dataclasses.replace(config, train=dataclasses.replace(train, balance=balance)), tmp_path / "again", data=data
    )
    assert again["metrics"]["test"] == balanced


def test_balance_and_order_are_refused_together_and_for_series(config, tmp_path):
    train = dataclasses.replace(config.train, balance="duplicate", order="interleaved")
    with pytest.raises(UserError, match="draws the examples itself; leave out train"):
        experiment.run(dataclasses.replace(config, train=train), tmp_path / "run")


def test_early_stopping_needs_something_to_watch(config, tmp_path):
    blind = dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, validation=0.0),
        train=dataclasses.replace(config.train, patience=2),
    )
    with pytest.raises(UserError, match="needs validation data"):
        experiment.run(blind, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_without_validation_or_for_a_cnn_it_runs_too(config, tmp_path):
    bare = dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, validation=0.0),
        model=ConvNet(channels=(4, 6), hidden=(), padding="same"),
        train=Training(epochs=1),
    )
    record = experiment.run(bare, tmp_path / "run")
    assert record["metrics"].keys() == {"train", "test"}


def test_two_processes_cannot_share_a_run(config, tmp_path):
    from research.run_directory import claimed

    with claimed(tmp_path / "run", config), pytest.raises(UserError, match="another process"):
        experiment.run(config, tmp_path / "run")
