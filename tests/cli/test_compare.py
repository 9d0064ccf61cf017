"""compare.py from its command line: one table that fits a terminal, one figure, and a word when there is neither."""

import sys

import pytest

from research.cli.compare import compare
from research.command_line import run

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
def test_three_runs_one_table_one_figure(call, tmp_path):
    code, out, _ = call("narrow.py", "wide.py", "wider.py", "--seeds", "2", "--figure", "ladder.png")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    for words in ("narrow", "wide", "wider", "70–75%", "97%", "Over row above", "Holm"):
        assert words in out
    assert out.splitlines()[-1] == "figure: ladder.png"
    assert (tmp_path / "ladder.png").read_bytes().startswith(b"\x89PNG")


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
    code, out, _ = call("thin.py", "thick.py", "--seeds", "2", "--figure", "both.png")
    assert code == 0 and max(map(len, out.splitlines())) <= 80
    for words in ("thin", "thick", "last value", "seasonal naive (day)", "time-of-day mean", "Diebold-Mariano", "Holm"):
        assert words in out
    for name in ("both.png", "both-losses.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert call("thin.py", "narrow.py")[0] == 2
