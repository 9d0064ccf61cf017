"""Figures: the same bytes for the same numbers, others for others, and no stumbling over what runs really leave."""

import dataclasses
import math
import struct
import warnings

import numpy as np
import pytest

from research.report import figures
from research.report.curves import learning_curves
from research.report.feature_maps import feature_maps

HISTORY = {
    "epoch": [1, 2, 3],
    "train": {"loss": [3.0, 2.0, 1.0], "accuracy": [0.1, 0.5, 0.8]},
    "validation": {"loss": [3.1, 2.2, 1.5], "accuracy": [0.1, 0.4, 0.7]},
}


def size(png: bytes) -> tuple[int, int]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", png[16:24])


def test_figures_are_the_same_bytes_for_the_same_numbers(report):
    evaluation, histories = report["evaluation"], report["histories"]
    pictures = np.random.default_rng(0).integers(0, 256, (len(evaluation["mistakes"]["indices"]), 8, 8, 1), np.uint8)
    assert figures.classification(histories, report["best_epochs"], evaluation, pictures) == report["figures"]
    assert set(report["figures"]) == {"learning_curves", "confusion_matrix", "reliability", "mistakes"}


def test_figures_show_their_numbers(report):
    evaluation = report["evaluation"]
    other = figures.confusion_matrix(evaluation["confusion"] + np.eye(4, dtype=int), evaluation["classes"])
    assert other != report["figures"]["confusion_matrix"]
    assert learning_curves([HISTORY], [2]) != learning_curves([HISTORY], [3])
    assert learning_curves([HISTORY]) != learning_curves([HISTORY, HISTORY])


def test_figures_neither_change_nor_follow_the_users_style():
    import matplotlib

    plain = learning_curves([HISTORY])
    with matplotlib.rc_context({"font.size": 17.0, "xtick.major.size": 12.0}):
        before = dict(matplotlib.rcParams)
        assert learning_curves([HISTORY]) == plain
        assert dict(matplotlib.rcParams) == before


def test_a_perfect_model_has_no_gallery(evaluation_of):
    evaluation = dataclasses.asdict(evaluation_of(50, "ab", strength=99.0))
    drawn = figures.classification([], [], evaluation, np.zeros((0, 8, 8, 1), np.uint8))
    assert set(drawn) == {"confusion_matrix", "reliability"}


@pytest.mark.parametrize(
    "history",
    [
        {"epoch": [1], "train": {"loss": [1.0]}, "validation": {"loss": [2.0]}},
        {"epoch": [1, 2], "train": {"loss": [1.0, math.nan]}, "validation": {"loss": [None, math.inf]}},
        {"epoch": [1, 2], "train": {"loss": [1.0, 0.5]}},
        {"epoch": [1, 2], "train": {"loss": [1.0, 0.5]}, "validation": {}},
    ],
)
def test_short_broken_and_lonely_histories_can_be_drawn(history):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        size(learning_curves([history], [1]))


def test_seeds_may_stop_at_different_epochs():
    shorter = {"epoch": [1, 2], "train": {"loss": [3.0, 2.0]}, "validation": {"loss": [3.0, 2.0]}}
    size(learning_curves([HISTORY, shorter], [3, 1]))


def test_colour_pictures_and_many_long_names():
    names = [f"a rather long name, number {number}" for number in range(8)]
    pictures = np.full((8, 5, 7, 3), 128, np.uint8)
    width, height = size(figures.mistakes_gallery(pictures, names, names[::-1], [0.9] * 8))
    assert width == 6.4 * 160 and height > 0


def test_feature_maps_of_nothing_but_zeros():
    zeros = np.zeros((6, 6))
    size(feature_maps(zeros, np.ones((3, 3)), {"valid": zeros[:4, :4], "stride 2": zeros[:2, :2]}))
