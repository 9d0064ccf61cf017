"""Runs side by side: paired with the one before, refused before any training, on the same pictures at any size."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from research import experiment
from research.config import ConvNet, DenseNet, ImageData, ImageExperiment, Optimizer, PretrainedNet, Training, to_json
from research.errors import UserError
from research.evaluation.comparison import holm, paired
from research.evaluation.intervals import across_seeds
from research.experiment.images import paired_comparison
from research.report.record import build_record


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


@pytest.fixture
def runs(tmp_path):
    """`runs(name, **changes)`: the directory of a run of that experiment name that has ended, as far as it is read."""

    def make(directory, *, record=None, **changes):
        run_dir = tmp_path / directory
        run_dir.mkdir(parents=True)
        config = dataclasses.replace(ImageExperiment(name="digits", seeds=2), **changes)
        (run_dir / "config.json").write_text(json.dumps(to_json(config)))
        (run_dir / "record.json").write_text(json.dumps(ended(config) | (record or {})))
        (run_dir / "metrics.jsonl").write_text("")
        return run_dir

    return make


def ended(config):
    """A record of two seeds; accuracy follows the learning rate."""
    values = [0.9 + config.optimizer.learning_rate, 0.91 + 2 * config.optimizer.learning_rate]
    over = {f"{split}/accuracy": dict(across_seeds(values)) for split in ("test", "train")}
    return build_record(
        {"data": {"name": "digits", "fingerprint": "f", "pictures": "p", "sizes": {"train": 60, "test": 30}}},
        experiment=config.name,
        seed=config.seed,
        metrics={split: {"accuracy": values[0]} for split in ("test", "train")},
        parameters={"total": 10, "trainable": 10},
        seconds={"compile": 1.0, "train": 1.0, "total": 2.0},
        throughput={"examples_per_second": 1.0},
        device="an abacus",
        versions={},
        commit="c",
        status="finished",
        seeds=over,
    )


def test_runs_are_compared_without_their_data_and_nothing_in_them_changes(runs, tmp_path):
    places = [
        runs("one", optimizer=Optimizer(learning_rate=0.01)),
        runs("two", optimizer=Optimizer(learning_rate=0.02)),
    ]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    found = experiment.compare(places)
    assert found.directory == Path("runs/compare-one-two") and found.status == "finished"
    assert all(path.read_bytes() == content for path, content in before.items())
    assert sorted(path.name for path in places[0].iterdir()) == ["config.json", "metrics.jsonl", "record.json"]
    document = json.loads((found.directory / "comparison.json").read_text())
    assert document["settings"] == {"optimizer.learning_rate": {"one": 0.01, "two": 0.02}}
    assert [run["directory"] for run in document["runs"]] == ["../../one", "../../two"]
    assert [row["name"] for row in document["rows"]] == ["one", "two"]
    (difference,) = document["differences"]
    assert (difference["a"], difference["b"]) == ("two", "one") and difference["mean"] == pytest.approx(0.015)
    assert document["command"] == f"python scripts/compare.py {places[0]} {places[1]} --out runs/compare-one-two"
    assert (found.directory / "comparison.html").is_file()


def test_names_tell_runs_apart(runs, tmp_path):
    two = [runs("one"), runs("deep/one", name="other")]
    assert list(experiment.compare(two).rows) == ["digits", "other"]
    three = [*two, runs("deeper/one", seed=0)]
    names = list(experiment.compare(three).rows)
    assert names == [str(two[0]), "other", str(three[2])], "experiment and directory are called the same"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 3}, "they cannot be paired: one has seeds 0 to 1, two has seeds 3 to 4"),
        ({"seeds": 1}, "one has seeds 0 to 1, two has seed 0"),
        ({"record": {"status": "preempted"}}, "two was preempted; train it to its end first"),
        ({"record": {"metrics": {"train": {}}}}, "two: there are no test pictures to be compared on"),
        ({"record": {"data": {"name": "digits", "fingerprint": "g", "sizes": {}}}}, "different pictures"),
        ({"record": {"seed": "x"}}, "is not a record"),
    ],
)
def test_runs_that_cannot_be_paired_are_refused(runs, change, words, refusal):
    places = [runs("one", name="one"), runs("two", **({"name": "two"} | change))]
    with refusal(words):
        experiment.compare(places)
    assert not Path("runs").exists()


def test_another_comparison_and_other_files_are_not_overwritten(runs, tmp_path, refusal):
    one, two, three = (runs(name, name=name) for name in ("one", "two", "three"))
    experiment.compare([one, two], tmp_path / "out")
    first = (tmp_path / "out/comparison.json").read_bytes()
    assert json.loads(first)["settings"] == {}, "a name is no setting"
    with refusal("is the comparison of other runs", "--out"):
        experiment.compare([one, three], tmp_path / "out")
    experiment.compare([one, two], tmp_path / "out")
    assert (tmp_path / "out/comparison.json").read_bytes() == first
    for place, words in ((one, "holds other files"), (one / "config.json", "is a file")):
        with refusal(words):
            experiment.compare([two, three], place)
    with refusal("is itself a comparison"):
        experiment.compare([one, tmp_path / "out"])
    (tmp_path / "out/comparison.json").write_text("{")
    with refusal("is damaged; delete it"):
        experiment.compare([one, two], tmp_path / "out")


def test_the_name_of_a_comparison_of_many_is_short_and_its_own(runs):
    places = [runs(f"a_run_with_a_long_name_{number}") for number in range(5)]
    orders = (places, places[::-1], places[:4], [places[0], *places[:0:-1]])
    names = {experiment.compare(some).directory.name for some in orders}
    assert len(names) == 4 and max(map(len, names)) <= 80
    assert any(name.startswith("compare-a_run_with_a_long_name_0-and-4-more-") for name in names)
