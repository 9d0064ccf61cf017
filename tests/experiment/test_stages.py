"""Training in stages: seed by seed, a run goes on from what another ended on."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from research import experiment
from research.cli.train import train
from research.config import (
    ConvNet,
    DenseForecaster,
    DenseNet,
    ImageData,
    ImageExperiment,
    Optimizer,
    SeriesData,
    SeriesExperiment,
    Training,
)
from research.errors import UserError
from research.experiment.training import ended_leaves


@pytest.fixture(scope="module")
def images(write_rows, tmp_path_factory):
    return ImageExperiment(
        name="first",
        data=ImageData(source=str(write_rows(tmp_path_factory.mktemp("rows") / "rows.npz")), validation=0.2),
        model=DenseNet(hidden=(8,)),
        optimizer=Optimizer(learning_rate=0.01),
        train=Training(epochs=3, batch_size=16),
        seeds=2,
    )


@pytest.fixture(scope="module")
def series(write_series, tmp_path_factory):
    return SeriesExperiment(
        name="first",
        data=SeriesData(source=str(write_series(tmp_path_factory.mktemp("series") / "series.csv"))),
        model=DenseForecaster(hidden=(8,)),
        train=Training(epochs=3, batch_size=64),
        seeds=2,
    )


@pytest.fixture(scope="module")
def first(images, tmp_path_factory):
    """A finished run of `images`; not to be written into."""
    run_dir = tmp_path_factory.mktemp("finished") / "first"
    experiment.run(images, run_dir)
    return run_dir


def second(config, start, **train):
    changed = dataclasses.replace(config.train, **train)
    return dataclasses.replace(config, name="second", start=str(start), train=changed)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["images", "series"])
def test_without_a_step_each_seed_is_what_it_was(request, kind, tmp_path):
    config = request.getfixturevalue(kind)
    before = experiment.run(config, tmp_path / "first")
    after = experiment.run(second(config, tmp_path / "first", epochs=0), tmp_path / "second")
    assert after["seeds"] == before["seeds"] and after["metrics"] == before["metrics"]
    assert any(over["std"] > 0 for over in after["seeds"].values()), "the seeds must differ for this test to tell"


def test_the_record_names_the_run_and_what_was_taken_over(images, first, tmp_path):
    held = second(images, first, epochs=1, freeze=("dense1/*",))
    record = experiment.run(held, tmp_path / "second")
    start = record["start"]
    assert (start["run"], start["experiment"]) == (str(first), "first")
    assert start["leaves"] == sorted(
        f"params/{leaf}" for leaf in ("dense1/bias", "dense1/kernel", "logits/bias", "logits/kernel")
    )
    assert str(first) in (tmp_path / "second" / "report.html").read_text()
    for seed in (0, 1):
        mine, theirs = (ended_leaves(images, seed, run_dir) for run_dir in (tmp_path / "second", first))
        np.testing.assert_array_equal(mine["params/dense1/kernel"], theirs["params/dense1/kernel"])
        assert not np.array_equal(mine["params/logits/kernel"], theirs["params/logits/kernel"])


def test_the_flag_names_the_run(images, first, tmp_path, capsys):
    assert (
        train(
            [
                "--config-json",
                str(first / "config.json"),
                "--start",
                str(first),
                "--train.epochs",
                "1",
                "--run-dir",
                "next",
            ]
        )
        == 0
    )
    assert f"startsfrom{first}:4ofitsleaves" in "".join(capsys.readouterr().out.split()), "lines are wrapped"
    assert json.loads((tmp_path / "next" / "config.json").read_text())["start"] == str(first)


@pytest.mark.slow
def test_another_run_under_the_same_path_is_not_gone_on_from(images, first, tmp_path):
    start = tmp_path / "first"
    shutil.copytree(first, start)
    experiment.run(second(images, start, epochs=1), tmp_path / "second")
    (tmp_path / "second" / "record.json").unlink()
    shutil.rmtree(start)
    experiment.run(dataclasses.replace(images, optimizer=Optimizer(learning_rate=0.02)), start)
    with pytest.raises(UserError, match=r"first is not what .*second started from"):
        experiment.run(second(images, start, epochs=1), tmp_path / "second")


def test_a_run_to_start_from_that_does_not_do_is_named(images, first, tmp_path):
    def refused(config):
        with pytest.raises(UserError) as refusal:
            experiment.run(config, tmp_path / "second")
        assert not (tmp_path / "second").exists()
        return str(refusal.value)

    assert "nowhere is not a run directory" in refused(second(images, "nowhere"))
    assert "no checkpoint of seed 2" in refused(dataclasses.replace(second(images, first), seeds=3))
    wider = dataclasses.replace(second(images, first), model=DenseNet(hidden=(9,)))
    assert "params/dense1/kernel is [64, 8] there, [64, 9] here" in refused(wider)
    other = dataclasses.replace(second(images, first), model=ConvNet(channels=(2,), hidden=(), output="softmax"))
    assert "logits/kernel is" in refused(other)
    preempted = tmp_path / "preempted"
    shutil.copytree(first, preempted)
    record = json.loads((preempted / "record.json").read_text()) | {"status": "preempted"}
    (preempted / "record.json").write_text(json.dumps(record))
    assert "was preempted; train it to its end first" in refused(second(images, preempted))


def test_a_rate_of_no_parameter_is_refused(images, tmp_path):
    config = dataclasses.replace(images, optimizer=Optimizer(rates=(("logits/*", 0.1), ("block5/*", 0.1))))
    with pytest.raises(UserError, match=r"optimizer\.rates block5/\* matches no trained .*; there are dense1"):
        experiment.run(config, tmp_path / "run")


@pytest.mark.slow
def test_a_comparison_trains_the_run_that_another_starts_from(images, tmp_path):
    next_stage = second(images, "runs/first", epochs=1)
    entries = [(images, tmp_path / "first-1234"), (next_stage, tmp_path / "second")]
    found = experiment.compare(entries, tmp_path / "compared")
    assert found.records["second"]["start"]["run"] == str(tmp_path / "first-1234")
    with pytest.raises(UserError, match=r"second: start: .*first is not a run directory"):
        experiment.compare([(next_stage, tmp_path / "third"), entries[0]], tmp_path / "other")


def test_a_comparison_refuses_stages_that_do_not_fit_before_any_is_trained(images, tmp_path):
    wider = dataclasses.replace(second(images, "runs/first"), model=DenseNet(hidden=(9,)))
    entries = [(images, tmp_path / "first"), (wider, tmp_path / "second")]
    with pytest.raises(UserError, match=r"second: start: .*params/dense1/kernel is \[64, 8\] there, \[64, 9\] here"):
        experiment.compare(entries, tmp_path / "compared")
    assert not (tmp_path / "first").exists()


def test_a_start_is_the_same_however_its_path_is_written(images, first, tmp_path):
    """A comparison and a training of the same stage go on in one run directory, whichever was first."""
    stage, run_dir = second(images, "runs/first", epochs=1), tmp_path / "second"
    shutil.copytree(first, tmp_path / "runs/first")
    record = experiment.run(dataclasses.replace(stage, start=str(tmp_path / "runs/first")), run_dir)
    entries = [(images, tmp_path / "runs/first"), (stage, run_dir)]
    assert experiment.compare(entries, tmp_path / "compared").records["second"] == record
    (run_dir / "record.json").unlink()
    for start in ("./runs/first/", "runs/../runs/first"):
        again = experiment.run(dataclasses.replace(stage, start=start), run_dir)
        assert again["start"] == record["start"] and again["metrics"] == record["metrics"]
    experiment.evaluate(run_dir)
    shutil.copytree(first, tmp_path / "other")
    with pytest.raises(UserError, match=r"belongs to another .* directory \(scripts/train\.py --run-dir DIR\)"):
        experiment.run(dataclasses.replace(stage, start="other"), run_dir)


def test_a_comparison_follows_a_start_that_is_no_run_of_its_own(images, first, tmp_path):
    """Another run's path is kept, whatever its last part is called."""
    entries = [(images, tmp_path / "again"), (second(images, first, epochs=0), tmp_path / "second")]
    found = experiment.compare(entries, tmp_path / "compared")
    assert found.records["second"]["start"]["run"] == str(first)


