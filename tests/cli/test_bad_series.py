"""A user's mistake about series is one line on stderr and exit code 2, and nothing is written."""

import numpy as np
import pytest

CONFIG = """
from research.config import *

def get_config():
    return SeriesExperiment(
        name="hours",
        data=SeriesData(source="hours.csv", context="4h", horizon="6h"),
        model={model},
        train=Training(epochs=1),
    )
"""
MODELS = {
    "dense": "DenseForecaster(hidden=(4,))",
    "lstm": "RecurrentForecaster(hidden=(4,))",
    "steps": 'RecurrentForecaster(hidden=(4,), decoder="autoregressive")',
}


@pytest.fixture
def hours(write_series, tmp_path):
    """`hours(change)`: hours.csv as `change` leaves its columns, beside dense.py, lstm.py and steps.py."""
    for name, model in MODELS.items():
        (tmp_path / f"{name}.py").write_text(CONFIG.format(model=model))
    return lambda change=lambda columns: columns: write_series(tmp_path / "hours.csv", change)


def with_cell(column, rows, cell):
    """A change that sets `rows` of a column to `cell`."""

    def change(columns):
        cells = np.array(columns[column]).astype(object)
        cells[rows] = cell
        return columns | {column: cells}

    return change


def only(rows):
    return lambda columns: {name: cells[rows] for name, cells in columns.items()}


def two_steps(columns):
    minutes = np.datetime64("2016-01-10T00:00") + np.arange(192) * np.timedelta64(5, "m")
    return columns | {"time": np.r_[columns["time"][:144], minutes.astype(str)]}


def swapped(columns):
    order = np.r_[0:50, 51, 50, 52:336]
    return {name: cells[order] for name, cells in columns.items()}


def date_and_time(columns):
    days, clocks = zip(*(time.split("T") for time in columns["time"]), strict=True)
    return {"Date": days, "Time": clocks} | {name: columns[name] for name in ("flow", "speed")}


def two_stores(columns):
    twice = {name: np.repeat(cells, 2) for name, cells in columns.items()}
    return twice | {"store": np.tile(["north", "south"], len(columns["time"]))}


SERIES = {
    "shorter than a window": (only(slice(0, 12)), "train part is 8 steps long; it must be 10 at least, 4 of context"),
    "constant": (with_cell("flow", slice(None), 5.0), "hours.csv: column 'flow': all training values are 5"),
    "all missing": (with_cell("speed", slice(None), np.nan), "column 'speed': no training value is known"),
    "unsorted": (swapped, r"row 53: time goes back from 2016-01-06 03:00 to 2016-01-06 02:00; sort the rows"),
    "a time in two columns": (date_and_time, "row 3 has the time of another row.*: --data.time Date Time"),
    "two stores": (two_stores, "row 3 has the time of another row.*: --data.series store"),
    "no time": (with_cell("time", 20, "yesterday"), "row 22: 'yesterday' is no time; write 2016-01-31 23:55"),
    "empty time": (with_cell("time", 20, ""), "row 22 has no time"),
    "two steps": (two_steps, r"two different steps, (5 min|1 h) .* and (5 min|1 h)"),
    "no number": (with_cell("flow", 30, "many"), "row 32, column 'flow': 'many' is no number"),
    "infinite": (with_cell("flow", 30, np.inf), "row 32, column 'flow': 'inf' is beyond"),
    "huge": (with_cell("flow", 30, 10**40), "row 32, column 'flow': .* is beyond 1e"),
    "one row": (only(slice(0, 1)), "no series of two rows or more"),
    "no rows": (only(slice(0, 0)), "holds no rows"),
    "far future": (with_cell("time", 335, "2999-01-01T00:00"), "row 337: its time is in the year 2999"),
    "full of holes": (with_cell("flow", slice(None, None, 4), np.nan), "no window of 4 . 6 steps: at most 3 in a row"),
}


@pytest.mark.parametrize("case", SERIES)
def test_a_series_that_is_not_sound(run_script, refused, hours, tmp_path, case):
    change, pattern = SERIES[case]
    hours(change)
    refused(run_script("train", "dense.py"), pattern, tmp_path)


