"""Tables as they are read: numbers, levels, truth values, ids, and what other readers get wrong."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from research.config import TableData
from research.data.tables.load import load_table
from research.data.tables.new_rows import read_rows
from research.data.tables.sources import EMBEDDED
from research.data.tables.table import read_schema
from research.errors import UserError


@pytest.fixture
def data(tmp_path, write_houses):
    """The configuration of the written houses, which NA garages are no garages."""
    return TableData(source=str(write_houses(tmp_path / "houses.csv")), target="price", na_levels=("garage",))


def levels(table, name):
    return table.schema.levels[table.schema.categorical.index(name)]


def number(table, name):
    return table.rows.numbers[:, table.schema.numeric.index(name)]


def test_kinds_of_columns(data):
    table = load_table(data)
    assert table.schema.numeric == ("area", "front", "pool")
    assert table.schema.categorical == ("quality", "veneer", "garage")
    assert table.size == 120 and table.target.dtype == np.float64
    assert table.schema.classes == (), "whole numbers are no classes"


def test_none_is_a_level_and_na_is_one_where_the_data_says_so(data):
    table = load_table(data)
    assert levels(table, "veneer") == ("Brick", "None")
    assert levels(table, "garage") == ("Attached", "Detached", "NA")
    assert "veneer" not in table.missing and "garage" not in table.missing
    without = load_table(dataclasses.replace(data, na_levels=()))
    assert levels(without, "garage") == ("", "Attached", "Detached")
    assert without.missing["garage"] == (table.rows.codes[:, 2] == 2).sum()


def test_truth_values_are_numbers_and_stay(data):
    pool = number(load_table(data), "pool")
    assert set(pool.tolist()) == {0.0, 1.0}
    frame = pd.read_csv(data.source, keep_default_na=False)
    assert frame["pool"].dtype == bool
    assert np.array_equal(number(load_table(data, frame), "pool"), pool)
    nullable = frame.assign(pool=frame["pool"].astype("boolean"))
    assert np.array_equal(number(load_table(data, nullable), "pool"), pool)


@pytest.mark.parametrize("kind", ["str", "object", "category", "string"])
def test_text_of_every_pandas_type_is_levels(data, kind):
    frame = pd.read_csv(data.source, keep_default_na=False)
    frame["quality"] = frame["quality"].astype(kind)
    assert levels(load_table(data, frame), "quality") == ("Fa", "Gd", "TA")


def test_a_parquet_file_is_the_same_table(data, tmp_path):
    frame = pd.read_csv(data.source, keep_default_na=False).assign(front=lambda f: pd.to_numeric(f["front"]))
    frame.to_parquet(tmp_path / "houses.parquet")
    there = load_table(dataclasses.replace(data, source=str(tmp_path / "houses.parquet")))
    assert there.fingerprint == load_table(data).fingerprint


def test_an_id_is_left_out_and_kept_for_predictions(data):
    table = load_table(data)
    assert table.schema.ids == "Id" and table.left_out == {"Id": "it only names the rows"}
    assert "Id" in load_table(dataclasses.replace(data, columns=("Id", "area"))).schema.numeric


def test_missing_numbers_are_kept_or_their_rows_dropped(data):
    table = load_table(data)
    assert table.missing == {"front": 12} and np.isnan(number(table, "front")).sum() == 12
    dropped = load_table(dataclasses.replace(data, missing="drop"))
    assert dropped.size == 108 and dropped.dropped == 12 and not np.isnan(dropped.rows.numbers).any()


def test_the_course_takes_numeric_columns_and_drops_rows(data):
    table = load_table(dataclasses.replace(data, numeric_only=True, missing="drop"))
    frame = pd.read_csv(data.source)
    course = frame._get_numeric_data().dropna()
    assert set(table.schema.numeric) == set(course.columns) - {"Id", "price"} and table.size == len(course)
    assert np.array_equal(number(table, "area"), course["area"])


def test_ordered_levels_are_numbers_too(data):
    table = load_table(dataclasses.replace(data, ordered=("Po<Fa<TA<Gd<Ex",)))
    rank = {"Fa": 1, "TA": 2, "Gd": 3}
    codes = table.rows.codes[:, 0]
    assert number(table, "quality").tolist() == [rank[levels(table, "quality")[code]] for code in codes]


def test_numbers_that_are_codes(data):
    table = load_table(dataclasses.replace(data, categorical=("area",), rare=1))
    assert "area" not in table.schema.numeric and "50" in levels(table, "area")


def test_codes_of_letters_and_digits_are_levels(data):
    frame = pd.read_csv(data.source, keep_default_na=False).assign(stage=["A1", "A2", "B1", "1.5x"] * 30)
    assert levels(load_table(data, frame), "stage") == ("1.5x", "A1", "A2", "B1")


def test_levels_of_few_rows_count_as_unseen(data):
    plain = load_table(data)
    counts = np.bincount(plain.rows.codes[:, 0])
    rare = int(counts.min())
    table = load_table(dataclasses.replace(data, rare=rare + 1))
    assert len(levels(table, "quality")) == 2
    assert (table.rows.codes[:, 0] < 0).sum() == table.rare == rare
    assert any("rare levels" in sentence for sentence in table.findings())


def test_large_numbers_keep_their_differences(tmp_path, write_houses, data):
    write_houses(tmp_path / "t.csv", lambda c: c | {"area": 1_700_000_000 + c["area"]})
    table = load_table(dataclasses.replace(data, source=str(tmp_path / "t.csv")))
    assert np.array_equal(np.diff(number(table, "area")), np.diff(number(load_table(data), "area")))


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_tables(name):
    table = load_table(TableData(source=name))
    assert table.size > 100 and bool(table.schema.classes) == (name != "diabetes")


def test_other_rows_are_read_by_name_and_unseen_levels_counted(data, tmp_path):
    table = load_table(data)
    frame = pd.read_csv(data.source, keep_default_na=False)
    frame.loc[0, "quality"] = "Wow"
    frame[list(reversed(frame.columns.drop("price")))].to_csv(tmp_path / "new.csv", index=False)
    found = read_rows(read_schema(table.schema.document()), tmp_path / "new.csv")
    rows = found.rows
    assert found.unseen == {"quality": 1} and found.named and found.labels == tuple(map(str, range(1, 121)))
    assert np.array_equal(rows.numbers, table.rows.numbers, equal_nan=True)
    assert rows.codes[0, 0] == -1 and np.array_equal(rows.codes[1:], table.rows.codes[1:])


def test_a_new_file_may_lack_every_number_of_a_column(data, tmp_path):
    frame = pd.read_csv(data.source, keep_default_na=False).drop(columns="price").assign(front="")
    frame.to_csv(tmp_path / "new.csv", index=False)
    found = read_rows(load_table(data).schema, tmp_path / "new.csv")
    assert np.isnan(found.rows.numbers[:, 1]).all()


def test_rows_without_ids_go_by_their_numbers_in_the_file(data, tmp_path):
    schema = load_table(data).schema
    frame = pd.read_csv(data.source, keep_default_na=False).drop(columns=["Id", "price"]).head(3)
    lines = frame.to_csv(index=False).splitlines()
    (tmp_path / "new.csv").write_text("\n".join([*lines[:2], "," * (len(frame.columns) - 1), *lines[2:]]) + "\n")
    found = read_rows(schema, tmp_path / "new.csv")
    assert not found.named and found.labels == ("2", "4", "5"), "row 3 is empty"


def test_an_index_without_a_name_is_no_column(data, tmp_path):
    frame = pd.read_csv(data.source, keep_default_na=False).drop(columns="Id")
    whole = load_table(data, frame)
    shuffled = load_table(data, frame.sample(frac=1, random_state=0))
    assert "index" not in shuffled.schema.numeric and shuffled.schema == whole.schema
    frame.sample(frac=1, random_state=0).to_parquet(tmp_path / "shuffled.parquet")
    there = load_table(dataclasses.replace(data, source=str(tmp_path / "shuffled.parquet")))
    assert there.schema == whole.schema


@pytest.mark.parametrize("name", ["PassengerId", "customerID", "Unnamed: 0", "order_id", "id"])
def test_ids_are_noticed_in_any_order_with_a_few_twice_or_missing(data, name):
    frame = pd.read_csv(data.source, keep_default_na=False)
    ids = np.random.default_rng(0).permutation(120).astype(float)
    ids[0], ids[1] = ids[2], np.nan
    table = load_table(data, frame.drop(columns="Id").assign(**{name: ids}))
    assert name in table.left_out


def test_years_in_order_are_no_ids(data):
    frame = pd.read_csv(data.source, keep_default_na=False).drop(columns="Id").assign(year=np.arange(1900, 2020))
    assert "year" in load_table(data, frame).schema.numeric


def test_20_and_20_point_0_are_one_level(data, tmp_path):
    coded = dataclasses.replace(data, categorical=("area",), rare=1)
    schema = load_table(coded).schema
    frame = pd.read_csv(data.source, keep_default_na=False)
    frame.assign(area=frame["area"].astype(float)).to_csv(tmp_path / "new.csv", index=False)
    assert not read_rows(schema, tmp_path / "new.csv").unseen


def with_cell(name, row, cell):
    """A change of one cell."""

    def change(columns):
        cells = np.array(columns[name]).astype(object)
        cells[row] = cell
        return columns | {name: cells}

    return change


def only(*names):
    return lambda columns: {name: columns[name] for name in names}


def nearly_empty(columns):
    return with_cell("quality", 119, "")(columns | {"front": [*[""] * 119, "3"]})


def twice(columns):
    return {name.replace("pool", "area "): cells for name, cells in columns.items()}


BAD = {
    "no target": (dict, {"target": "prize"}, "data.target: there is no column prize; did you mean price?"),
    "unknown column": (dict, {"left_out": ("aera",)}, "data.left_out: there is no column aera; did you mean area"),
    "missing target": (with_cell("price", 0, ""), {}, "price is missing in row 2; fill it"),
    "text in the target": (with_cell("price", 0, "much"), {}, "price, row 2: 'much' is no number"),
    "text among numbers": (with_cell("area", 119, "x"), {}, "area, row 121: 'x' is no number"),
    "constant target": (lambda c: c | {"price": [7] * 120}, {}, "price is 7 in every row"),
    "infinite": (with_cell("area", 0, "inf"), {}, "area, row 2: the number is infinite"),
    "beyond float32": (with_cell("area", 0, 1e39), {}, "area, row 2: the number is infinite, or beyond float32"),
    "prices with signs": (
        lambda c: c | {"price": [f"${x}" for x in c["price"]]},
        {},
        "price, row 2: .* no plain number",
    ),
    "percentages": (lambda c: c | {"area": [f"{x}%" for x in c["area"]]}, {}, "area, row 2: .* no plain number"),
    "a sixth unknown": (
        lambda c: c | {"area": ["?" if row % 6 == 1 else x for row, x in enumerate(c["area"])]},
        {},
        r"area, row 3: '\?' is no number",
    ),
    "nothing left": (nearly_empty, {"missing": "drop"}, r"no row is without .* most lack front \(119 of 120\)"),
    "two names": (twice, {}, "two columns called 'area'"),
    "negative logarithm": (with_cell("price", 0, -1), {"log_target": True}, "price is -1 in row 2"),
    "no columns": (only("Id", "price"), {}, "no column is left to predict from"),
    "no numbers": (only("quality", "price"), {"numeric_only": True}, "no column is left"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_named_in_one_line(tmp_path, write_houses, data, case):
    change, fields, message = BAD[case]
    write_houses(tmp_path / "bad.csv", change)
    with pytest.raises(UserError, match=message) as caught:
        load_table(dataclasses.replace(data, source=str(tmp_path / "bad.csv"), na_levels=(), **fields))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="area"), "no column area, which the net was trained on"),
        (lambda f: f.assign(area="large"), "area, row 2: 'large' is no number, and the column held numbers"),
        (lambda f: f.assign(area=["12", *["x"] * 119]), "area, row 3: 'x' is no number"),
        (lambda f: f.assign(area=["large", *f["area"][1:]]), "area, row 2: 'large' is no number"),
    ],
)
def test_a_new_file_that_does_not_fit(data, tmp_path, change, message):
    schema = load_table(data).schema
    change(pd.read_csv(data.source, keep_default_na=False)).to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(UserError, match=message):
        read_rows(schema, tmp_path / "new.csv")


def test_what_float32_or_points_may_spoil_is_said(tmp_path, write_houses, data, capsys):
    write_houses(tmp_path / "t.csv", lambda c: c | {"price": 1_700_000_000 + np.arange(120) % 7})
    load_table(dataclasses.replace(data, source=str(tmp_path / "t.csv")))
    assert "price goes to 1.7e+09 with a standard deviation of 2" in capsys.readouterr().err
    text = "a;y\n" + "".join(f"{x % 13};{2 + x % 9}.{100 + x}\n" for x in range(60))
    (tmp_path / "points.csv").write_text(text)
    load_table(TableData(source=str(tmp_path / "points.csv"), target="y"))
    assert "numbers such as 1.234 are read as decimals in y" in capsys.readouterr().err
