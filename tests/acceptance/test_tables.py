"""On the real house prices: what was promised of the ensemble, and the words that other readers get wrong."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from research import config as configuration
from research import experiment
from research.data.tables.load import load_table
from research.experiment.histories import histories_of
from research.experiment.tables.saved_predictions import read_predictions

DATA = Path(os.environ.get("RESEARCH_DATA", "")).absolute()  # before tests leave for folders of their own


@pytest.fixture(scope="module")
def full(tmp_path_factory, request):
    """(record, run directory) of the practitioner's configuration."""
    config = configuration.load(str(request.config.rootpath / "configs/ames_full.py"))
    run_dir = tmp_path_factory.mktemp("ames") / "run"
    return experiment.run(config, run_dir), run_dir


def test_none_is_a_level_of_masonry_and_no_pool_is_no_missing_value(root):
    table = load_table(configuration.load(str(root / "configs/ames_full.py")).data)
    assert table.missing["MasVnrType"] == 8 and "PoolQC" not in table.missing
    column = table.schema.categorical.index("MasVnrType")
    code = table.schema.levels[column].index("None")
    assert (table.rows.codes[:, column] == code).sum() == 864
    assert table.schema.ids == "Id" and table.size == 1460


def test_the_course_drops_rows_with_missing_numbers(root):
    table = load_table(configuration.load(str(root / "configs/ames_course.py")).data)
    assert table.size == 1121 and len(table.schema.numeric) == 36 and not table.schema.categorical


def test_the_ensemble_keeps_its_promises(full):
    record, _ = full
    found = record["ensemble"]["test"]
    assert found["rmsle"] <= 0.125 and found["mae"] <= 15_000
    assert found["interval_coverage_low95"] <= 0.9 <= found["interval_coverage_high95"]
    assert record["differences"]["ridge"]["mae"]["high95"] < 0


def test_each_house_is_predicted_once_by_a_net_that_did_not_see_it(full):
    saved = read_predictions(full[1])
    assert set(saved.models) == set(range(8)) and all(each.shape == (1, 1460) for each in saved.models.values())
    assert np.bincount(saved.folds[0]).tolist() == [292] * 5


def test_other_houses_have_prices_and_intervals_in_their_order(full):
    answers = list(experiment.predict(full[1], [DATA / "ames/kaggle_test.csv"]))
    with (DATA / "ames/kaggle_test.csv").open() as file:
        ids = [row["Id"] for row in csv.DictReader(file)]
    assert [answer["Id"] for answer in answers] == ids and len(ids) == 1459
    prices = np.array([[answer[name] for name in ("low", "SalePrice", "high")] for answer in answers])
    assert np.isfinite(prices).all() and (np.diff(prices, axis=1) > 0).all()


def test_the_validation_error_of_the_course_does_not_blow_up(root, tmp_path):
    config = configuration.load(str(root / "configs/ames_course.py"))
    experiment.run(config, tmp_path / "run")
    [history] = histories_of(tmp_path / "run")
    validation, train = (np.array(history[split]["mae"]) for split in ("validation", "train"))
    assert validation[-1] < 1.2 * validation.min() and train[-1] < 0.3 * validation[-1]
