import pytest

from research.data.series.sources import series_files


@pytest.fixture
def folder(tmp_path):
    """A folder of data that is not the one we are in."""
    root = tmp_path / "root"
    for name in ("pems/train.csv", "pems/test.parquet", "pems/val.npz", "pems/README.txt", "week.csv", "week.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_a_file_is_all_of_training_and_a_folder_has_parts(folder):
    assert series_files("week.csv", str(folder)) == {"train": folder / "week.csv"}
    names = {"train": "train.csv", "validation": "val.npz", "test": "test.parquet"}
    assert series_files("pems", str(folder)) == {part: folder / "pems" / name for part, name in names.items()}
    (folder / "pems/val.npz").unlink()
    assert set(series_files(str(folder / "pems"), None)) == {"train", "test"}


def test_a_path_as_it_stands_comes_before_the_root(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("RESEARCH_DATA", str(folder))
    assert series_files("week.csv", None)["train"] == folder / "week.csv"
    (tmp_path / "week.csv").touch()
    assert series_files("week.csv", None)["train"].absolute() == tmp_path / "week.csv"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("wek.csv", ("no series wek.csv", "did you mean week.csv?", "--data.root", "$RESEARCH_DATA")),
        ("pems/trian.csv", ("no series pems/trian.csv", "did you mean pems/train.csv?")),
        ("nothing/at/all", ("no series nothing/at/all (looked for",)),
        ("week.txt", ("data week.txt is none of .csv, .parquet, .npz",)),
        ("x" * 5000, ("cannot be read", "name another place")),
        ("we\x1b[2J", (r"no series we\x1b[2J",)),
        ("a\0b", (r"no series a\x00b",)),
    ],
)
def test_what_is_not_there(folder, refusal, source, words):
    with refusal(*words):
        series_files(source, str(folder))


def test_folders_of_other_files(folder, refusal):
    (folder / "pems/train.npz").touch()
    with refusal("train.csv and train.npz, which mean the same"):
        series_files("pems", str(folder))
    with refusal("has no train.csv", "it holds week.csv: name one"):
        series_files(str(folder), None)
    (folder / "empty").mkdir()
    with refusal("empty has no train.csv", "add it"):
        series_files("empty", str(folder))
    for name in ("train.npz", "test.parquet"):
        (folder / "pems" / name).unlink()
    with refusal("has val.npz but no test.csv"):
        series_files("pems", str(folder))
