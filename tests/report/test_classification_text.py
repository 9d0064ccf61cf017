"""What stands baselines_text an accuracy, and when a net is said to have learned nothing."""

import pytest

from research.report import tables
from research.report.classification_text import baselines_text, calibration_text, learned_nothing
from research.report.image_comparison import ComparedRun, comparison_table
from research.report.page import render
from research.report.tables import rows_of

BASELINES = {"commonest_class": 0.1135, "chance": 0.1}


def numbers(accuracy, low95, high95, commonest=0.1135):
    ends = {"accuracy_low95": low95, "accuracy_high95": high95}
    return {"accuracy": accuracy, "commonest_class": commonest} | ends


def test_both_baselines_are_named():
    assert baselines_text(BASELINES) == "always the commonest class: 11.35%; chance: 10.00%"
    assert baselines_text(None) == baselines_text({}) == ""  # records of before


@pytest.mark.parametrize("low95", [0.09, 0.1135])
def test_what_is_not_above_the_commonest_class_by_its_interval_learned_nothing(low95):
    found = {"train": numbers(0.1, 0.09, 0.11), "test": numbers(0.12, low95, 0.13)}
    words = learned_nothing(found, "test")
    assert "test accuracy 12.00% (95% interval" in words
    assert "not above always naming the commonest class (11.35%)" in words
    assert "of its training pictures it knows 10.00%: try --optimizer.learning-rate" in words


def test_what_is_above_it_learned_something():
    assert not learned_nothing({"test": numbers(0.12, 0.1136, 0.13)}, "test")
    assert learned_nothing({"test": numbers(0.92, 0.91, 0.93, commonest=0.92)}, "test")  # of pictures nearly all alike


def test_of_what_was_learned_by_heart_other_advice_is_given():
    found = {"train": numbers(1, 0.99, 1), "test": numbers(0.1, 0.09, 0.11)}
    assert "of its training pictures it knows 100.00%: try more pictures, --augment" in learned_nothing(found, "test")
    barely = {"train": numbers(0.13, 0.12, 0.14), "test": numbers(0.12, 0.1, 0.15)}
    assert "knows 13.00%: try --optimizer.learning-rate" in learned_nothing(barely, "test")
    assert "labels" in learned_nothing({"train": numbers(0.1, 0.09, 0.11)}, "train")


def test_they_stand_below_every_accuracy(report, seeds_report):
    known = dict.fromkeys(("train", "validation", "test"), BASELINES)
    rows = rows_of(tables.metrics(report["record"] | {"baselines": known}))
    index = [row[0].split("\n")[0] for row in rows].index("accuracy")
    assert rows[index + 1 : index + 3] == [
        ("always the commonest class", "11.35%", "11.35%", "11.35%"),
        ("chance", "10.00%", "10.00%", "10.00%"),
    ]
    over = rows_of(tables.seeds(seeds_report["record"] | {"baselines": known}))
    assert [row[:3] for row in over[1:3]] == [
        ("train", "always the commonest class", "11.35%"),
        ("train", "chance", "10.00%"),
    ]
    assert len(tables.metrics(report["record"]).rows) == len(rows) - 2  # a record of before has none


def test_a_table_of_one_seed_of_several_says_which(report, seeds_report):
    of_one = tables.of_seed(tables.metrics(seeds_report["record"]), seeds_report["record"])
    assert str(of_one.title) == "Seed 3 alone"
    worst = tables.of_seed(tables.table(("A",), [], note="The 20 worst"), seeds_report["record"])
    assert str(worst.title) == "Seed 3 alone; The 20 worst"
    assert tables.of_seed(tables.metrics(report["record"]), report["record"]).title is None


def test_the_calibration_error_says_its_bins(report):
    text = calibration_text(report["evaluation"])
    assert "over the 15 equal bins before merging" in text and "95% intervals (Wilson)" in text


def test_the_page_has_them_at_its_head_and_says_what_learned_nothing(report):
    record = report["record"] | {"baselines": {"test": BASELINES}}
    page = render(**report | {"record": record})
    assert "Baselines: always the commonest class: 11.35%; chance: 10.00%." in page
    assert "learned nothing" not in page
    of_page, other = ({"record": record | {"learned_nothing": {seed: "of <no> use"}}} for seed in ("3", "4"))
    assert "It learned nothing: of &lt;no&gt; use." in render(**report | of_page)
    assert "Seed 4 learned nothing: of &lt;no&gt; use." in render(**report | other)


def test_runs_side_by_side_have_them_in_their_note():
    test = {"mean": 0.9, "std": None, "low95": 0.8, "high95": 0.95, "values": [0.9]}
    runs = {
        "a": ComparedRun(1, test, None, None, 1.0, None),
        "b": ComparedRun(1, test, None, None, 1.0, None, BASELINES),
    }
    note = str(comparison_table(runs).title)
    assert note.endswith("; test accuracy of always the commonest class: 11.35%; chance: 10.00%")
