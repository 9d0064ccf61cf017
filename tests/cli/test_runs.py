"""runs.py from its command line: a table that fits a terminal, and a word on what is no run."""

import json

from research.config import ImageExperiment, to_json


def write(folder, name):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(to_json(ImageExperiment(name=name))))


def test_runs_are_listed_and_the_rest_is_named(run_script, tmp_path):
    write(tmp_path / "runs/small", "small")
    (tmp_path / "runs/spoilt").mkdir()
    (tmp_path / "runs/spoilt/config.json").write_text("{")
    (tmp_path / "runs/\x1b[31mred").mkdir()
    code, out, err = run_script("runs")
    assert code == 0 and "small" in out and "unfinished" in out and max(map(len, out.splitlines())) <= 80
    first, second = err.splitlines()
    assert first == r"runs.py: \x1b[31mred is no run: it has no config.json"
    assert second.startswith("runs.py: spoilt is damaged: runs/spoilt/config.json is not valid JSON")


def test_another_folder(run_script, tmp_path):
    write(tmp_path / "else/where/small", "small")
    assert "where/small" in run_script("runs", "else")[1]
    (tmp_path / "empty").mkdir()
    assert run_script("runs", "empty") == (0, "there are no runs in empty\n", "")


def test_a_folder_that_is_not_there(run_script, refused, tmp_path):
    refused(run_script("runs"), "there is no folder runs", tmp_path)
    refused(run_script("runs", "--all"), "no flag or argument --all", tmp_path)
