import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from research.data.series.tables import ReadOptions, read_table
from research.errors import UserError

CSV = "time,flow,speed,note\n2016-01-04 00:00,12,61.25,calm\n2016-01-04 00:05,,60,\n2016-01-04 00:10,11,58.5,NA\n"
FLOW = [12, np.nan, 11]
SPEED = [61.25, 60, 58.5]


@pytest.fixture
def read(tmp_path):
    """The Table of a CSV file of this content, or of a frame as Parquet."""

    def reading(content, trained=False, **changes):
        path = tmp_path / ("a.csv" if isinstance(content, str | bytes) else "a.parquet")
        if isinstance(content, pd.DataFrame):
            content.to_parquet(path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        options = ReadOptions(**changes)
        return read_table(path, path.name, options, options.values if trained else ())

    return reading


def frame():
    times = pd.date_range("2016-01-04", periods=3, freq="5min")
    return pd.DataFrame({"time": times, "flow": FLOW, "speed": SPEED, "note": ["calm", None, None]})


def test_columns_of_numbers_are_taken_and_others_left(read):
    for content in (CSV, frame(), frame().set_index("time"), frame().convert_dtypes(), frame().astype({"time": str})):
        found = read(content)
        assert found.columns == ("flow", "speed")
        np.testing.assert_array_equal(found.values, np.array([FLOW, SPEED]).T)
        np.testing.assert_array_equal(found.timestamps.times, frame()["time"].to_numpy("datetime64[ms]"))
        assert list(found.series) == [""] * 3


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace(",", ";"),
        lambda text: text.replace(",", "\t"),
        lambda text: text.replace(",", ", ").replace(", \n", ",\n"),
        lambda text: text.replace("\n", ",\n"),  # a comma too many everywhere
        lambda text: text.replace("\n", "\n\n") + "\n ,,\n",
        lambda text: text.replace("flow", '"flow"').replace(",12,", ',"12",'),
        lambda text: text.rstrip("\n"),
        lambda text: text.replace(",", "|"),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: text.replace(",", "\t").encode("utf-16"),  # what a spreadsheet calls Unicode text
        lambda text: "sep=,\n" + text,
        lambda text: '"SEP=;"\r\n' + text.replace(",", ";").replace("\n", "\r\n"),
        lambda text: "sep=;\n" + text.replace(",", ";").replace("note", '"note, or , what"'),
        lambda text: ("sep=#\n" + text.replace(",", "#")).encode("utf-16"),
        lambda text: text.replace(",", ";").replace(".", ","),
        lambda text: text.replace(",", "\t").replace(".", ","),
        lambda text: text.replace(",60,", ',"60,0",').replace("61.25", '"61,25"').replace("58.5", '"58,5"'),
        lambda text: text.replace("note", "n\xf6te").encode("cp1252"),
    ],
)
def test_the_same_numbers_in_other_dress(read, change):
    found = read(change(CSV), time=("time",))
    assert found.columns == ("flow", "speed")
    np.testing.assert_array_equal(found.values, np.array([FLOW, SPEED]).T)


def german(*columns, head="Zeit;a;b;c"):
    rows = zip(pd.date_range("2016-01-04", periods=len(columns[0])).strftime("%Y-%m-%d"), *columns, strict=True)
    return "\n".join([head[: 5 + 2 * len(columns) - 1], *map(";".join, rows)])


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1,5", "-2,25", "3"], [1.5, -2.25, 3]),
        (["1.234,5", "12.345.678,25", "0,5"], [1234.5, 12345678.25, 0.5]),
        (["1.234", "2.345,5", "7"], [1234, 2345.5, 7]),
        (["1\u202f234,5", "1 234", "1'234'567,5"], [1234.5, 1234, 1234567.5]),
        (["1,5e3", "+2,5E-1", ",5"], [1500, 0.25, 0.5]),
        (["1,234", "5,678", "9,012"], [1.234, 5.678, 9.012]),  # semicolons set the cells apart
        (["1,234.5", "1,234,567", "1"], [1234.5, 1234567, 1]),  # what these show counts for more
        (["1,5", "", "NA"], [1.5, np.nan, np.nan]),
    ],
)
def test_decimal_commas_and_marked_thousands(read, cells, numbers):
    found = read(german(cells))
    np.testing.assert_array_equal(found.values[:, 0], numbers)
    assert [(kind, column) for kind, column, _ in found.notes] == [("commas", "a")]
    quoted = german([f'"{cell}"' for cell in cells], ["0,5"] * 3 if "1,234" in cells else ["1"] * 3).replace(";", ",")
    head, *rows = quoted.split("\n")
    quoted = "\n".join([head, *(row[:-3] + '"0,5"' if row.endswith("0,5") else row for row in rows)])
    np.testing.assert_array_equal(read(quoted).values[:, 0], numbers)
    if "" not in cells:
        table = pd.DataFrame({"time": frame()["time"], "a": cells, "b": ["0,5"] * 3})
        np.testing.assert_array_equal(read(table).values[:, 0], numbers)