FLAGS = [
    ("dense.py --data.source hour.csv", r"no series hour\.csv; did you mean hours\.csv"),
    ("dense.py --data.columns flwo", "no column 'flwo' .*did you mean 'flow'"),
    ("dense.py --data.time clock", "no column 'clock' .*--data.time"),
    ("dense.py --data.series site", "no column 'site' .*--data.series"),
    ("dense.py --data.time-zone America/Los_Angelos", "did you mean America/Los_Angeles"),
    ("dense.py --data.context 7min", "7min is no whole number of steps of 1 h"),
    ("dense.py --data.context 0", "no number of steps"),
    ("dense.py --data.context soon", "'soon' is no duration"),
    ("dense.py --data.horizon 60h", "validation part is 54 steps long; it must be 64 at least"),
    ("dense.py --data.validation 0 --data.horizon 66h", "test part is 67 steps long; it must be 70 at least"),
    ("dense.py --data.resample 90min", "do not add up to 1 h 30 min"),
    ("dense.py --data.reference month", "data.reference"),
    ("dense.py --data.blend 1.5", "data.blend.*less than or equal to 1"),
    ("dense.py --train.monitor accuracy", "accuracy is not measured here; there are scaled_mae, loss"),
    ("dense.py --data.validation 0 --train.patience 3", "patience needs validation data"),
    ("dense.py --data.validation 0 --forecast.shrink", "shrink needs validation data"),
    ("dense.py --forecast.loss quantile --forecast.quantiles 0.1 0.9", "the middle one is the forecast"),
    ("dense.py --forecast.loss quantile --forecast.quantiles 0.1 0.5 1.0", "forecast.quantiles.*less than 1"),
    ("dense.py --forecast.coverage 0", "forecast.coverage.*greater than 0"),
    ("steps.py --forecast.loss quantile", "feeds one forecast back, not 3 quantiles"),
    ("lstm.py --model.channels 3", r"no flag or argument --model\.channels"),
    ("lstm.py --augment.flip True", r"no flag or argument --augment\.flip"),
    ("lstm.py --model.cell lsmt", "model.cell"),
    ("dense.py --train.freeze nothing/*", r"freeze nothing/\* matches no parameter; .*head/kernel"),
    ("dense.py --model.hidden 60000 60000 60000 60000", "GB of memory"),
]


@pytest.mark.parametrize("words", [words for words, _ in FLAGS])
def test_a_wrong_command_line(run_script, refused, hours, tmp_path, words):
    hours()
    refused(run_script("train", *words.split()), dict(FLAGS)[words], tmp_path)


@pytest.mark.parametrize(
    ("words", "pattern"),
    [
        ("dense.py lstm.py --run-dir runs/same", "same directory"),
        ("dense.py {root}/configs/digits_cnn.py", "some configurations are of images and some of series"),
        ("lstm.py {root}/configs/traffic_dense.py", "no series traffic_pems|no column|differ"),
    ],
)
def test_what_cannot_be_compared(run_script, refused, hours, root, tmp_path, words, pattern):
    hours()
    refused(run_script("compare", *words.format(root=root).split()), pattern, tmp_path)


FILES = {
    "empty": (b"", "hours.csv is empty"),
    "not text": (bytes(range(256)) * 9, "hours.csv"),
    "a column twice": (b"time,flow,flow\n2016-01-01 00:00,1,2\n2016-01-01 01:00,3,4\n", "two columns called 'flow'"),
    "no column of numbers": (b"time,note\n2016-01-01 00:00,a\n2016-01-01 01:00,b\n", "no column of numbers"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_no_series(run_script, refused, hours, tmp_path, case):
    hours().write_bytes(FILES[case][0])
    refused(run_script("train", "dense.py"), FILES[case][1], tmp_path)


@pytest.mark.slow
def test_names_that_steer_a_terminal_or_a_page_do_neither(run_script, hours, tmp_path):
    name = "\x1b[31m<script>alert(1)</script>[red]flow"
    hours(lambda columns: {"time": columns["time"], name: columns["flow"]})
    code, out, err = run_script("train", "dense.py")
    assert code == 0 and "\x1b[31m" not in out + err
    page = (tmp_path / "runs/hours/report.html").read_text()
    assert "<script>alert" not in page and "\x1b" not in page
