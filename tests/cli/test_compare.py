"""compare.py from its command line: tables that fit a terminal, one page, and a word when there is neither."""

import json
import re
import sys
from pathlib import Path

import pytest

from research import experiment
from research.cli.compare import compare
from research.cli.compare_words import taken_apart
from research.cli.variations import variations
from research.command_line import run
from research.experiment.compare import Comparison
from research.report.tables import table

CONFIG = """
from research.config import DenseNet, ImageExperiment, ImageData, Optimizer, Training

def get_config() -> ImageExperiment:
    return ImageExperiment(
        name={name!r},
        data=ImageData(source="rows.npz", validation=0.2),
        model=DenseNet(hidden=({width},)),
        optimizer=Optimizer(name="sgd", learning_rate=0.05),
        train=Training(epochs=2, batch_size=16),
        published={published},
    )
"""


@pytest.fixture
def call(monkeypatch, capfd, small_npz, tmp_path):
    """`call(*arguments) -> (exit code, stdout, stderr)` in a folder with narrow.py, wide.py and wider.py."""
    for name, width, published in (("narrow", 4, "(0.7, 0.75)"), ("wide", 8, None), ("wider", 16, "(0.97, 0.97)")):
        (tmp_path / f"{name}.py").write_text(CONFIG.format(name=name, width=width, published=published))

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["scripts/compare.py", *arguments])
        capfd.readouterr()
        return run(compare), *capfd.readouterr()

    return call


