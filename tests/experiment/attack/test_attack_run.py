"""An attack from a run to its page: interrupted, gone on with, checked from files, and refused in a line."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from research import config as configuration
from research import experiment
from research.attack.pixels import drawn, random_candidates
from research.config import (
    Custom,
    ImageData,
    ImageExperiment,
    OnePixel,
    Optimizer,
    TableData,
    TableExperiment,
    Training,
)
from research.experiment.attack import attack
from research.experiment.attack import search as searching
from research.experiment.images.build import load_data

pytestmark = pytest.mark.slow
QUICK = OnePixel(pictures=10, pixels=(1, 3), population=20, generations=4, exhaustive=2)


@pytest.fixture(scope="module")
def run(write_rows, tmp_path_factory):
    """The run of a linear net on gray pictures, which few pixels flip."""
    folder = tmp_path_factory.mktemp("attack")
    write_rows(folder / "rows.npz")
    (folder / "nets.py").write_text(
        "import flax.linen as nn\n"
        "class Net(nn.Module):\n"
        "    classes: int\n"
        "    @nn.compact\n"
        "    def __call__(self, x):\n"
        "        return nn.Dense(self.classes)(x.reshape(len(x), -1))\n"
    )
    config = ImageExperiment(
        name="rows",
        data=ImageData(source=str(folder / "rows.npz"), validation=0.2),
        model=Custom(f"{folder / 'nets.py'}:Net"),
        optimizer=Optimizer(learning_rate=0.003),
        train=Training(epochs=6, batch_size=16),
    )
    assert experiment.run(config, folder / "run")["metrics"]["test"]["accuracy"] > 0.7
    return folder / "run"


@pytest.fixture(scope="module")
def attacked(run):
    """attack.json of QUICK, and its folder."""
    return attack(run, QUICK), run / "attack"


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A run of the digit net after an epoch."""
    folder = tmp_path_factory.mktemp("digits") / "run"
    config = configuration.load("configs/digits_cnn.py")
    experiment.run(dataclasses.replace(config, train=dataclasses.replace(config.train, epochs=2)), folder)
    return folder


def rows(folder, pixels):
    return [json.loads(line) for line in (folder / f"pixels-{pixels}.jsonl").read_text().splitlines()]


def test_every_flip_is_one_in_its_file(run, attacked):
    record, folder = attacked
    net = experiment.load(run)
    data = load_data(net.config.data)
    for result in record["results"]:
        found = rows(folder, result["pixels"])
        assert result["flipped"] == sum(row["success"] for row in found) and len(found) == result["pictures"] == 10
        for row in found:
            image, label = data.images["test"][row["picture"]], data.labels["test"][row["picture"]]
            path = folder / "pictures" / f"{row['picture']:06d}-pixels-{result['pixels']}.png"
            assert path.is_file() == row["success"]
            if row["success"]:
                changed = np.asarray(Image.open(path))[..., None]
                assert (changed != image).any(-1).sum() <= result["pixels"]
                assert net.apply(net.variables, changed[None]).argmax() != label
    shares = [result["share"] for result in record["results"]]
    assert shares == sorted(shares) and shares[-1] > 0
    page = (folder / "attack.html").read_text()
    assert "What few pixels do" in page and f"{shares[-1]:.1%}" in page


def test_the_truth_bounds_what_the_search_finds(attacked):
    record, folder = attacked
    truth = [json.loads(line) for line in (folder / "exhaustive.jsonl").read_text().splitlines()]
    flipped = {row["picture"]: row["success"] for row in rows(folder, 1)}
    assert all(np.any(row["flips"]) or not flipped[row["picture"]] for row in truth)
    found = record["exhaustive"]
    assert found["possible"] + found["certified"] == found["pictures"] == 2 and found["found"] <= found["possible"]


