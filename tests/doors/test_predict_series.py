"""predict.py on series: one JSON object a line, and files that do not fit named on stderr."""

import json

import pytest

CONFIG = """
from research.config import *

def get_config():
    return SeriesExperiment(
        name="hours",
        data=SeriesData(source="hours.csv", context="4h", horizon="6h"),
        model=DenseForecaster(hidden=(4,)),
        train=Training(epochs=1),
    )
"""


@pytest.fixture
def trained(door, write_series, tmp_path):
    (tmp_path / "hours.py").write_text(CONFIG)
    write_series(tmp_path / "hours.csv")
    assert door("train", "hours.py")[0] == 0
    return tmp_path / "runs/hours"


def test_lines_of_json_and_a_word_about_what_does_not_fit(door, trained, tmp_path):
    rows = (tmp_path / "hours.csv").read_text().splitlines()
    (tmp_path / "narrow.csv").write_text("\n".join(row.rpartition(",")[0] for row in rows))
    code, out, err = door("predict", trained, "hours.csv", "narrow.csv", "hours.csv")
    assert code == 2 and err.strip().splitlines() == [
        "predict.py: narrow.csv lacks columns of the training file: 'speed' (it has 'time', 'flow'); "
        "give it the same columns"
    ]
    first, second = map(json.loads, out.splitlines())
    assert first == second and first["input"] == "hours.csv"
    assert first["columns"].keys() == {"flow", "speed"} and len(first["times"]) == 6
    assert all(len(one[kind]) == 6 for one in first["columns"].values() for kind in ("forecast", "low", "high"))
    assert door("predict", trained, "hours.csv")[0] == 0


def test_evaluating_says_how_good_it_is_beside_the_baselines(door, trained):
    code, out, _ = door("evaluate", trained)
    *lines, last = out.splitlines()
    assert code == 0 and max(map(len, lines)) <= 80 and last.startswith("finished: ")
    for words in ("last value", "seasonal naive (day)", "time-of-day mean", "MASE", "6 h"):
        assert words in out
