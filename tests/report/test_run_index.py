"""The index of runs: every directory is listed or named, and a run is told by what is odd about it."""

import dataclasses
import json
import os

import pytest

from research.config import DenseNet, ImageExperiment, Optimizer, SeriesExperiment, WidthDescent, to_json
from research.errors import UserError
from research.report.run_index import index_of, index_table, odd_settings
from research.report.tables import rows_of

CONFIG = ImageExperiment(name="small")


def write(folder, config, *, at=0, **record):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(to_json(config)))
    if record:
        (folder / "record.json").write_text(json.dumps(record))
        os.utime(folder / "record.json", (at, at))
    return folder


def accuracy(value, split="test"):
    return {"metrics": {split: {"accuracy": value}}, "data": {}}


def listed(folder):
    entries, strange = index_of(folder)
    return {row[0]: row[1:] for row in rows_of(index_table(entries))}, strange


def test_status_score_and_order_of_ending(tmp_path):
    write(tmp_path / "late", CONFIG, at=2e9, status="finished", **accuracy(0.9922))
    write(tmp_path / "early", CONFIG, at=1e9, status="stopped early", **accuracy(0.5, "validation"))
    write(tmp_path / "broken", CONFIG, at=1.5e9, status="diverged", metrics={}, data={})
    traffic = {"metrics": {"test": {"mae": 52.03}}, "data": {"unit": "veh/h"}, "seeds": {}}
    write(tmp_path / "deep/er/traffic", SeriesExperiment(name="lstm"), at=1.7e9, status="finished", **traffic)
    found, strange = listed(tmp_path)
    assert list(found) == ["early", "broken", "deep/er/traffic", "late"] and not strange
    assert found["late"][1:3] == ("finished", "99.22%\naccuracy")
    assert found["early"][1:3] == ("stopped\nearly", "50.00%\naccuracy\nvalidation")
    assert found["broken"][1:3] == ("diverged", "–")
    assert found["deep/er/traffic"][1:3] == ("finished", "52.03\nMAE, veh/h")
    assert found["late"][3].startswith("2033-05-1")


def test_a_run_is_told_by_the_settings_that_most_others_do_not_have(tmp_path):
    plain = [write(tmp_path / name, CONFIG, status="finished", **accuracy(0.9)) for name in "ab"]
    wide = dataclasses.replace(CONFIG, name="wide", model=DenseNet(hidden=(64, 64)), optimizer=Optimizer(name="sgd"))
    write(tmp_path / "wide", wide, status="finished", **accuracy(0.9))
    entries, _ = index_of(tmp_path)
    odd = odd_settings(entries)
    assert all(odd[path.name] == {} for path in plain)
    assert odd["wide"] == {"model.kind": "dense", "model.hidden": [64, 64], "optimizer.name": "sgd"}
    lines = listed(tmp_path)[0]["wide"][0].splitlines()
    assert lines == ["optimizer.name sgd", "model.kind dense", "model.hidden [64,", "64]"]


def test_runs_on_other_data_are_no_measure(tmp_path):
    write(tmp_path / "pictures", CONFIG)
    write(tmp_path / "series", SeriesExperiment(name="s", seeds=3))
    entries, _ = index_of(tmp_path)
    assert odd_settings(entries) == {"pictures": {}, "series": {}}


def test_unfinished_runs_comparisons_and_other_families_are_listed(tmp_path):
    write(tmp_path / "going", CONFIG)
    write(tmp_path / "descent", WidthDescent(name="descent"), status="finished", seeds=[0, 1], peaks=[])
    (tmp_path / "compare-a-b").mkdir()
    (tmp_path / "compare-a-b/comparison.json").write_text(json.dumps({"runs": [{"name": "a"}, {"name": "b"}]}))
    found, strange = listed(tmp_path)
    assert not strange and found["going"][1:3] == ("unfinished", "–") and found["descent"][1:3] == ("finished", "–")
    assert found["compare-a-b"][:3] == ("2 runs", "comparison", "–"), "the name has them"
    (tmp_path / "compare-a-b").rename(tmp_path / "widths")
    assert listed(tmp_path)[0]["widths"][0] == "a\nb"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("record.json", "{"),
        ("record.json", "[]"),
        ("record.json", "{}"),
        ("record.json", '{"status": "lost"}'),
        ("record.json", '{"status": "finished", "metrics": {"test": {"accuracy": 1}}, "seeds": {"test/accuracy": 3}}'),
        ("config.json", "{"),
        ("config.json", '{"kind": "images", "name": "a", "no": 1}'),
        ("comparison.json", "{"),
        ("comparison.json", '{"runs": 3}'),
    ],
)
def test_what_is_damaged_is_named_and_the_others_are_listed(tmp_path, name, content):
    write(tmp_path / "bad", CONFIG)
    (tmp_path / "bad" / name).write_text(content)
    write(tmp_path / "good", CONFIG, status="finished", **accuracy(0.9))
    found, (line,) = listed(tmp_path)
    assert list(found) == ["good"] and line.startswith("bad is damaged") and "\n" not in line


def test_what_is_no_run_is_named_once(tmp_path):
    (tmp_path / "frames/a/b").mkdir(parents=True)
    (tmp_path / "given").mkdir()  # arrays of runs beside it
    (tmp_path / "notes.txt").write_text("mine")
    write(tmp_path / "good", CONFIG)
    (tmp_path / "good/figures").mkdir()
    found, strange = listed(tmp_path)
    assert list(found) == ["good"] and strange == ["frames is no run: it has no config.json"]


def test_a_folder_that_is_not_there_or_a_run_itself_is_refused(tmp_path):
    with pytest.raises(UserError, match="there is no folder"):
        index_of(tmp_path / "nowhere")
    write(tmp_path / "run", CONFIG)
    with pytest.raises(UserError, match="is a run itself; name the folder that it is in"):
        index_of(tmp_path / "run")


def test_the_index_fits_80_columns(tmp_path, printed):
    many = dataclasses.replace(
        CONFIG, name="n" * 60, seeds=7, start="somewhere/" * 9, optimizer=Optimizer(name="sgd", learning_rate=0.25)
    )
    write(tmp_path / ("n" * 60), many, status="stopped early", **accuracy(0.9, "validation"))
    for name in "abc":
        write(tmp_path / name, CONFIG, status="finished", **accuracy(0.9))
    text = printed(index_table(index_of(tmp_path)[0]))
    assert max(map(len, text.splitlines())) <= 80
