from pathlib import Path

import numpy as np
import pytest

from research.data.images.sources import load_images, read
from research.data.paths import catalogue_root, data_root


def load(source, root=None, **changes):
    settings = {"validation": 0.1, "test": 0.2, "split_seed": 0, "train_limit": None}
    return load_images(source, root, **(settings | changes))


@pytest.fixture
def bright(tmp_path, small_npz):
    """A folder that holds shapes.npz, with other pixels than rows.npz."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    content = dict(np.load(small_npz))
    np.savez(folder / "shapes.npz", **(content | {"x_train": content["x_train"] | 1}))
    return folder


def test_the_embedded_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    raw = read("digits", None)
    images, labels = raw.images["train"], raw.labels["train"]
    known = load_digits(return_X_y=True)
    assert images.dtype == np.uint8 and images.max() == 255
    np.testing.assert_array_equal(np.rint(images.reshape(1797, 64) * (16 / 255)), known[0])
    np.testing.assert_array_equal(labels, known[1])


def test_the_digits_are_split_whole():
    found = load("digits")
    sizes = [len(labels) for labels in found.labels.values()]
    assert sum(sizes) == 1797 and abs(sizes[2] - 359) <= 10 and abs(sizes[1] - 144) <= 10
    assert found.classes == tuple("0123456789") and found.name == "digits"
    assert all(set(labels) == set(range(10)) for labels in found.labels.values())


def test_a_test_part_of_the_source_is_left_as_it_is(small_npz):
    found = load(str(small_npz), test=0.5)
    with np.load(small_npz) as content:
        np.testing.assert_array_equal(found.images["test"][..., 0], content["x_test"])
    assert len(found.labels["train"]) + len(found.labels["validation"]) == 120


@pytest.mark.parametrize("by", ["argument", "variable", "cache"])
def test_where_data_is_looked_for(bright, monkeypatch, by):
    root = None
    if by == "argument":
        root = str(bright)
        monkeypatch.setenv("RESEARCH_DATA", "/nowhere")  # the argument comes first
    elif by == "variable":
        monkeypatch.setenv("RESEARCH_DATA", str(bright))
    else:
        cached = data_root(None)
        assert Path("cache").absolute() in cached.parents  # $XDG_CACHE_HOME, as every test sets it
        cached.mkdir(parents=True)
        (bright / "shapes.npz").rename(cached / "shapes.npz")
    assert (load("shapes.npz", root).images["train"] % 2 == 1).all()
    assert catalogue_root(root) == data_root(root) / "tfds"


def test_a_path_as_it_stands_comes_before_the_root(tmp_path, small_npz, bright):
    small_npz.rename(tmp_path / "shapes.npz")
    assert (load("shapes.npz", str(bright)).images["train"] % 2 == 0).any()


def test_home_is_expanded(bright, monkeypatch):
    monkeypatch.setenv("HOME", str(bright))
    assert data_root("~/a") == bright / "a"
    assert load("~/shapes.npz").fingerprint == load("shapes.npz", "~").fingerprint


@pytest.mark.parametrize(
    ("source", "near"),
    [("digts", "digits"), ("mnits", "mnist"), ("fashon_mnist", "fashion_mnist"), ("shape.npz", "shapes.npz")],
)
def test_an_unknown_name_gives_the_nearest_and_where_it_was_looked_for(bright, refusal, source, near):
    with refusal(f"no data set {source}; did you mean {near}?", bright / source, "--data.root"):
        load(source, str(bright))


def test_a_set_that_can_be_fetched_says_how(refusal):
    with refusal("no data set mnist (", "python scripts/prepare.py mnist"):
        load("mnist")


def test_a_name_like_nothing_gets_no_hint_that_would_not_help(refusal):
    with refusal("no data set qqqq (looked for") as caught:
        load("qqqq")
    assert caught is None


@pytest.mark.parametrize("source", ["a" * 5000, "~nobody-by-that-name/x", "pixels.txt"])
def test_names_that_the_system_stumbles_over(tmp_path, refusal, source):
    (tmp_path / "pixels.txt").write_text("1 2 3")
    with refusal(f"data {source}" if source != "~nobody-by-that-name/x" else "no data set"):
        load(source)


def test_train_and_test_folders_of_idx_are_found_by_name(tmp_path, idx_folder):
    images = np.arange(20 * 16, dtype=np.uint8).reshape(20, 4, 4)
    idx_folder(tmp_path / "data" / "mine", images, np.arange(20) % 2)
    found = load("mine", str(tmp_path / "data"), test=0.2)
    assert found.name == "mine" and len(found.labels["test"]) == 4
    np.testing.assert_array_equal(read("mine", str(tmp_path / "data")).images["train"], images)


FOUND = {
    "nothing": ([], "found nothing in it;"),
    "folders without pictures": (
        ["mnist/t.gz", "a/b/c.jpg", "c/", "d/"],
        "found 4 folders without pictures in that place (a/, c/, d/, ...);",
    ),
    "loose pictures": (["b.jpg", "a.PNG"], "found 2 pictures in no class folder (a.PNG, b.jpg);"),
    "another file": (["data.csv"], "found 1 other file (data.csv);"),
    "all of it": (["x/", "a.jpg", "b.txt"], "(x/), 1 picture in no class folder (a.jpg), 1 other file (b.txt);"),
    "one level too deep": (["set/train/cats/a.jpg"], "found 1 folder without pictures in that place (set/);"),
}


@pytest.mark.parametrize("found", FOUND)
@pytest.mark.parametrize("size", [None, 8])
def test_a_folder_without_a_data_set_tells_what_is_there(tmp_path, refusal, found, size):
    names, words = FOUND[found]
    (tmp_path / "set").mkdir()
    for name in names:
        path = tmp_path / "set" / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_bytes(b"")
    expected = ("train-images-idx3-ubyte.gz and companions (idx)", "CLASS/*.jpg or train/CLASS/*.jpg (pictures)")
    with refusal(f"{tmp_path / 'set'} holds no data set that is known", *expected, words):
        load(str(tmp_path / "set"), size=size)


def test_what_a_test_part_lacks_is_said(tmp_path, capsys):
    images, labels = np.zeros((40, 8, 8), np.uint8), np.arange(40) % 4
    np.savez(tmp_path / "d.npz", x_train=images, y_train=labels, x_test=images[:20], y_test=np.arange(20) % 3)
    load(str(tmp_path / "d.npz"))
    assert "the test part has no picture of 3," in capsys.readouterr().err