def test_other_columns_of_a_file_with_decimal_commas(read):
    """Points are of thousands where no cell says otherwise, of decimals where one does; words and times are as ever."""
    plain = ["1,5", "2,5", "3,5"]
    for cells, numbers in (
        (["1.234", "999", "12.345"], [1234, 999, 12345]),
        (["1.234", "1999", "12.345"], [1.234, 1999, 12.345]),
        (["52.5", "52.125", "1.234"], [52.5, 52.125, 1.234]),
        (["0.125", "0.250", "0.375"], [0.125, 0.25, 0.375]),
        (["1", "2", "3"], [1, 2, 3]),
    ):
        found = read(german(plain, cells, ["x", "y", "z"]))
        assert found.columns == ("a", "b") and found.ignored == ("c",)
        np.testing.assert_array_equal(found.values, np.array([[1.5, 2.5, 3.5], numbers]).T)


@pytest.mark.parametrize(
    ("content", "cell"),
    [
        (german(["1,5", "2,5"], ["1.234", "5.678"]), "may be 1.234 or 1234"),
        ('time,a,b\n2016-01-04,"1,234",1\n2016-01-05,"5,678",2\n', "'1,234' may be 1.234 or 1234"),
        ("time\ta\n2016-01-04\t1,234\n2016-01-05\t5,678\n", "'1,234' may be 1.234 or 1234"),
        (german(["1,234", "2,345"], ["0.5", "1.5"]), "'1,234' may be 1.234 or 1234"),
        (german(["1,5", "1,234.5"]), "'1,5' is no number"),
        (german(["1,5", "x"]), "'x' is no number"),
    ],
)
def test_numbers_that_could_be_two_are_named(read, refusal, content, cell):
    with refusal("a.csv: row", cell):
        read(content)


@pytest.mark.parametrize("sign", ".,")
def test_signs_of_thousands_beside_small_whole_numbers_are_not_read_as_decimals(read, refusal, sign):
    cells = [f"1{sign}012", "986", f"1{sign}064"]
    table = pd.DataFrame({"time": frame()["time"], "a": cells})
    text = german(cells)
    for content in (text, text.replace(";", "\t"), text.replace(";", "|"), table):
        with refusal("column 'a'", f"'1{sign}012' may be 1.012 or 1012; write 1012 or 1.0120"):
            read(content)
        if isinstance(content, str):
            meant = read(content.replace(f"1{sign}012", f"1{sign}0120"))
            np.testing.assert_array_equal(meant.values[:, 0], [1.012, 986, 1.064])
    with refusal("may be 1.012 or 1012"):
        read(german(cells, ["5.125", "6.250", "7.375"], ["1", "2", "3"]).replace(";", "\t"))
    np.testing.assert_array_equal(read(text.replace(sign, "")).values[:, 0], [1012, 986, 1064])


@pytest.mark.parametrize(
    ("cells", "beside"),
    [
        (["0.123", "1.234", "2"], ["1", "2", "3"]),
        (["1.234", "5.678", "1986"], ["1", "2", "3"]),
        (["1.234", "5.67", "986"], ["1", "2", "3"]),
        (["1.234", "5.678", "986"], ["0.5", "1.5", "2.5"]),
        (["-1.2345", "5.678", "986"], ["x", "y", "z"]),
    ],
)
def test_points_are_decimal_where_a_number_of_the_file_shows_it(read, cells, beside):
    exact = pd.DataFrame({"time": frame()["time"], "a": ["1,234.5"] * 3, "b": ["1.012", "986", "1.064"]})
    for sign in ";\t":
        np.testing.assert_array_equal(read(exact.to_csv(index=False, sep=sign)).values[:, 1], [1.012, 986, 1.064])
    for sign in ";\t|,":
        found = read(german(cells, beside).replace(";", sign))
        np.testing.assert_array_equal(found.values[:, 0], np.array(cells, float))
        assert not found.notes
    np.testing.assert_array_equal(
        read(pd.DataFrame({"time": frame()["time"], "a": cells, "b": beside})).values[:, 0], np.array(cells, float)
    )


def test_where_all_numbers_have_three_digits_behind_a_point_it_is_said_that_they_are_decimals(read):
    cells = ["1.234", "15.678", "986.000"]
    for content in (
        german(cells),
        german(cells).replace(";", "\t"),
        pd.DataFrame({"time": frame()["time"], "a": cells}),
    ):
        found = read(content)
        np.testing.assert_array_equal(found.values[:, 0], [1.234, 15.678, 986])
        assert found.notes == (("points", "a", 3),)
    assert not read(german(cells).replace(";", ",")).notes


