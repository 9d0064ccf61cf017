"""Configurations as JSON: the way there and back, documents of earlier versions, and fingerprints."""

import json
from pathlib import Path

import pytest

from research import config as configuration
from research.errors import UserError

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.py")), ids=lambda path: path.stem)
def test_json_there_and_back(path):
    config = configuration.load(str(path), configuration.RunConfig)
    again = configuration.from_json(
        json.loads(json.dumps(configuration.to_json(config))), family=configuration.RunConfig
    )
    assert again == config and configuration.fingerprint(again) == configuration.fingerprint(config)


def test_a_fingerprint_tells_any_field_apart(root):
    config = configuration.load(str(root / "configs/digits_cnn.py"))
    document = configuration.to_json(config)
    document["train"]["epochs"] += 1
    assert configuration.fingerprint(configuration.from_json(document)) != configuration.fingerprint(config)


@pytest.mark.parametrize(
    ("held", "time"), [(None, ()), ("when", ("when",)), (["Date", "Time"], ("Date", "Time")), ([], ())]
)
def test_columns_of_time_are_read_from_older_configurations_too(held, time):
    document = configuration.to_json(configuration.SeriesExperiment(name="a"))
    document["data"]["time"] = held
    found = configuration.from_json(document)
    assert found.data.time == time and configuration.from_json(configuration.to_json(found)) == found
    older = configuration.SeriesExperiment(name="a", data=configuration.SeriesData(time=held))  # as in a file
    assert configuration.validated(older).data.time == time


def test_a_column_of_time_is_a_name():
    document = configuration.to_json(configuration.SeriesExperiment(name="a"))
    for held in (3, [3], {"a": 1}):
        document["data"]["time"] = held
        with pytest.raises(UserError, match=r"data\.time"):
            configuration.from_json(document)


def test_a_field_of_an_earlier_version_is_refused_with_its_name_of_today(root):
    document = configuration.to_json(configuration.load(str(root / "configs/traffic_profile.py")))
    document["model"]["calm"] = document["model"].pop("zero_init_head")
    with pytest.raises(UserError, match=r"field model\.calm is called model\.zero_init_head now"):
        configuration.from_json(document)


def test_a_document_of_another_family_is_refused(root):
    config = configuration.load(str(root / "configs/double_descent_width.py"), configuration.DoubleDescent)
    document = configuration.to_json(config)
    assert configuration.from_json(document, family=configuration.RunConfig) == config
    with pytest.raises(UserError, match=r"kind|tag"):
        configuration.from_json(document)


def test_the_kinds_of_a_family():
    descents, experiments = map(configuration.kinds_of, (configuration.DoubleDescent, configuration.Experiment))
    assert descents == [configuration.WidthDescent, configuration.EpochDescent]
    assert {configuration.ImageExperiment, configuration.SeriesExperiment} <= set(experiments)
    assert set(configuration.kinds_of(configuration.RunConfig)) == {*descents, *experiments}
