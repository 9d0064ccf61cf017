"""Tables fit 80 columns of a terminal, with all that they say."""

import dataclasses

import numpy as np
import pytest

from research.experiment.images.describe import result_tables
from research.report import tables
from research.report.tables import confusions, rows_of, shown_classes


@pytest.mark.parametrize("name", ["metrics", "seeds", "layers", "per_class", "confused"])
def test_tables_fit_80_columns_with_all_their_words(seeds_report, printed, name):
    record, evaluation = seeds_report["record"], seeds_report["evaluation"]
    table = {
        "metrics": lambda: tables.metrics(record),
        "seeds": lambda: tables.seeds(record),
        "layers": lambda: tables.layers(seeds_report["summary"]),
        "per_class": lambda: tables.per_class(evaluation),
        "confused": lambda: tables.confused(evaluation),
    }[name]()
    text = printed(table)
    assert max(map(len, text.splitlines())) <= 80
    for row in rows_of(table):
        for word in " ".join(row).split():
            assert word in text


def test_brackets_are_not_markup(printed):
    marked = [f"[red]{word}[/red]" for word in ("title", "cell", "note", "total")]
    text = printed(tables.table(marked[:1], [marked[1:2]], note=marked[2], totals=marked[3:]))
    assert [word for word in marked if word in text] == marked


def test_totals_are_sums(branches, printed):
    table = tables.layers(branches)
    total = f"{sum(layer['parameters'] for layer in branches):,}"
    assert str(table.columns[2].footer) == total and total in printed(table).splitlines()[-2]


def test_of_many_classes_the_worst_are_shown(evaluation_of):
    evaluation = dataclasses.asdict(evaluation_of(600, [f"class{number}" for number in range(30)]))
    shown, scores = shown_classes(evaluation), evaluation["per_class"]["f1"]
    assert len(shown) == 20
    assert np.all(np.diff(scores[shown]) >= 0)
    assert scores[shown].max() <= np.delete(scores, shown).min()
    assert "20 of 30" in str(tables.per_class(evaluation).title)


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