@pytest.mark.slow
def test_three_runs_one_table_one_page(call, tmp_path):
    code, out, _ = call("narrow.py", "wide.py", "wider.py", "--seeds", "2", "--out", "ladder")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    for words in ("narrow", "wide", "wider", "70–75%", "97%", "Over row above", "Holm"):
        assert words in out
    assert out.splitlines()[-1] == "comparison: ladder/comparison.html"
    assert (tmp_path / "ladder/figures/accuracies.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_again_takes_the_runs_and_says_the_same(call):
    first, again = call("narrow.py", "wide.py"), call("narrow.py", "wide.py")
    assert again[1] == first[1] and "has finished before" in again[2]


@pytest.mark.slow
def test_a_run_that_diverged_is_named(call):
    code, out, err = call("narrow.py", "wide.py", "--train.l2", "1e38")
    assert code == 1 and not out
    assert err.splitlines()[-1] == "narrow: diverged, so there is nothing to compare"


FORECASTER = """
from research.config import *

def get_config():
    return SeriesExperiment(
        name={name!r},
        data=SeriesData(source="hours.csv", context="4h", horizon="6h", unit="veh/h", columns=("flow",)),
        model=DenseForecaster(hidden=({width},)),
        train=Training(epochs=2),
    )
"""


@pytest.mark.slow
def test_forecasters_are_ranked_with_the_baselines(call, write_series, tmp_path):
    write_series(tmp_path / "hours.csv")
    for name, width in (("thin", 2), ("thick", 8)):
        (tmp_path / f"{name}.py").write_text(FORECASTER.format(name=name, width=width))
    code, out, _ = call("thin.py", "thick.py", "--seeds", "2", "--out", "both")
    assert code == 0 and max(map(len, out.splitlines())) <= 80
    for words in ("thin", "thick", "last value", "seasonal naive (day)", "time-of-day mean", "Diebold-Mariano", "Holm"):
        assert words in out
    for name in ("errors", "losses", "forecasts"):
        assert (tmp_path / f"both/figures/{name}.png").read_bytes().startswith(b"\x89PNG")
    assert call("thin.py", "narrow.py")[0] == 2


@pytest.mark.slow
def test_one_configuration_with_several_settings(call, tmp_path):
    words = ("narrow.py", "--train.epochs", "1", "--vary", "optimizer.learning_rate", "0.1", "0.2")
    code, _, err = call(*words, "--vary", "model.hidden", "4,3", "8", "--out", "varied")
    assert code == 0, err
    comparison = json.loads((tmp_path / "varied/comparison.json").read_text())
    assert [run["name"] for run in comparison["runs"]] == [
        f"narrow-learning-rate-{rate}-hidden-{hidden}" for rate in ("0.1", "0.2") for hidden in ("4_3", "8")
    ]
    settings = comparison["settings"]
    assert settings.keys() == {"optimizer.learning_rate", "model.hidden"}
    assert list(settings["model.hidden"].values()) == [[4, 3], [8], [4, 3], [8]]
    for each in comparison["runs"]:
        assert (tmp_path / "varied" / each["directory"] / "report.html").is_file()
        assert each["directory"].startswith(f"../runs/{each['name']}-"), "--train.epochs adds a hash"
    page = re.sub("<[^>]+>", "", (tmp_path / "varied/comparison.html").read_text())
    assert "compare.py narrow.py --train.epochs 1 --vary" in page


@pytest.mark.slow
def test_runs_are_compared_with_each_other_and_with_a_configuration(call, tmp_path):
    for width in ("4", "6"):
        assert call("narrow.py", "wide.py", "--model.hidden", width, "--out", f"first{width}")[0] == 0
    runs = sorted(path.name for path in (tmp_path / "runs").iterdir() if path.name.startswith("narrow"))
    (tmp_path / "rows.npz").unlink()  # the data is not needed any more
    code, out, err = call(*(f"runs/{name}" for name in runs))
    assert code == 0 and not err, err
    assert out.splitlines()[-1].startswith("comparison: runs/compare-narrow")
    page = (tmp_path / out.split()[-1]).read_text()
    assert all(name in page for name in runs), "both are called narrow, so their directories name them"
    assert "model.hidden" in page and f'href="../{runs[0]}/report.html"' in page
    code, _, err = call("runs/narrow", "wide.py", "--model.hidden", "6")
    assert code == 0 and err.count("has finished before") == 1, "that of the configuration"


MISTAKES = {
    "one configuration": (("narrow.py",), "two configurations or runs, or more"),
    "a folder that is no run": (("narrow.py", "away"), "away is not a run directory"),
    "a run that there is not": (("away", "awayy"), "no run directory or configuration awayy; did you mean away?"),
    "two runs that there are not": (("runs/a", "runs/b"), "no run directory or configuration runs/a; scripts/runs.py"),
    "flags for runs": (("away", "away2", "--seeds", "2"), "--seeds changes configurations, and only runs are given"),
    "a run twice": (("away", "away"), "same directory"),
    "vary without a value": (("narrow.py", "--vary", "train.epochs", "3"), "--vary needs a field and two values"),
    "vary without a field": (("narrow.py", "--vary"), "--vary needs a field and two values"),
    "vary a value twice": (("narrow.py", "--vary", "train.epochs", "3", "3"), "has the value 3 twice"),
    "vary two configurations": (
        ("narrow.py", "wide.py", "--vary", "train.epochs", "3", "4"),
        "takes one configuration",
    ),
    "vary a run": (("away", "--vary", "train.epochs", "3", "4"), "takes one configuration"),
    "vary no field": (
        ("narrow.py", "--vary", "optimizer.learning-rat", "1e-3", "2e-3"),
        "no flag or argument --optimizer.learning-rat; did you mean --optimizer.learning-rate",
    ),
    "vary to a wrong value": (
        ("narrow.py", "--vary", "train.epochs", "3", "-4"),
        "train.epochs.*greater than or equal",
    ),
    "vary the seed": (("narrow.py", "--vary", "seed", "3", "4"), "differ in their seeds"),
    "vary to one name": (
        ("narrow.py", "--vary", "data.source", "rows/npz", "rows_npz"),
        "two variations would be named",
    ),
    "out without a folder": (("narrow.py", "wide.py", "--out"), "--out takes one folder"),
    "out that is a file": (("narrow.py", "wide.py", "--out", "wide.py"), "wide.py is a file"),
    "out that is taken": (("narrow.py", "wide.py", "--out", "away2"), "away2 holds other files and no comparison.json"),
    "the flag of earlier versions": (("narrow.py", "wide.py", "--figure", "a.png"), "no flag or argument --figure"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_line_and_nothing_is_written(call, refused, tmp_path, case):
    words, pattern = MISTAKES[case]
    for name in ("away", "away2"):
        (tmp_path / name).mkdir()
    (tmp_path / "away2/mine.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    refused(call(*words), pattern, tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_what_is_too_wide_for_a_terminal_is_on_the_page_alone(call, monkeypatch, tmp_path):
    wide = table(["x" * 45, "y" * 45], [])
    for column in wide.columns:
        column.no_wrap = True
    found = Comparison("finished", {}, Path("there"), {"a": {}}, [wide], ["a is better than b"])
    monkeypatch.setattr(experiment, "compare", lambda *given: found)
    assert call("narrow.py", "wide.py")[1].splitlines() == [
        "the tests of all pairs are too wide for a terminal; the page has them",
        "a is better than b.",
        "comparison: there/comparison.html",
    ]


def test_true_and_false_are_flags(small_npz, tmp_path):
    (tmp_path / "hours.py").write_text(FORECASTER.format(name="thin", width=2))
    vary = [("model.zero_init_head", ["true", "false"]), ("data.smooth", ["0", "1.5"])]
    found = variations("hours.py", vary, [], "")
    assert [(config.model.zero_init_head, config.data.smooth) for config, _ in found] == [
        (True, 0.0), (True, 1.5), (False, 0.0), (False, 1.5)
    ]  # fmt: skip
    assert str(found[1][1]) == "runs/thin-zero-init-head-true-smooth-1.5"


def test_a_tuple_is_split_at_commas_and_may_be_empty(small_npz, tmp_path):
    (tmp_path / "hours.py").write_text(FORECASTER.format(name="thin", width=2))
    found = variations("hours.py", [("forecast.lower", ["", "-1", "-1,2.5"])], ["--seeds", "2"], "")
    assert [config.forecast.lower for config, _ in found] == [(), (-1.0,), (-1.0, 2.5)]
    assert [config.name for config, _ in found] == ["thin-lower-none", "thin-lower--1", "thin-lower--1_2.5"]
    assert all(run_dir.name.startswith(f"{config.name}-") for config, run_dir in found), "--seeds adds a hash"


def test_a_negative_number_is_a_value_and_no_flag():
    words = taken_apart(["a.py", "--vary", "forecast.lower", "-1", "-.5", "--seeds", "2", "--out=there"])
    assert words == (["a.py"], [("forecast.lower", ["-1", "-.5"])], "there", ["--seeds", "2"])