def test_every_class_is_a_target_in_turn_and_others_are_shown_beside(digits, tmp_path):
    settings = OnePixel(pictures=3, pixels=(1,), population=40, generations=2, target="all", exhaustive=2)
    record = attack(digits, settings, out=tmp_path, transfer=[str(digits)], filter="conv1:3")
    found = rows(tmp_path, 1)
    assert record["pictures"] == 3 and record["results"][0]["pictures"] == len(found) == 27
    assert len({(row["picture"], row["target"]) for row in found}) == 27
    net = experiment.load(digits)
    for row in found:
        if row["success"]:
            index = net.classes.index(row["target"])
            path = tmp_path / "pictures" / f"{row['picture']:06d}-class-{index}-pixels-1.png"
            assert net.apply(net.variables, np.asarray(Image.open(path))[None, ..., None]).argmax() == index
    truth = [json.loads(line) for line in (tmp_path / "exhaustive.jsonl").read_text().splitlines()]
    for row, proven in zip(found, truth, strict=False):
        assert row["target"] == proven["target"] and (proven["possible"] or not row["success"])
    assert [row["way"] for row in record["references"]] == ["gradient pixels", *["FGSM"] * 2, *["PGD"] * 3]
    flips = sum(row["success"] for row in found)
    assert record["transfer"] == [{"run": "digits_cnn", "pixels": 1, "flips": flips, "flipped": flips}]
    for row in record["filter"]["pictures"]:
        assert row["before"] != row["after"] and set(row["values"]) <= {0, 255}
    named = [path.stem for path in (tmp_path / "figures").glob("*.png")]
    assert {"filter", "fewest", "success", "vulnerability"} <= set(named)
    page = (tmp_path / "attack.html").read_text()
    assert "attacks get the class that they ask for" in page and "The same changes on other nets" in page


def test_the_search_finds_what_can_be_flipped_and_no_edit_flips_what_is_certified(digits, tmp_path):
    settings = OnePixel(pictures=40, pixels=(1,), exhaustive=40)
    record = attack(digits, settings, out=tmp_path)
    truth = [json.loads(line) for line in (tmp_path / "exhaustive.jsonl").read_text().splitlines()]
    found = {row["picture"] for row in rows(tmp_path, 1) if row["success"]}
    possible = {row["picture"] for row in truth if row["possible"]}
    assert found <= possible and len(found) >= 0.95 * len(possible) > 3
    net = experiment.load(digits)
    images = load_data(net.config.data).images["test"]
    certified = sorted({row["picture"] for row in truth} - possible)
    assert len(certified) == record["exhaustive"]["certified"] > 3
    logits = jax.jit(net.apply)
    for at, index in enumerate(certified):
        edits = random_candidates(jax.random.key(at), -(-100_000 // len(certified)), 1, (8, 8, 1))
        wanted = logits(net.variables, images[index][None]).argmax()
        assert (logits(net.variables, drawn(jnp.asarray(images[index]), edits)).argmax(1) == wanted).all()


def test_an_attack_that_was_cut_off_goes_on_to_the_same_result(run, attacked, tmp_path, monkeypatch):
    record, folder = attacked
    calls = []

    def dies(*arguments):
        calls.append(arguments)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return real(*arguments)

    real = searching._run
    monkeypatch.setattr(searching, "_run", dies)
    with pytest.raises(KeyboardInterrupt):
        attack(run, QUICK, out=tmp_path / "again")
    monkeypatch.setattr(searching, "_run", real)
    with (tmp_path / "again" / "pixels-1.jsonl").open("a") as file:
        file.write('{"picture": 3, "pix')  # a line that was cut off
    assert len(rows_sound := (tmp_path / "again" / "pixels-1.jsonl").read_text().splitlines()) == 9, rows_sound
    again = attack(run, QUICK, out=tmp_path / "again")
    assert again["results"] == record["results"]
    for name in ("pixels-1.jsonl", "pixels-3.jsonl", "exhaustive.jsonl"):
        assert (tmp_path / "again" / name).read_text() == (folder / name).read_text()


def test_what_cannot_be_attacked_is_refused_in_a_line(run, digits, attacked, tmp_path, refusal):
    def other(**fields):
        return OnePixel(**{"pictures": 3, "pixels": (1,), "population": 20, "generations": 1, **fields})

    with refusal("holds an attack with other settings", "pictures", "--out"):
        attack(run, other())
    with refusal("65 pixels are more than the 8x8"):
        attack(run, other(pixels=(65,)), out=tmp_path / "a")
    with refusal("no classifier of the classes", "leave it out"):
        attack(run, other(), out=tmp_path / "c", transfer=[str(digits)])
    with refusal("--filter needs a net of this library's layers"):
        attack(run, other(), out=tmp_path / "d", filter="conv1:0")
    with refusal("no layer conv9 for --filter", "conv1"):
        attack(digits, other(), out=tmp_path / "e", filter="conv9:0")
    with refusal("--filter conv1:32", "conv1:0 to conv1:31"):
        attack(digits, other(), out=tmp_path / "e", filter="conv1:32")
    with refusal("no class cat", "there are", "all for every one"):
        attack(run, other(target="cat"), out=tmp_path / "b")
    with refusal("no classifier of pictures"):
        config = TableExperiment(name="t", data=TableData(source="diabetes"), train=Training(epochs=1))
        experiment.run(config, tmp_path / "table")
        attack(tmp_path / "table", other())
