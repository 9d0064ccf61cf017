"""Losses of many models in one figure: every model, both parts, one scale, logarithmic only where that helps."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from research.report import curves
from research.report.style import line


def history(first, last, epochs=20, parts=("train", "validation")):
    loss = np.geomspace(first, last, epochs).tolist()
    return {"epoch": list(range(1, epochs + 1))} | {part: {"loss": loss} for part in parts}


@pytest.fixture
def axes_of(monkeypatch):
    def call(histories):
        drawn = []
        monkeypatch.setattr(curves, "png", lambda figure: FigureCanvasAgg(figure).draw() or drawn.append(figure) or b"")
        curves.losses(histories)
        return drawn[0].axes

    return call


def labels(axes):
    return [line.get_label() for line in axes.lines if not line.get_label().startswith("_")]


def test_every_model_is_in_both_panels(axes_of):
    training, validation = axes_of({"dense": [history(1, 0.5)], "lstm": [history(1, 0.3), history(1, 0.4)]})
    assert labels(training) == labels(validation) == ["dense", "lstm, mean of 2 seeds"]
    assert "training" in training.get_title(loc="left") and "validation" in validation.get_title(loc="left")


def test_one_scale_for_both_which_is_logarithmic_beyond_a_decade(axes_of):
    narrow = axes_of({"dense": [history(1, 0.2)]})
    assert [axes.get_yscale() for axes in narrow] == ["linear", "linear"]
    wide = axes_of({"dense": [history(1, 0.2)], "lstm": [history(1, 0.05)]})
    assert [axes.get_yscale() for axes in wide] == ["log", "log"]
    gap = history(1, 0.2) | {"validation": history(3, 2)["validation"]}
    assert len({axes.get_ylim() for axes in axes_of({"dense": [gap]})}) == 1
    written = [label.get_text() for label in wide[0].get_yticklabels()]
    assert {"0.1", "0.2", "0.5", "1"} <= set(written)  # and no powers of ten in a markup nobody reads
    assert axes_of({"dense": [history(1, 1e-6)]})[0].get_yscale() == "log"


def test_losses_that_are_not_finite_or_not_positive_are_no_obstacle(axes_of):
    broken = history(1, 0.01)
    broken["train"] = {"loss": [None, float("inf"), *broken["train"]["loss"][2:]]}
    assert axes_of({"dense": [broken]})[0].get_yscale() == "log"
    broken["validation"] = {"loss": [-1.0] * 20}
    assert axes_of({"dense": [broken]})[0].get_yscale() == "linear"


def test_a_part_that_no_model_has_is_left_out(axes_of):
    (training,) = axes_of({"dense": [history(1, 0.5, parts=("train",))]})
    assert "training" in training.get_title(loc="left")


def test_thirty_six_models_look_different():
    assert len({line(number) for number in range(36)}) == 36


def test_losses_of_other_kinds_have_figures_of_their_own(monkeypatch):
    drawn = []
    monkeypatch.setattr(curves, "losses", lambda histories, examples: drawn.append((list(histories), examples)) or b"")
    runs = {"dense": [history(1, 0.5)], "lstm": [history(1, 0.3)], "still": [], "cnn": [history(9, 3)]}
    one = curves.losses_by_kind(runs, dict.fromkeys(runs, "mse"), "rows")
    assert list(one) == ["losses"] and drawn == [(["dense", "lstm", "cnn"], "rows")]
    kinds = {"dense": "mse", "lstm": "mae", "still": "huber", "cnn": "mse"}
    assert list(curves.losses_by_kind(runs, kinds)) == ["losses of mse", "losses of mae"]
    assert drawn[1:] == [(["dense", "cnn"], "windows"), (["lstm"], "windows")]
    assert curves.losses_by_kind({"still": []}, {"still": "mse"}) == {}
