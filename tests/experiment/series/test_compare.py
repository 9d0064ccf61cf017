"""Forecasters side by side: ranked with the baselines on the same windows, and refused on others."""

import contextlib
import dataclasses
import sys

import numpy as np
import pytest

from research import experiment
from research.config import DenseForecaster, RecurrentForecaster, SeriesData, SeriesExperiment, Training
from research.errors import UserError
from research.experiment.series.ranked_comparison import compare_runs
from research.report.tables import rows_of

CONFIG = SeriesExperiment(
    name="dense",
    data=SeriesData(context="4h", horizon="6h", validation=0.3, unit="veh/h", columns=("flow",)),
    model=DenseForecaster(hidden=(6,)),
    train=Training(epochs=3, batch_size=32),
    seeds=2,
    published=123.0,
)


@pytest.fixture(scope="module")
def entries(write_series, tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared")
    data = dataclasses.replace(CONFIG.data, source=str(write_series(folder / "hours.csv")))
    dense = dataclasses.replace(CONFIG, data=data)
    lstm = dataclasses.replace(dense, name="lstm", model=RecurrentForecaster(hidden=(4,)), published=None)
    return [(dense, folder / "dense"), (lstm, folder / "lstm")]


@pytest.fixture(scope="module")
def found(entries, tmp_path_factory):
    return experiment.compare(entries, tmp_path_factory.mktemp("figures") / "all")


@pytest.mark.slow
def test_rows_are_ranked_and_say_what_runs_and_baselines_came_to(entries, found):
    names = {"dense", "lstm", "last value", "seasonal naive (day)", "time-of-day mean"}
    assert found.rows.keys() == names and found.status == "finished"
    for config, run_dir in entries:
        row, record = found.rows[config.name], found.records[config.name]
        assert row["mean"] == pytest.approx(record["seeds"]["test/mae"]["mean"])
        assert row["values"] == pytest.approx(record["seeds"]["test/mae"]["values"])
        assert row["parameters"] == record["parameters"]["trainable"]
        with np.load(run_dir / "forecasts.npz", allow_pickle=False) as saved:
            naive = np.abs(saved["baseline/last value"] - saved["truth"]).mean()
        assert found.rows["last value"]["mean"] == pytest.approx(naive)
    assert found.rows["dense"]["published"] == 123.0


@pytest.mark.slow
def test_again_takes_the_runs_and_says_the_same(entries, found, tmp_path, capsys):
    again = experiment.compare(entries, tmp_path / "again")
    assert capsys.readouterr().err.count("has finished before") == 2
    assert again.rows == found.rows
    for name in ("errors", "losses", "forecasts"):
        assert (tmp_path / f"again/figures/{name}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_each_is_told_against_the_best_and_every_pair_is_tested(entries, found):
    best, *others = found.rows
    assert [row["mean"] for row in found.rows.values()] == sorted(row["mean"] for row in found.rows.values())
    assert [sentence.split(" is ")[0] for sentence in found.sentences] == others
    assert all(f" {best}" in sentence and "veh/h" in sentence for sentence in found.sentences)
    assert len(rows_of(found.tables[1])) == 10, "a list of the pairs of five"
    more = {config.name: (config, run_dir) for config, run_dir in entries} | {"third": entries[0]}
    made = compare_runs(more, found.records)
    assert [row[0].split()[0] for row in rows_of(made.tables[1])] == list("123456"), "a matrix of 15 pairs"
    assert len(made.differences) == 15 and made.figures.keys() == {"errors", "forecasts", "losses"}


@pytest.mark.parametrize("changes", [{"horizon": "5h"}, {"context": "5h"}, {"test": 0.3}, {"columns": ("speed",)}])
def test_runs_on_other_windows_are_refused_before_training(entries, tmp_path, changes):
    (dense, run_dir), _ = entries
    other = dataclasses.replace(dense, name="other", data=dataclasses.replace(dense.data, **changes))
    with pytest.raises(UserError, match="different windows"):
        experiment.compare([(dense, run_dir), (other, tmp_path / "other")], tmp_path / "compared")
    assert not (tmp_path / "other/metrics.jsonl").exists() and not (tmp_path / "compared").exists()


@pytest.mark.slow
def test_validation_may_differ_and_reference_and_loss(entries, tmp_path):
    (dense, run_dir), _ = entries
    other = dataclasses.replace(
        dense, name="other", data=dataclasses.replace(dense.data, validation=0.2, reference="day")
    )
    again = experiment.compare([(dense, run_dir), (other, tmp_path / "other")], tmp_path / "compared")
    assert again.rows["other"]["mean"] < again.rows["dense"]["mean"]
    figures = {path.stem for path in (tmp_path / "compared/figures").glob("losses*")}
    assert figures == {"losses-of-mse", "losses-of-mse-around-the-daily-profile"}


@pytest.mark.slow
def test_untrained_runs_are_compared_without_curves(entries, tmp_path):
    still = [dataclasses.replace(config, seeds=1, train=Training(epochs=0)) for config, _ in entries]
    found = experiment.compare([(config, tmp_path / config.name) for config in still], tmp_path / "all")
    assert found.status == "finished" and {"dense", "lstm"} < found.rows.keys()
    assert {path.stem for path in (tmp_path / "all/figures").iterdir()} == {"errors", "forecasts"}


def test_without_test_windows_there_is_nothing_to_compare_on(entries, tmp_path):
    bare = [
        (dataclasses.replace(config, data=dataclasses.replace(config.data, test=0.0)), tmp_path / config.name)
        for config, _ in entries
    ]
    with pytest.raises(UserError, match=r"dense: there are no test windows .*--data\.test"):
        experiment.compare(bare, tmp_path / "compared")


@pytest.mark.slow
def test_a_preempted_run_is_no_comparison(entries, tmp_path, monkeypatch):
    @contextlib.contextmanager
    def terminated():
        yield lambda: True

    monkeypatch.setattr(sys.modules["research.experiment.run"], "termination", terminated)
    fresh = [(config, tmp_path / config.name) for config, _ in entries]
    stopped = experiment.compare(fresh, tmp_path / "compared")
    assert stopped.status == "preempted" and not stopped.rows and [*stopped.records] == ["dense"]
    assert not (tmp_path / "compared").exists()
