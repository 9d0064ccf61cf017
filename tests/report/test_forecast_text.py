"""A forecast in words: which of model and baseline is better, how many days it rests on, what its intervals cover."""

import pytest

from research.report.forecast_text import (
    best_baseline,
    coverage_text,
    days,
    few_training_days,
    partial_baselines,
    verdict,
)


@pytest.mark.parametrize(
    ("mae", "ends"),
    [
        (49.0, "has 52.01 veh/h: the model does better by 3.01 veh/h, 5.8%."),
        (99.0, "has 52.01 veh/h: the baseline does better by 46.99 veh/h, 90.3%."),
        (52.012, "has 52.01 veh/h: the same as the model."),
    ],
)
def test_the_verdict_falls_either_way(forecast_evaluation_of, mae, ends):
    assert verdict(mae, forecast_evaluation_of(), "veh/h") == (f"The best baseline, historical average, {ends}")


def test_there_is_no_verdict_without_two_numbers(forecast_evaluation_of):
    evaluation = forecast_evaluation_of()
    assert verdict(None, evaluation) == verdict(float("nan"), evaluation) == ""
    assert verdict(1.0, evaluation | {"baselines": {}}) == ""
    unknown = {"naive": {"overall": {"mae": float("nan")}}} | evaluation["baselines"]
    best = best_baseline(evaluation | {"baselines": unknown})
    assert best is not None and best[0] == "historical average"


def test_a_model_that_is_behind_on_few_days_says_so(forecast_evaluation_of):
    evaluation = forecast_evaluation_of()
    best = best_baseline(evaluation)
    assert "3 days to learn from" in few_training_days(best[1] + 1, evaluation, 3)
    assert not few_training_days(best[1] - 1, evaluation, 3)
    assert not few_training_days(best[1] + 1, evaluation, 200)
    assert not few_training_days(float("nan"), evaluation, 3)
    assert not few_training_days(best[1] + 1, evaluation, None)


def test_an_error_over_whole_days_alone_is_stated_where_it_differs(forecast_evaluation_of):
    evaluation = forecast_evaluation_of()
    stated = {name: each["overall"]["mae"] for name, each in evaluation["baselines"].items()}
    assert not partial_baselines(stated, evaluation, "veh/h")
    assert not partial_baselines(stated | {"naive, 9 whole windows": max(stated.values())}, evaluation, "veh/h")
    said = partial_baselines(stated | {"naive, 7 whole windows": 57.64}, evaluation, "veh/h")
    assert said == "On the windows with a complete season before them, naive, 7 whole windows: 57.64 veh/h."


def test_few_days_are_called_few():
    said = [days(number) for number in (1, 15, 29, 30, 1200)]
    assert said == ["1 test day: few", "15 test days: few", "29 test days: few", "30 test days", "1,200 test days"]


def test_coverage_in_words(forecast_evaluation_of):
    found = forecast_evaluation_of()["intervals"]
    assert coverage_text(found, "test") == (
        "90.4% of the test truth lay in its 90% interval; 81.2% in the worst hour, 07:00–08:00."
    )
    assert coverage_text(found | {"worst_hour": None}, "test").endswith("lay in its 90% interval.")
