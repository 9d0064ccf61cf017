"""Ranking models: order, seeds beside windows, and every p corrected for all pairs."""

import numpy as np
import pytest

from research.evaluation.comparison import holm
from research.evaluation.diebold_mariano import by_day, diebold_mariano
from research.evaluation.ranking import ranking

POSITIONS, DAYS = np.arange(240), np.arange(240) // 24


@pytest.fixture
def losses():
    draw = np.random.default_rng(0)
    shared = draw.gamma(4.0, size=240)
    return {
        "profile": (shared + draw.normal(0.5, 0.1, 240))[None],
        "lstm": shared + draw.normal(0.0, 1.0, (5, 240)),
        "last": (3 * shared)[None],
    }


def test_models_are_ordered_by_loss_with_the_spread_over_seeds(losses):
    rows = ranking(losses, POSITIONS, DAYS, 6).rows
    assert [row["name"] for row in rows] == ["lstm", "profile", "last"]
    assert rows[0]["loss"]["mean"] == pytest.approx(losses["lstm"].mean())
    assert rows[0]["loss"]["values"] == pytest.approx(losses["lstm"].mean(axis=1).tolist())
    assert rows[0]["loss"]["std"] is not None and rows[1]["loss"]["std"] is None


def test_pairs_are_tests_of_losses_averaged_over_seeds_corrected_by_holm(losses):
    found = ranking(losses, POSITIONS, DAYS, 6)
    assert [(pair["better"], pair["worse"]) for pair in found.pairs] == [
        ("lstm", "profile"),
        ("lstm", "last"),
        ("profile", "last"),
    ]
    means = {name: loss.mean(axis=0) for name, loss in losses.items()}
    alone = [diebold_mariano(means[p["better"]], means[p["worse"]], POSITIONS, 6) for p in found.pairs]
    daily = [by_day(means[p["better"]], means[p["worse"]], DAYS) for p in found.pairs]
    assert [pair["test"]["p"] for pair in found.pairs] == holm([one["p"] for one in alone])
    assert [pair["p_days"] for pair in found.pairs] == holm([one["p"] for one in daily])
    assert [pair["test"]["low95"] for pair in found.pairs] == [one["low95"] for one in alone]
    assert all(pair["days"] == 10 and pair["test"]["mean"] <= 0 for pair in found.pairs)


def test_equal_models_cannot_be_told_apart_and_do_not_disturb_the_others(losses):
    twins = {"a": losses["profile"], "b": losses["profile"], "last": losses["last"]}
    found = ranking(twins, POSITIONS, DAYS, 6)
    assert found.pairs[0]["test"]["p"] is None and found.pairs[0]["p_days"] is None
    tested = [pair["test"]["p"] for pair in found.pairs[1:]]
    assert None not in tested and len(set(tested)) == 1  # two tests, not three


def test_windows_without_truth_count_for_no_model(losses):
    holes = {name: np.concatenate([loss, np.full((len(loss), 1), np.nan)], axis=1) for name, loss in losses.items()}
    found = ranking(holes, np.append(POSITIONS, 400), np.append(DAYS, 99), 6)
    assert found == ranking(losses, POSITIONS, DAYS, 6)
