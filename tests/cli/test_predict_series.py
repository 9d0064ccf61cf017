"""predict.py on series: one JSON object a line, and files that do not fit named on stderr."""

import json
import re

import pytest

CONFIG = """
from research.config import *

def get_config():
    return SeriesExperiment(
        name="hours",
        data=SeriesData(source="hours.csv", context="4h", horizon="6h"),
        model=DenseForecaster(hidden=(4,)),
        forecast=Forecast(coverage=0.6),
        train=Training(epochs=1),
    )
"""


@pytest.fixture
def trained(run_script, write_series, tmp_path):
    (tmp_path / "hours.py").write_text(CONFIG)
    write_series(tmp_path / "hours.csv")
    assert run_script("train", "hours.py")[0] == 0
    return tmp_path / "runs/hours"


def test_lines_of_json_and_a_word_about_what_does_not_fit(run_script, trained, tmp_path):
    rows = (tmp_path / "hours.csv").read_text().splitlines()
    (tmp_path / "narrow.csv").write_text("\n".join(row.rpartition(",")[0] for row in rows))
    code, out, err = run_script("predict", trained, "hours.csv", "narrow.csv", "hours.csv")
    assert code == 2 and err.strip().splitlines() == [
        "predict.py: narrow.csv lacks columns of the training file: 'speed' (it has 'time', 'flow'); "
        "give it the same columns"
    ]
    first, second = map(json.loads, out.splitlines())
    assert first == second and first["input"] == "hours.csv"
    assert first["columns"].keys() == {"flow", "speed"} and len(first["times"]) == 6
    assert all(len(one[kind]) == 6 for one in first["columns"].values() for kind in ("forecast", "low", "high"))
    assert run_script("predict", trained, "hours.csv")[0] == 0
    code, out, err = run_script("predict", trained, "hours.csv", "--as-is")
    assert (code, out) == (2, "") and "--as-is is for pictures" in err and len(err.splitlines()) == 1


def test_evaluating_says_how_good_it_is_beside_the_baselines(run_script, trained):
    code, out, _ = run_script("evaluate", trained)
    *lines, last = out.splitlines()
    assert code == 0 and max(map(len, lines)) <= 80 and last.startswith("finished: ")
    for words in ("last value", "seasonal naive (day)", "time-of-day mean", "MASE", "6 h"):
        assert words in out
    for words in (
        "meant to hold 60.0%",
        "promised by 2 days of validation, on average 60.0%",
        "at least, for 19 of 20 such sets of days",
    ):
        assert words in re.sub(r"\s+", " ", out)
    page = (trained / "report.html").read_text()
    assert "promised by 2 days of validation, on average" in page


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["mse", "quantile"])
def test_where_too_few_days_can_hold_the_level_there_are_no_intervals_and_it_is_said_why(run_script, trained, loss):
    reason = "90% takes 9 held-out days, and column flow has 3: hold out more (--data.validation), or ask for less"
    code, out, _ = run_script(
        "train", "hours.py", "--forecast.coverage", "0.9", "--forecast.loss", loss, "--run-dir", "ninety"
    )
    assert code == 0 and reason in re.sub(r"\s+", " ", out) and "meant to hold" not in out
    page = (trained.parents[1] / "ninety/report.html").read_text()
    assert reason in page and "meant to hold" not in page
    record = json.loads((trained.parents[1] / "ninety/record.json").read_text())
    assert not [name for metrics in record["metrics"].values() for name in metrics if name.startswith("interval")]
    answer = json.loads(run_script("predict", "ninety", "hours.csv")[1])
    assert answer["uncalibrated"] == f"{reason} (--forecast.coverage 0.75)"
    assert answer["columns"]["flow"].keys() == {"forecast"}
