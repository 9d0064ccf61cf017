"""record.json: what is refused, and what comes back."""

import math
from types import MappingProxyType

import pytest

from research.errors import UserError
from research.files import write_json
from research.report.environment import commit, environment
from research.report.record import build_record, measured, problems, read_record

FIELDS = (
    "experiment",
    "seed",
    "metrics",
    "parameters",
    "seconds",
    "throughput",
    "data",
    "device",
    "versions",
    "commit",
    "status",
)


def rebuilt(record, of_kind=MappingProxyType({})):
    return build_record(
        {"data": record["data"], **of_kind}, **{name: record[name] for name in record if name != "data"}
    )


def test_fields_come_in_the_promised_order(report):
    assert tuple(report["record"]) == FIELDS
    assert problems(report["record"]) == []


@pytest.mark.parametrize("name", FIELDS)
def test_a_missing_field_is_named(report, name):
    assert problems({key: value for key, value in report["record"].items() if key != name}) == [f"no {name}"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"status": "done"}, "status is 'done', not one of finished"),
        ({"seed": True}, "seed is True"),
        ({"seed": "1"}, "seed is '1'"),
        ({"metrics": []}, "metrics is []"),
        ({"device": None}, "device is None"),
        ({"seconds": {"compile": 1.0, "train": 2.0}}, "no seconds.total"),
        ({"data": {"name": "x", "sizes": {}}}, "no data.fingerprint"),
    ],
)
def test_a_wrong_field_is_named(report, change, problem):
    (found,) = problems(report["record"] | change)
    assert found.startswith(problem)


def test_every_problem_is_reported_at_once(report):
    with pytest.raises(ValueError, match=r"device is 3.*no seconds.compile.*status is 'lost'"):
        rebuilt(report["record"] | {"device": 3, "seconds": {"train": 1, "total": 1}, "status": "lost"})


def test_a_kind_has_fields_of_its_own(report):
    epochs, of_kind = {"3": {"run": 5, "best": 4}}, {"folds": {"0": {}}, "preprocessing": {"scale": 2}, "nothing": {}}
    found = rebuilt(report["record"] | {"epochs": epochs}, MappingProxyType(of_kind))
    assert tuple(found) == (*FIELDS, "preprocessing", "epochs", "folds")
    assert found["folds"] == {"0": {}} and problems(found) == []


def test_a_field_of_a_kind_is_none_of_all_kinds(report):
    with pytest.raises(ValueError, match="epochs, status are fields of every kind"):
        rebuilt(report["record"], {"status": "odd", "epochs": {}})


@pytest.mark.parametrize("broken", [None, [], "record", 3])
def test_what_is_no_object_is_no_record(broken):
    assert problems(broken) == ["not a JSON object"]


def test_a_record_comes_back_from_its_file(seeds_report, tmp_path):
    write_json(tmp_path / "record.json", seeds_report["record"])
    assert read_record(tmp_path) == seeds_report["record"]


def test_a_file_that_is_no_record_is_the_users_to_mend(tmp_path):
    write_json(tmp_path / "record.json", {"experiment": "x"})
    with pytest.raises(UserError, match=r"record.json is not a record \(no seed\)"):
        read_record(tmp_path)


def test_epochs_are_kept(report):
    epochs = {"3": {"run": 5, "best": 4}, "4": {"run": 7, "best": None}}
    assert rebuilt(report["record"] | {"epochs": epochs})["epochs"] == epochs


def test_a_metric_is_the_mean_over_seeds_where_there_are_several(report, seeds_report):
    one, several = measured(report["record"], "test", "accuracy"), measured(seeds_report["record"], "test", "accuracy")
    assert (one["value"], one["seeds"]) == (report["record"]["metrics"]["test"]["accuracy"], 1)
    assert one["low95"] == report["record"]["metrics"]["test"]["accuracy_low95"]
    assert (several["value"], several["seeds"]) == (seeds_report["record"]["seeds"]["test/accuracy"]["mean"], 3)
    assert several["high95"] == seeds_report["record"]["seeds"]["test/accuracy"]["high95"]
    assert measured(report["record"], "test", "nothing")["value"] is None


def test_environment_names_what_computed(report):
    found = environment()
    assert {"python", "jax", "flax", "optax", "numpy"} <= set(found["versions"])
    assert all(found["versions"].values())
    assert problems(report["record"] | found) == []


def test_outside_a_checkout_the_commit_is_unknown(tmp_path):
    assert commit(tmp_path) == "unknown"


def test_a_number_that_json_cannot_hold_reads_as_missing(report):
    record = report["record"] | {"metrics": {"test": {"accuracy": math.nan}}}
    assert measured(record, "test", "accuracy")["low95"] is None


@pytest.mark.parametrize("content", ['{"experiment": "digits", "see', "", "[]", None])
def test_a_record_that_is_cut_or_missing_names_the_command_that_writes_it_again(tmp_path, content):
    if content is not None:
        (tmp_path / "record.json").write_text(content)
    with pytest.raises(UserError) as caught:
        read_record(tmp_path)
    again = f"scripts/train.py --config-json {tmp_path / 'config.json'} --run-dir {tmp_path} writes it"
    assert again in str(caught.value) and "\n" not in str(caught.value)
