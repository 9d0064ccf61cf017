"""Tables of a regression fit 80 columns with all their words, and say what is better."""

from research.report import regression_tables
from research.report.tables import rows_of


def test_tables_fit_80_columns_with_all_their_words(regression_evaluation_of, printed, titles_of):
    for name in ("scores", "differences", "intervals"):
        table = getattr(regression_tables, name)(regression_evaluation_of(), "USD")
        text, cells = printed(table), [*titles_of(table), *sum(rows_of(table), ())]
        assert max(map(len, text.splitlines())) <= 80 and all(cells)
        for word in " ".join(cells).split():
            assert word in text, name


def test_model_and_ensemble_stand_above_the_baselines(regression_evaluation_of, titles_of):
    table = regression_tables.scores(regression_evaluation_of(), "USD", "net")
    assert titles_of(table) == ["Model", "MAE, USD", "RMSE, USD", "RMSLE", "R²"]
    first, second, third, *_ = rows_of(table)
    assert first[:2] == ("net", "16,502\n15,512 to\n17,657") and second[0] == "ensemble of all seeds"
    assert third[:2] == ("median", "55,432")


def test_what_nobody_has_is_no_column_and_what_one_lacks_is_a_dash(regression_evaluation_of, titles_of):
    evaluation = regression_evaluation_of() | {"ensemble": None}
    evaluation["scores"] = {"mae": 1.0, "rmse": 2.0, "rmsle": float("nan"), "r2": None}
    for scores in evaluation["baselines"].values():
        del scores["rmsle"]
    table = regression_tables.scores(evaluation)
    assert titles_of(table) == ["Model", "MAE", "RMSE", "R²"]
    assert rows_of(table)[0] == ("model", "1.000", "2.000", "–")


def test_better_is_above_0_whichever_way_the_metric_goes(regression_evaluation_of):
    boosting, ridge = rows_of(regression_tables.differences(regression_evaluation_of(), "USD"))
    assert boosting == ("histogram <gradient> boosting\nMAE, USD", "1,302\n610 to 1,994", "0.00210", "–")
    assert ridge == ("ridge\nR²", "0.012\n−0.002 to 0.027", "0.0800", "–")
    unknown = {"ridge": {"mae": {"mean": 2.0, "low95": None, "high95": None, "p": None, "wilcoxon_p": 0.25}}}
    table = regression_tables.differences(regression_evaluation_of() | {"differences": unknown})
    assert rows_of(table) == [("ridge\nMAE", "−2.000\n–", "–", "0.2500")]


def test_facts_of_no_data_are_empty():
    assert regression_tables.facts({"name": "x"}) == [] and not regression_tables.left_out({}).rows
    assert ("folds", "5") in regression_tables.facts({"folds": 5, "repeats": 1})
