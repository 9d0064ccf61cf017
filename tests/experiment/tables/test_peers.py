"""Models by others get the same rows as ours, and are asked for by name."""

import dataclasses
import sys

import numpy as np
import pytest

from research.config import Prediction, TableData
from research.data.tables.load import load_table
from research.experiment.tables import peers


@pytest.fixture
def table(write_houses, tmp_path):
    return load_table(TableData(source=str(write_houses(tmp_path / "houses.csv")), target="price"))


class Recorder:
    """Stands for an estimator of pytabkit: it keeps what it is fitted on, and predicts the row's number."""

    def __init__(self, **options):
        assert options["random_state"] == 7 and options["device"] == "cpu"

    def fit(self, columns, target):
        type(self).columns, type(self).target = columns, target

    def predict(self, columns):
        return np.arange(len(columns), dtype=np.float32)


@pytest.fixture
def recorder(monkeypatch):
    module = type(sys)("pytabkit")
    module.TabM_D_Regressor = Recorder
    monkeypatch.setitem(sys.modules, "pytabkit", module)
    return Recorder


def test_a_peer_gets_numbers_without_gaps_and_levels_by_name(table, recorder):
    rows, test = np.arange(20, 100), np.arange(20)
    answers = peers.peer_fit("tabm", 7)(table, table.target, rows, test)
    assert answers.tolist() == list(range(20)) and answers.dtype == np.float64
    assert recorder.target.tolist() == table.target[rows].astype(np.float32).tolist()
    numbers, schema = table.rows.numbers, table.schema
    front = schema.numeric.index("front")
    gap = np.isnan(numbers[rows, front])
    assert gap.any() and (recorder.columns["front: missing"] == gap).all()
    filled = recorder.columns["front: number"].to_numpy()
    assert np.isfinite(filled).all() and (filled[gap] == np.nanmedian(numbers[rows, front])).all()
    level = next(name for name in recorder.columns if name.endswith(": level"))
    codes = table.rows.codes[rows, schema.categorical.index(level.removesuffix(": level"))]
    assert (recorder.columns[level].cat.codes == codes).all()


def test_without_its_package_a_peer_is_refused_before_training(monkeypatch, refusal, write_houses, tmp_path):
    monkeypatch.setitem(sys.modules, "pytabkit", None)
    with refusal("prediction.peers needs pytabkit", "pip install -e '.[bench]'"):
        peers.check_peers(dataclasses.replace(Prediction(), peers=("lightgbm",)).peers)
    peers.check_peers(())