def test_a_run_needs_the_one_before_it_no_more(images, first, tmp_path):
    start, run_dir = tmp_path / "first", tmp_path / "second"
    shutil.copytree(first, start)
    before = experiment.run(second(images, start, epochs=1), run_dir)
    shutil.rmtree(start)
    after, _ = experiment.evaluate(run_dir)
    assert after == before | {"seconds": after["seconds"]}


def test_a_run_that_has_ended_is_said_to_have_without_its_start(images, first, tmp_path, capsys):
    start, run_dir = tmp_path / "first", tmp_path / "second"
    shutil.copytree(first, start)
    before = experiment.run(second(images, start, epochs=1), run_dir)
    shutil.rmtree(start)
    assert experiment.run(second(images, start, epochs=1), run_dir) == before
    assert f"{run_dir} has finished before" in capsys.readouterr().err
    (run_dir / "record.json").write_text(json.dumps(before | {"status": "preempted"}))
    with pytest.raises(UserError, match=r"start: .*first is not a run directory"):
        experiment.run(second(images, start, epochs=1), run_dir)


def test_an_edited_run_is_not_started_from(images, first, tmp_path):
    start = tmp_path / "first"
    shutil.copytree(first, start)
    text = (start / "config.json").read_text()
    (start / "config.json").write_text(text.replace('"learning_rate": 0.01', '"learning_rate": 0.5'))
    with pytest.raises(UserError, match=r"start: .*was edited after training: optimizer.learning_rate"):
        experiment.run(second(images, start), tmp_path / "second")
