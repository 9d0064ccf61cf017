"""Tables at the scripts: train, evaluate, predict as CSV, and mistakes in one line."""

import csv
import io
import json

import pandas as pd
import pytest

CONFIG = """
from research.config import *

def get_config():
    return TableExperiment(
        name="houses",
        data=TableData(source="houses.csv", target={target!r}, na_levels=("garage",)),
        model=TableNet(hidden=(8,)),
        prediction=Prediction(coverage=0.8),
        train=Training(epochs=3, batch_size=32),
        seeds=2,
    )
"""


@pytest.fixture
def houses(write_houses, tmp_path):
    """`houses(change)`: houses.csv as `change` leaves its columns, beside houses.py."""
    (tmp_path / "houses.py").write_text(CONFIG.format(target="price"))
    return lambda change=lambda columns: columns: write_houses(tmp_path / "houses.csv", change)


@pytest.fixture
def trained(run_script, houses, tmp_path):
    houses()
    code, out, err = run_script("train", "houses.py")
    assert code == 0, err
    assert max(map(len, out.splitlines()[:-1])) <= 80
    return tmp_path / "runs/houses"


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_the_rows_of_a_file_in_their_order_with_ids_and_intervals(run_script, trained, tmp_path):
    frame = pd.read_csv(tmp_path / "houses.csv", keep_default_na=False).drop(columns="price")
    code, plain, _ = run_script("predict", trained, "houses.csv")
    assert code == 0
    frame.iloc[::-1, ::-1].to_csv("other.csv", index=False)  # other rows first, columns in another order
    code, turned, _ = run_script("predict", trained, "other.csv")
    assert code == 0 and rows_of(turned) == rows_of(plain)[::-1]
    first = rows_of(plain)[0]
    assert list(first) == ["Id", "price", "low", "high"] and first["Id"] == "1"
    assert float(first["low"]) < float(first["price"]) < float(first["high"])
    mean = [run_script("predict", trained, "houses.csv", "--seed", seed)[1] for seed in (0, 1)]
    each = [float(rows_of(text)[0]["price"]) for text in mean]
    assert float(first["price"]) == pytest.approx(sum(each) / 2, rel=1e-5)


def test_files_that_do_not_fit_are_named_and_the_others_predicted(run_script, trained):
    frame = pd.read_csv("houses.csv", keep_default_na=False)
    frame.drop(columns="area").to_csv("narrow.csv", index=False)
    frame.assign(area="large").to_csv("text.csv", index=False)
    frame.head(3).assign(quality="Wow").to_csv("new.csv", index=False)
    code, out, err = run_script("predict", trained, "narrow.csv", "text.csv", "none.csv", "new.csv")
    lines = err.strip().splitlines()
    assert code == 2 and len(lines) == 4 and len(rows_of(out)) == 3
    assert "narrow.csv: there is no column area" in lines[0]
    assert "text.csv: column area, row 2: 'large' is no number" in lines[1]
    assert "none.csv: it is no file" in lines[2]
    assert "new.csv holds levels that training rows had rarely or never, which say nothing: quality (3)" in lines[3]
    code, out, err = run_script("predict", trained, "houses.csv", "--seed", 7)
    assert (code, out) == (2, "") and "no checkpoint of seed 7" in err and len(err.strip().splitlines()) == 1
    code, out, err = run_script("predict", trained, "houses.csv", "--as-is")
    assert (code, out) == (2, "") and "--as-is is for pictures" in err


def test_a_target_called_high_keeps_its_prediction(run_script, houses, tmp_path):
    houses(lambda c: {("high" if name == "price" else name): cells for name, cells in c.items()})
    (tmp_path / "high.py").write_text(CONFIG.format(target="high"))
    assert run_script("train", "high.py", "--run-dir", "runs/high")[0] == 0
    code, out, _ = run_script("predict", "runs/high", "houses.csv")
    first = rows_of(out)[0]
    assert code == 0 and list(first) == ["Id", "high", "low", "high_"]
    assert float(first["low"]) < float(first["high"]) < float(first["high_"])


@pytest.mark.slow
def test_a_bad_fit_still_has_a_report(run_script, houses, tmp_path):
    houses()
    code, _, err = run_script("train", "houses.py", "--optimizer.learning-rate", 30, "--train.epochs", 1)
    assert code in (0, 1), err
    assert "Traceback" not in err and "Error" not in err


@pytest.mark.slow
def test_text_is_predicted_as_classes(run_script, houses, tmp_path):
    houses()
    (tmp_path / "quality.py").write_text(CONFIG.format(target="quality"))
    assert run_script("train", "quality.py", "--run-dir", "runs/quality")[0] == 0
    record = json.loads((tmp_path / "runs/quality/record.json").read_text())
    assert record["data"]["classes"] == ["Fa", "Gd", "TA"] and "accuracy" in record["metrics"]["test"]
    code, out, _ = run_script("predict", "runs/quality", "houses.csv")
    answers = rows_of(out)
    assert code == 0 and {row["quality"] for row in answers} <= {"Fa", "Gd", "TA"}
    assert all(1 / 3 <= float(row["probability"]) <= 1 for row in answers)


@pytest.mark.slow
def test_two_settings_are_compared(run_script, houses, tmp_path):
    houses()
    (tmp_path / "linear.py").write_text(
        CONFIG.format(target="price").replace('name="houses"', 'name="linear"').replace("hidden=(8,)", "hidden=()")
    )
    code, out, err = run_script("compare", "linear.py", "houses.py")
    assert code == 0, err
    assert "linear" in out and "houses" in out and max(map(len, out.splitlines())) <= 80
    assert "houses is" in out and (tmp_path / "runs/compare-linear-houses/comparison.html").exists()


MISTAKES = {
    "text in the target": (lambda c: c | {"price": ["much", *c["price"][1:]]}, (), "price, row 2: 'much' is no number"),
    "constant target": (lambda c: c | {"price": [7] * 120}, (), "price is 7 in every row"),
    "infinite": (lambda c: c | {"area": ["inf", *c["area"][1:]]}, (), "area, row 2: the number is infinite"),
    "folds": (
        lambda c: {n: v[:40] for n, v in c.items()},
        ("--data.folds", 50),
        "data.folds 50 are more than the 40 rows",
    ),
    "no target": (lambda c: c, ("--data.target", "prize"), "there is no column prize; did you mean price"),
    "monitor": (lambda c: c, ("--train.monitor", "accuracy"), "train.monitor accuracy is not measured of price"),
    "no file": (lambda c: c, ("--data.source", "house.csv"), "no table house.csv; did you mean houses.csv"),
    "quantiles": (
        lambda c: c,
        ("--prediction.loss", "quantile", "--prediction.quantiles", 0.1, 0.9),
        "give an odd number of them",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_line_and_nothing_is_written(run_script, refused, houses, tmp_path, case):
    change, flags, pattern = MISTAKES[case]
    houses(change)
    refused(run_script("train", "houses.py", *flags), pattern, tmp_path)