def test_a_comma_of_thousands_beside_decimal_points(read):
    found = read('time,a,b\n2016-01-04,"1,234",0.5\n2016-01-05,"5,678",1.5\n')
    np.testing.assert_array_equal(found.values, [[1234, 0.5], [5678, 1.5]])


def test_another_column_may_be_chosen_where_one_is_not_clear(read):
    assert read('time,a,b\n2016-01-04,"1,234",1\n2016-01-05,"5,678",2\n', values=("b",)).columns == ("b",)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig", "utf-16"])
def test_a_header_in_any_encoding_can_be_named(read, encoding):
    found = read("Zeit;Temp (°C);Größe\n2016-01-04;1,5;2\n".encode(encoding), time=("Zeit",), values=("Temp (°C)",))
    assert found.columns == ("Temp (°C)",) and found.values.tolist() == [[1.5]]
    assert [kind for kind, *_ in found.notes] == ["encoding"] * (encoding == "cp1252") + ["commas"]


def test_a_first_column_of_numbers_is_no_time_where_another_holds_dates(read, refusal):
    """A number of ten digits in a first column may be that of an order."""
    table = pd.DataFrame({"id": [1000000001, 1000000002], "at": ["2016-01-04", "2016-01-05"], "v": [1.5, 2.5]})
    for content in (table, table.assign(at=pd.to_datetime(table["at"])), table.to_csv(index=False)):
        with refusal("its first column, 'id', holds numbers, and 'at' holds dates", "--data.time"):
            read(content)
        assert read(content, time=("at",)).columns == ("id", "v")
        assert read(content, time=("id",)).columns == ("v",)
    assert str(read(table.drop(columns="at").to_csv(index=False)).timestamps.times[0]) == "2001-09-09T01:46:41.000"


def test_cells_are_set_apart_by_what_the_rows_have_in_common(read):
    for head in ("Zeit;Temp, innen", "Zeit;Temp, innen, oben", 'Zeit;"Temp;,|"'):
        assert read(head + "\n2016-01-04;1,5\n2016-01-05;2,5\n").values.tolist() == [[1.5], [2.5]]


def test_chosen_columns_come_in_their_order(read):
    assert read(CSV, values=("speed",)).columns == ("speed",)
    found = read(CSV, values=("speed", "flow", "speed"))
    assert found.columns == ("speed", "flow")
    np.testing.assert_array_equal(found.values, np.array([SPEED, FLOW]).T)
    assert read("flow,when\n1,2016-01-04\n2,2016-01-05\n", time=("when",)).columns == ("flow",)


def test_series_are_named_by_their_columns(read):
    text = "link,station,at,v\nA,1,2016-01-04,1\nA,,2016-01-04,2\nB,1,2016-01-04,3\nNA,7,2016-01-04,4\n"
    found = read(text, series=("link", "station"))
    assert list(found.series) == ["A/1", "A", "B/1", "NA/7"] and found.columns == ("v",)
    table = pd.DataFrame({"link": list("AAB"), "station": [1.0, np.nan, 1.5], "at": frame()["time"], "v": [1, 2, 3]})
    assert list(read(table, series=("link", "station")).series) == ["A/1", "A", "B/1.5"]
    assert list(read(table.astype({"link": "category"}), time=("at",), series=("link",)).series) == ["A", "A", "B"]


def test_series_of_one_name(read, refusal):
    with refusal("a.csv", "several series would be called 'A/B'"):
        read("a,b,at,v\nA,B,2016-01-04,1\nA/B,,2016-01-04,2\n", series=("a", "b"))


@pytest.mark.parametrize("cell", ["x", "1,5", "1_000", "1 2", "0x10", "True", "12\x00"])
def test_a_cell_that_is_no_number_is_named(read, refusal, cell):
    text = CSV.replace("60", f'"{cell}"')
    for changes in ({}, {"values": ("speed",)}):
        with refusal("a.csv: row 3, column 'speed'", repr(cell), "is no number", "--data.columns"):
            read(text, **changes)
    assert read(text, values=("flow",)).columns == ("flow",)


def test_rows_are_counted_as_a_spreadsheet_shows_them(read, refusal):
    text = CSV.replace("61.25", "x")
    for before, row in (("", 2), ("\n", 3), (",,,\n\n", 4)):
        with refusal(f"row {row}, column 'speed'"):
            read(text.replace("note\n", "note\n" + before))
    with refusal("a.parquet: row 1, column 'speed'"):
        read(frame().assign(speed=["x", "1", "2"]))


