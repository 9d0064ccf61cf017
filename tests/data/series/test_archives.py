import io

import numpy as np
import pytest

from research.data.series.archives import read_archive
from research.data.series.tables import ReadOptions

TIMES = np.datetime64("2016-01-04") + np.arange(6) * np.timedelta64(300, "s")
VALUES = np.random.default_rng(0).normal(size=(2, 6, 3))
OPTIONS = ReadOptions()


@pytest.fixture
def read(tmp_path):
    def reading(options=OPTIONS, trained=(), **arrays):
        np.savez(tmp_path / "a.npz", **arrays)
        return read_archive(tmp_path / "a.npz", "a.npz", options, trained)

    return reading


def test_one_series_and_several(read):
    one = read(values=VALUES[0], times=TIMES)
    assert one.columns == ("0", "1", "2") and list(one.series) == [""] * 6
    np.testing.assert_array_equal(one.values, VALUES[0])
    np.testing.assert_array_equal(one.timestamps.times, TIMES)
    names = {"columns": np.array(["a", "b", "c"]), "series": np.array(["north", "south"])}
    both = read(OPTIONS._replace(values=("c", "a")), values=VALUES, times=TIMES, **names)
    assert both.columns == ("c", "a") and list(both.series) == ["north"] * 6 + ["south"] * 6
    np.testing.assert_array_equal(both.values, VALUES[..., [2, 0]].reshape(12, 2))
    np.testing.assert_array_equal(both.rows, np.tile(np.arange(1, 7), 2))
    assert read(values=VALUES[0, :, 0], times=TIMES).values.shape == (6, 1)
    assert set(read(values=VALUES, times=TIMES).series) == {"0", "1"}
    assert read(values=np.arange(6), times=TIMES).values.dtype == np.float64


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"values": None}, ("no values", "it has times")),
        ({"times": None}, ("no times", "it has values")),
        ({"times": np.arange(6)}, ("times int64", "datetime64")),
        ({"values": VALUES[0].astype(str)}, ("values are <U",)),
        ({"values": VALUES[0, :5]}, ("shape (5, 3) and times (6,)",)),
        ({"values": VALUES[None]}, ("shape (1, 2, 6, 3)",)),
        ({"values": VALUES[0, :, :0]}, ("shape (6, 0)",)),
        ({"times": np.where(np.arange(6) == 2, np.datetime64("NaT", "s"), TIMES)}, ("row 3 has no time",)),
        ({"times": TIMES.astype("datetime64[s]") + np.timedelta64(7000 * 366, "D")}, ("row 1", "in the year 9")),
        ({"values": np.where(np.arange(6) == 4, np.inf, 1.0)}, ("row 5", "beyond 1e+18")),
        ({"columns": np.array(["a", "a", "b"])}, ("columns holds 3 names for 3", "of its own")),
        ({"columns": np.array(["a"])}, ("columns holds 1 names for 3",)),
        ({"series": np.array(["a", "b"])}, ("series holds 2 names for 1",)),
        ({"columns": np.array([print, 1, 2], object)}, ("not a sound .npz file",)),
    ],
)
def test_arrays_that_do_not_do(read, refusal, changes, words):
    arrays = {"values": VALUES[0], "times": TIMES} | changes
    with refusal("a.npz", *words):
        read(**{name: array for name, array in arrays.items() if array is not None})


def test_columns_of_tables_are_not_for_arrays(read, refusal):
    for flag, options in (("time", OPTIONS._replace(time=("t",))), ("series", OPTIONS._replace(series=("s",)))):
        with refusal(f"--data.{flag}", "leave it out"):
            read(options, values=VALUES[0], times=TIMES)
    with refusal("no column 'x'", "it has '0', '1', '2'"):
        read(OPTIONS._replace(values=("x",)), values=VALUES[0], times=TIMES)
    with refusal("lacks columns of the training file: 'x'"):
        read(trained=("x",), values=VALUES[0], times=TIMES)


def test_files_that_are_none(tmp_path, refusal):
    bare = io.BytesIO()
    np.save(bare, VALUES)
    for content in (b"", b"text", bare.getvalue()):
        (tmp_path / "a.npz").write_bytes(content)
        with refusal("a.npz is not a sound .npz file"):
            read_archive(tmp_path / "a.npz", "a.npz", OPTIONS)
