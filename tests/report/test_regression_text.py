"""A regression in words: who is better, by how much and how surely, and whether intervals keep their promise."""

import pytest

from research.report.regression_text import best_baseline, coverage_text, ensemble_text, quantity, verdict


def evaluation(**difference):
    differences = {"ridge": {"mae": {"mean": -9.0, "low95": -20.0, "high95": 2.0, "p": 0.1} | difference}}
    return {
        "scores": {"mae": 50.0},
        "baselines": {"median": {"mae": 90.0}, "broken": {"mae": float("nan")}, "ridge": {"mae": 60.0}},
        "differences": differences if difference else {},
    }


def test_the_best_baseline_has_the_least_known_mae():
    assert best_baseline(evaluation()) == ("ridge", 60.0)
    assert best_baseline({"baselines": {"broken": {"mae": None}, "empty": {}}}) is None


BEST = "than the best baseline, ridge"


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        ({"high95": -2.0}, f"better {BEST}: its MAE is lower by 9.000 USD (95% interval 2.00 to 20.00)."),
        ({"mean": 9.0, "low95": 2.0, "high95": 20.0}, f"The model is worse {BEST}: its MAE is higher by 9.000 USD"),
        (
            {"p": 0.1},
            "The model is not shown to differ from the best baseline, ridge: its MAE is lower by 9.000 USD, "
            "and the 95% interval is from 20.00 lower to 2.000 USD higher.",
        ),
        ({"mean": 0.0}, "its MAE is the same"),
        ({"low95": None, "high95": None}, "lower by 9.000 USD. That rests on too few splits for an interval."),
    ],
)
def test_a_difference_over_splits_decides(difference, said):
    assert said in verdict(50.0, evaluation(**difference), "USD")


def test_without_splits_the_scores_are_compared_and_chance_is_named():
    assert verdict(50.0, evaluation(), "USD") == (
        "The model is better than the best baseline, ridge, whose MAE is 60.00 USD: by 10.00 USD, 16.7%. "
        "One split cannot tell how much of that is chance."
    )
    assert "worse than the best baseline, ridge, whose MAE is 60.00: by 12.00, 20.0%." in verdict(72.0, evaluation())
    assert "the same MAE as the model, 60.00 USD." in verdict(60.0001, evaluation(), "USD")
    assert verdict(None, evaluation()) == verdict(50.0, evaluation() | {"baselines": {}}) == ""


def test_the_ensemble_is_compared_with_one_model():
    found = evaluation()
    assert ensemble_text(found | {"ensemble": {"mae": 45.0}}, "USD").endswith(
        "45.00 USD, 5.000 USD less than one model's."
    )
    assert ensemble_text(found | {"ensemble": {"mae": 55.0}}).endswith("55.00, 5.000 more than one model's.")
    assert ensemble_text(found | {"ensemble": {"mae": 50.0}}).endswith("an MAE of 50.00.")
    assert ensemble_text(found) == ensemble_text(found | {"ensemble": None}) == ""


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.86, 0.93, "in agreement with the promise."),
        (0.80, 0.89, "less than promised."),
        (0.91, 0.95, "more than promised: they are wider than they need to be."),
    ],
)
def test_coverage_is_compared_with_the_promise(low, high, said):
    intervals = {"target": 0.9, "coverage": (low + high) / 2, "coverage_low95": low, "coverage_high95": high}
    assert coverage_text(intervals, 1460, "test").endswith(said)
    assert "meant to hold 90% of new rows; they held" in coverage_text(intervals, 1460, "test")
    assert coverage_text(intervals | {"coverage_low95": None}, 1460, "test").endswith("of 1,460 test rows.")


def test_only_quantities_have_a_unit():
    assert (quantity("mae", 17802.4, "USD"), quantity("rmsle", 0.12341, "USD")) == ("17,802 USD", "0.1234")
