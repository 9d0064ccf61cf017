"""Runs side by side: paired with the one before, refused before any training, on the same pictures at any size."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from research import experiment
from research.config import ConvNet, DenseNet, ImageData, ImageExperiment, Optimizer, PretrainedNet, Training
from research.errors import UserError
from research.evaluation.comparison import holm, paired
from research.experiment.images import paired_comparison


@pytest.fixture
def entries(small_npz, tmp_path):
    dense = ImageExperiment(
        name="dense",
        data=ImageData(source=str(small_npz), validation=0.2),
        model=DenseNet(hidden=(8,)),
        optimizer=Optimizer(learning_rate=0.01),
        train=Training(epochs=3, batch_size=16),
        seeds=3,
        published=(0.7, 0.8),
    )
    conv = dataclasses.replace(dense, name="conv", model=ConvNet(channels=(4, 4), hidden=()), published=None)
    return [(dense, tmp_path / "dense"), (conv, tmp_path / "conv")]


def untrained(folder):
    return not any(folder.rglob("metrics.jsonl")) and not any(folder.rglob("checkpoints"))


@pytest.mark.slow
def test_each_is_paired_by_seed_with_the_one_before_it(entries, tmp_path):
    wide = dataclasses.replace(entries[0][0], name="wide", model=DenseNet(hidden=(16,)))
    found = experiment.compare([*entries, (wide, tmp_path / "wide")], tmp_path / "compared")
    dense, conv, wide = (found.records[name]["seeds"]["test/accuracy"]["values"] for name in ("dense", "conv", "wide"))
    steps = [paired(conv, dense), paired(wide, conv)]
    shown = [found.rows[name]["difference"] for name in ("conv", "wide")]
    assert found.rows["dense"]["difference"] is None
    assert [step["mean"] for step in shown] == pytest.approx(
        [np.mean(np.subtract(conv, dense)), np.mean(np.subtract(wide, conv))]
    )
    assert [step["p"] for step in shown] == holm([step["p"] for step in steps])
    assert (tmp_path / "compared/figures/accuracies.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_row_says_what_its_run_came_to(entries, tmp_path):
    (config, run_dir), second = entries
    held = dataclasses.replace(config, train=dataclasses.replace(config.train, freeze=("*/bias",)))
    found = experiment.compare([(held, run_dir), second], tmp_path / "compared")
    dense, record = found.rows["dense"], found.records["dense"]
    assert dense.items() >= record["seeds"]["test/accuracy"].items() and len(dense["values"]) == 3
    assert dense["train"] == record["seeds"]["train/accuracy"]["mean"]
    assert dense["parameters"] == 64 * 8 + 8 * 3, "the weights; biases are frozen"
    assert dense["published"] == (0.7, 0.8) and found.rows["conv"]["published"] is None


@pytest.mark.slow
def test_of_one_seed_the_interval_is_over_test_pictures(entries, tmp_path):
    single = [(dataclasses.replace(config, seeds=1), run_dir) for config, run_dir in entries]
    found = experiment.compare(single, tmp_path / "compared")
    metrics = found.records["conv"]["metrics"]["test"]
    test, difference = found.rows["conv"], found.rows["conv"]["difference"]
    assert (test["low95"], test["high95"]) == (metrics["accuracy_low95"], metrics["accuracy_high95"])
    assert test["values"] == [metrics["accuracy"]] and test["std"] is None
    dense = found.records["dense"]["metrics"]["test"]["accuracy"]
    assert difference["mean"] == pytest.approx(metrics["accuracy"] - dense) and difference["p"] is None


def test_what_cannot_be_paired_is_refused(entries, tmp_path):
    (dense, run_dir), (conv, other) = entries
    with pytest.raises(UserError, match="seed"):
        experiment.compare([(dense, run_dir), (dataclasses.replace(conv, seed=5), other)], tmp_path / "compared")
    with pytest.raises(UserError, match="same directory"):
        experiment.compare([(dense, run_dir), (dense, run_dir)], tmp_path / "compared")
    with pytest.raises(UserError, match="two runs or configurations"):
        experiment.compare([(dense, run_dir)], tmp_path / "compared")
    split = dataclasses.replace(conv, data=dataclasses.replace(conv.data, split_seed=1))
    with pytest.raises(UserError, match="different pictures"):
        experiment.compare([(dense, run_dir), (split, other)], tmp_path / "compared")
    assert untrained(tmp_path)


def changed(config, **fields):
    """`config` with fields of its data replaced."""
    return dataclasses.replace(config, data=dataclasses.replace(config.data, **fields))


MISTAKES = {
    "no weights": (
        lambda config: dataclasses.replace(config, model=PretrainedNet(backbone="vgg16")),
        "conv: no weights vgg16.*scripts/weights.py fetch vgg16",
    ),
    "no data": (lambda config: changed(config, source="nowhere"), "conv: no data set nowhere"),
    "no test pictures": (lambda config: changed(config, source="digits", test=0.0), "conv: .*no test pictures"),
    "no validation": (
        lambda config: dataclasses.replace(
            changed(config, validation=0.0), train=dataclasses.replace(config.train, patience=2)
        ),
        "conv: train.patience needs validation data",
    ),
    "a net too large for the pictures": (
        lambda config: dataclasses.replace(config, model=ConvNet(channels=(4, 4, 4, 4))),
        "conv: .*smaller than the net needs",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_what_the_last_would_refuse_is_refused_before_the_first_is_trained(entries, tmp_path, case):
    (dense, run_dir), (conv, other) = entries
    mistake, pattern = MISTAKES[case]
    with pytest.raises(UserError, match=pattern) as refusal:
        experiment.compare([(dense, run_dir), (mistake(conv), other)], tmp_path / "compared")
    assert "\n" not in str(refusal.value)
    assert not run_dir.exists() and not other.exists()


def test_a_run_directory_that_is_anothers_is_refused_before_the_first_is_trained(entries, tmp_path):
    (dense, run_dir), (conv, other) = entries
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="holds other files"):
        experiment.compare([(dense, run_dir), (conv, other)], tmp_path / "compared")
    assert untrained(tmp_path)


@pytest.mark.slow
def test_a_run_that_diverges_ends_the_comparison(entries, tmp_path):
    (dense, run_dir), second = entries
    wild = dataclasses.replace(dense, train=dataclasses.replace(dense.train, l2=1e38))
    found = experiment.compare([(wild, run_dir), second], tmp_path / "compared")
    assert found.status == "diverged" and list(found.records) == ["dense"] and not found.rows
    assert not (tmp_path / "compared").exists()


@pytest.mark.slow
def test_runs_on_the_same_pictures_at_two_sizes_are_compared(entries, tmp_path):
    noise = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 160)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index in range(20):
            pixels = noise.integers(level, level + 80, (16, 16, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{index}.png")
    (dense, run_dir), (_, other) = entries
    photos = ImageData(source=str(tmp_path / "photos"), validation=0.2, size=8)
    dense = dataclasses.replace(dense, data=photos)
    larger = dataclasses.replace(dense, name="larger", data=dataclasses.replace(photos, size=12))
    fewer = changed(larger, train_limit=10)
    with pytest.raises(UserError, match="different pictures"):
        experiment.compare([(dense, run_dir), (fewer, other)], tmp_path / "compared")
    assert not run_dir.exists()
    found = experiment.compare([(dense, run_dir), (larger, other)], tmp_path / "compared")
    assert len({record["data"]["fingerprint"] for record in found.records.values()}) == 2
    assert found.rows["larger"]["difference"] is not None


@pytest.mark.slow
def test_a_run_that_ended_on_other_pictures_is_refused(entries, tmp_path):
    """The file has changed since; the record tells."""
    experiment.compare(entries, tmp_path / "compared")
    record = json.loads((tmp_path / "dense/record.json").read_text())
    for kept in ({"pictures": "others"}, {"pictures": None}):
        data = {name: value for name, value in (record["data"] | kept).items() if value is not None}
        (tmp_path / "dense/record.json").write_text(json.dumps(record | {"data": data | {"fingerprint": "older"}}))
        with pytest.raises(UserError, match="different pictures"):
            experiment.compare(entries, tmp_path / "compared")


def test_what_learned_nothing_is_said_beside_the_others(monkeypatch, tmp_path, capsys):
    """Of classifiers: in a warning for each run and seed."""
    monkeypatch.setattr(paired_comparison, "comparison_figure", lambda *given: b"")
    monkeypatch.setattr(paired_comparison, "histories_of", lambda run_dir: [])
    metrics = {"accuracy": 0.5, "accuracy_low95": 0.4, "accuracy_high95": 0.6}
    sound = {"metrics": {"test": metrics, "train": metrics}, "parameters": {"trainable": 1}, "seconds": {"total": 1}}
    records = {"one": sound, "two": sound | {"learned_nothing": {"0": "of no use"}}}
    entries = {name: (ImageExperiment(name=name), tmp_path) for name in records}
    assert list(paired_comparison.compare_runs(entries, records).rows) == ["one", "two"]
    assert capsys.readouterr().err == "warning: two, seed 0, learned nothing: of no use\n"
