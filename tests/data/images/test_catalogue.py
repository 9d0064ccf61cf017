import subprocess
import sys

import numpy as np
import pytest

from research.data.images.catalogue import prepare_catalogue, read_catalogue
from research.data.images.sources import load_images

IMAGES = np.random.default_rng(3).integers(0, 256, (11, 6, 5, 1)).astype(np.uint8)
LABELS = np.arange(11) % 2


@pytest.fixture
def load(tmp_path):
    def loaded(name="tfds:tiny"):
        return load_images(name, str(tmp_path), validation=0, test=0.3, split_seed=0, train_limit=None)

    return loaded


@pytest.mark.parametrize("depth", [1, 3])
def test_a_prepared_set_is_read_as_it_was_written(tmp_path, catalogue_set, load, depth):
    images = np.repeat(IMAGES, depth, axis=3) // np.arange(1, depth + 1, dtype=np.uint8)
    catalogue_set(tmp_path, {"train": (images, LABELS), "test": (images[:4], LABELS[:4])})
    found = load()
    assert found.classes == ("cat", "dog") and found.name == "tfds:tiny"
    np.testing.assert_array_equal(found.images["train"], images)
    np.testing.assert_array_equal(found.labels["train"], LABELS)
    np.testing.assert_array_equal(found.images["test"], images[:4])


def test_without_a_test_split_some_of_train_is_held_out(tmp_path, catalogue_set, load):
    catalogue_set(tmp_path, {"train": (IMAGES, LABELS)})
    found = load()
    assert len(found.labels["train"]) + len(found.labels["test"]) == 11 and len(found.labels["test"]) in (3, 4)


def test_the_newest_version_is_read_unless_one_is_named(tmp_path, catalogue_set, load):
    for version, tone in (("2.0.0", 2), ("10.0.0", 10), ("9.1.0", 9)):
        catalogue_set(tmp_path, {"train": (np.full_like(IMAGES, tone), LABELS)}, version=version)
    assert load().images["train"].max() == 10
    assert load("tfds:tiny:9.1.0").images["train"].max() == 9


def test_the_only_configuration_need_not_be_named(tmp_path, catalogue_set, load, refusal):
    catalogue_set(tmp_path, {"train": (IMAGES, LABELS)}, name="tiny/plain")
    np.testing.assert_array_equal(load("tfds:tiny").labels["train"], load("tfds:tiny/plain").labels["train"])
    catalogue_set(tmp_path, {"train": (IMAGES, LABELS)}, name="tiny/bold")
    with refusal("several configurations (bold, plain)"):
        load("tfds:tiny")
    assert len(load("tfds:tiny/bold:1.0.0").labels["train"])


@pytest.mark.parametrize("name", ["tfds:absent", "tfds:tiny:3.0.0", "tfds:tiny/absent"])
def test_what_is_not_prepared_says_how(tmp_path, catalogue_set, load, refusal, name):
    catalogue_set(tmp_path, {"train": (IMAGES, LABELS)})
    with refusal(f"{name} is not prepared in {tmp_path / 'tfds'}", f"prepare.py {name}", "[prepare]", "--data.root"):
        load(name)


def test_sets_of_another_kind(tmp_path, catalogue_set, refusal):
    catalogue_set(tmp_path, {"train": (IMAGES, LABELS)}, name="answers", label="answer")
    with refusal("tfds:answers has no image and label", "answer, image"):
        read_catalogue("answers", tmp_path / "tfds")
    catalogue_set(tmp_path, {"dev": (IMAGES, LABELS)}, name="dev")
    with refusal("tfds:dev has no train split (it has dev)"):
        read_catalogue("dev", tmp_path / "tfds")
    catalogue_set(tmp_path, {"train": ([IMAGES[0], IMAGES[1, :3]], LABELS[:2])}, name="sizes")
    with refusal("tfds:sizes holds pictures of several sizes"):
        read_catalogue("sizes", tmp_path / "tfds")


@pytest.mark.parametrize("damage", ["records lost", "records cut", "info cut", "features cut"])
def test_damaged_folders_are_named(tmp_path, catalogue_set, refusal, damage):
    folder = catalogue_set(tmp_path, {"train": (IMAGES, LABELS)})
    records = next(folder.glob("*train*"))
    if damage == "records lost":
        records.unlink()
    else:
        path = {"records": records, "info": folder / "dataset_info.json", "features": folder / "features.json"}[
            damage.split()[0]
        ]
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with refusal("tiny"):
        read_catalogue("tiny", tmp_path / "tfds")


@pytest.mark.parametrize("installed", [True, False])
def test_reading_needs_no_tensorflow_and_says_nothing(tmp_path, catalogue_set, root, installed):
    """In a process of its own: TensorFlow is not imported where it is installed, nor missed where it is not."""
    catalogue_set(tmp_path, {"train": (IMAGES, LABELS)})
    code = f"""
import sys
from importlib.machinery import PathFinder
found = PathFinder.find_spec
def without(name, path=None, target=None):
    return None if name.split(".")[0] == "tensorflow" and not {installed} else found(name, path, target)
PathFinder.find_spec = without
from research.data.images.catalogue import read_catalogue
from pathlib import Path
labelled = read_catalogue("tiny", Path("tfds"))
assert len(labelled.images["train"]) == 11
assert "tensorflow" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_preparing_without_tensorflow_names_the_extra(tmp_path, monkeypatch, refusal):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with refusal("preparing mnist needs TensorFlow", "pip install -e '.[prepare]'"):
        prepare_catalogue("mnist", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_prepare_prepares_below_the_root(tmp_path, monkeypatch, refusal):
    from research.cli.prepare import prepare

    asked = []
    monkeypatch.setattr(
        "research.cli.prepare.prepare_catalogue", lambda name, folder: asked.append((name, folder)) or folder
    )
    assert prepare(["tfds:cifar10", "--data.root", str(tmp_path)]) == 0
    assert asked == [("cifar10", tmp_path / "tfds")]