def test_columns_without_any_number(read, refusal):
    with refusal("row 2, column 'note': 'calm' is no number"):
        read(CSV, values=("note",))
    with refusal("a.csv has no column of numbers beside 'time'"):
        read("time,note\n2016-01-04,calm\n")
    table = frame().assign(open=[True, False, True], day=frame()["time"], items=[[1], [2], [3]])
    assert read(table).columns == ("flow", "speed")


@pytest.mark.parametrize("cell", ["12,5 EUR", "12.5 kWh", "7°C", "30%", "$12.50", "€ 12", "3 veh/h", "-1.5m"])
def test_numbers_with_a_unit_are_named(read, refusal, cell):
    with refusal(f"a.csv has no column of numbers beside 'time'; 'v' has units ({cell!r}): write its numbers alone"):
        read(f"time;note;v\n2016-01-04;calm;{cell}\n2016-01-05;;{cell}\n")
    with refusal(f"row 2, column 'v': {cell!r} has a unit, or a word; write numbers alone"):
        read(f"time;note;v\n2016-01-04;calm;{cell}\n2016-01-05;;{cell}\n", values=("v",))


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e400", "2e18"])
def test_numbers_beyond_all_use(read, refusal, cell):
    with refusal("a.csv: row 3, column 'speed'", "is beyond 1e+18"):
        read(CSV.replace("60", cell))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"time": ("tme",)}, ("no column 'tme' (--data.time)", "did you mean 'time'?")),
        ({"values": ("sped",)}, ("no column 'sped' (--data.columns)", "did you mean 'speed'?")),
        ({"series": ("zebra",)}, ("no column 'zebra' (--data.series)", "it has 'time', 'flow', 'speed', 'note'")),
        ({"values": ("\x1b[2J",)}, (r"no column '\x1b[2J'",)),
    ],
)
def test_columns_that_are_not_there(read, refusal, changes, words):
    with refusal("a.csv", *words):
        read(CSV, **changes)


def test_columns_that_differ_from_training(read, refusal):
    with refusal(
        "a.csv lacks columns of the training file: 'density', 'rain'", "it has 'time', 'flow', 'speed', 'note'"
    ):
        read(CSV, trained=True, values=("density", "flow", "rain"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ("is empty",)),
        ("\n\n", ("no header in row 1",)),
        ("time,flow\n", ("holds no rows",)),
        ("time,flow\n,\n\n", ("holds no rows",)),
        ("time,flow,flow\n2016-01-04,1,2\n", ("two columns called 'flow'",)),
        ("time,flow\n2016-01-04,1,2\n", ("a row has more cells than the header",)),
        ("time,flow\n2016-01-04,1\n2016-01-05,1,2\n", ("cannot be read", "line 3")),
        ('time,flow\n2016-01-04,"1\n', ("cannot be read",)),
        ("time\n2016-01-04\n", ("no column of numbers",)),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", ()),
        (b"PAR1" + bytes(40) + b"PAR1", ()),
        ("time,flow\n2016-01-04,1\n".encode("utf-16")[:-1], ()),
        ("a" * 300_000, ()),
    ],
)
@pytest.mark.filterwarnings("ignore")  # pandas only warns of some, and nobody reads that
def test_files_that_do_not_do(read, refusal, content, words):
    with refusal("a.csv", *words):
        read(content)


def test_hostile_names_are_printed_safely(read, refusal):
    text = '"\x1b[31mtime",\x1b[2J\u202eflow\n2016-01-04,1\n2016-01-05,x\n'
    with refusal("row 3, column", "x1b[2J", "u202eflow"):
        read(text)
    found = read(text.replace("x\n", "2\n"))
    assert found.columns == (r"\x1b[2J\u202eflow",)
    assert read(text.replace("x\n", "2\n"), values=("\x1b[2J\u202eflow",)).columns == found.columns
    assert read(text.replace("x\n", "2\n"), trained=True, values=found.columns).columns == found.columns


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(offset=st.integers(0, 10_000), change=st.integers(0, 255))
@example(offset=358, change=128)  # bytes that are no UTF-8 in a column of text
def test_a_damaged_parquet_file_is_refused_or_read(tmp_path, offset, change):
    """change 0: cut at `offset`; else one byte changed there."""
    path = tmp_path / "a.parquet"
    frame().to_parquet(path)
    content = bytearray(path.read_bytes())
    offset %= len(content)
    content[offset] ^= change
    path.write_bytes(content if change else content[:offset])
    try:
        found = read_table(path, "a.parquet", ReadOptions())
    except UserError as error:
        assert "a.parquet" in str(error) and "\n" not in str(error)
    else:
        assert found.values.shape[0] == len(found.rows) == len(found.timestamps.times)
