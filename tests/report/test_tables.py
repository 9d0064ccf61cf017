"""Tables of the terminal fit 80 columns and say the same as the page."""

import dataclasses

import numpy as np
import pytest
from rich.console import Console

from research.experiment.images.describe import result_tables
from research.report import grids, tables
from research.report.grids import confusions, shown_classes


def printed(table, width: int = 80) -> str:
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


@pytest.mark.parametrize("name", ["metrics", "seeds", "summary", "per_class", "confusions"])
def test_tables_fit_80_columns_with_all_their_words(seeds_report, name):
    record, evaluation = seeds_report.record, seeds_report.evaluations["test"]
    table, grid = {
        "metrics": lambda: (tables.metrics_table(record), grids.metrics(record)),
        "seeds": lambda: (tables.seeds_table(record), grids.seeds(record)),
        "summary": lambda: (tables.summary_table(seeds_report.summary), grids.layers(seeds_report.summary)),
        "per_class": lambda: (tables.per_class_table(evaluation), grids.per_class(evaluation)),
        "confusions": lambda: (tables.confusions_table(evaluation), grids.confused(evaluation)),
    }[name]()
    text = printed(table)
    assert max(map(len, text.splitlines())) <= 80
    for row in grid.rows:
        for word in " ".join(row).split():
            assert word in text


def test_brackets_are_not_markup(report):
    assert "[red]x[/red]" in printed(tables.per_class_table(report.evaluations["test"]))


def test_totals_are_sums(branches):
    totals = grids.layers(branches).totals
    assert totals[2] == f"{sum(layer['parameters'] for layer in branches):,}"


def test_of_many_classes_the_worst_are_shown(evaluation_of):
    evaluation = dataclasses.asdict(evaluation_of(600, [f"class{number}" for number in range(30)]))
    shown, scores = shown_classes(evaluation), evaluation["per_class"]["f1"]
    assert len(shown) == 20
    assert np.all(np.diff(scores[shown]) >= 0)
    assert scores[shown].max() <= np.delete(scores, shown).min()
    assert "20 of 30" in grids.per_class(evaluation).note


def test_where_nothing_is_confused_no_empty_table_is_shown(evaluation_of):
    sure, unsure = ({"test": evaluation_of(40, ["a", "b"], strength)} for strength in (20.0, 0.5))
    assert [len(result_tables(evaluations, {})) for evaluations in (sure, unsure)] == [1, 2]


def test_confusions_are_the_largest_off_the_diagonal():
    evaluation = {"confusion": np.array([[50, 3, 0], [7, 40, 1], [0, 0, 9]]), "classes": ("a", "b", "c")}
    found = confusions(evaluation)
    assert [mistake[:3] for mistake in found] == [("b", "a", 7), ("a", "b", 3), ("b", "c", 1)]
    assert found[0][3] == pytest.approx(7 / 48)
    assert evaluation["confusion"][0, 0] == 50  # looked at, not changed
    assert len(confusions(evaluation, limit=2)) == 2
