"""A net of one's own from its file to its page: trained, cut off, resumed, evaluated, asked, examined, compared."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from research import experiment
from research.config import (
    Custom,
    DenseNet,
    ImageData,
    ImageExperiment,
    Microscope,
    Optimizer,
    Training,
    from_json,
    load,
    to_json,
)
from research.experiment import training
from research.experiment.microscope import microscope
from research.training import checkpoints

NET = """
import flax.linen as nn

class Net(nn.Module):
    width: int
    classes: int
    @nn.compact
    def __call__(self, x, train=False):
        x = nn.Conv(self.width, (3, 3), use_bias=False)(x)
        x = nn.relu(nn.BatchNorm(use_running_average=not train, momentum=0.8)(x))
        self.sow("intermediates", "rectified", x)
        x = nn.avg_pool(x, (2, 2), (2, 2)).reshape(len(x), -1)
        x = nn.Dropout(0.2, deterministic=not train)(x)
        return nn.Dense(self.classes, name="logits")(x)
"""
PARAMETERS = 9 * 6 + 2 * 6 + (16 * 6 + 1) * 3


@pytest.fixture(scope="module")
def folder(write_rows, tmp_path_factory):
    """A folder with the file of a net and its pictures."""
    folder = tmp_path_factory.mktemp("own")
    write_rows(folder / "rows.npz")
    (folder / "nets.py").write_text(NET)
    return folder


@pytest.fixture(scope="module")
def config(folder):
    return ImageExperiment(
        name="own",
        data=ImageData(source=str(folder / "rows.npz"), validation=0.2),
        model=Custom(f"{folder / 'nets.py'}:Net", {"width": 6}),
        optimizer=Optimizer(learning_rate=0.01),
        train=Training(epochs=4, batch_size=16, checkpoint_seconds=0.0),
    )


@pytest.fixture(scope="module")
def trained(config, folder):
    """The run directory of the net, trained to its end."""
    record = experiment.run(config, folder / "run")
    assert record["status"] == "finished" and record["metrics"]["test"]["accuracy"] > 0.8
    return folder / "run"


def leaves(run_dir):
    [group] = (run_dir / "checkpoints").iterdir()
    return checkpoints.newest(group, pytest.fail)[0]


def picture(path, row):
    pixels = np.random.default_rng(row).integers(0, 60, (8, 8)).astype(np.uint8)
    pixels[row] += 150
    Image.fromarray(pixels).save(path)
    return path


def test_the_record_and_the_report_count_parameters_and_name_the_file(trained, config):
    record = json.loads((trained / "record.json").read_text())
    assert record["parameters"] == {"total": PARAMETERS, "trainable": PARAMETERS}
    assert record["net"]["source"] == "nets.py:Net" and len(record["net"]["sha256"]) == 64
    page = (trained / "report.html").read_text().replace("<wbr>", "")
    assert "BatchNorm_0" in page and f"{PARAMETERS}" in page and "12 statistics" in page
    assert from_json(json.loads((trained / "config.json").read_text())) == config


def test_cut_off_and_resumed_it_ends_with_the_same_bits(trained, config, tmp_path, monkeypatch):
    calls = iter([False, False, True])
    fit = training.fit.fit
    monkeypatch.setattr(
        training.fit, "fit", lambda *a, **named: fit(*a, **named | {"preempted": lambda: next(calls, True)})
    )
    assert experiment.run(config, tmp_path / "run")["status"] == "preempted"
    monkeypatch.setattr(training.fit, "fit", fit)
    assert experiment.run(config, tmp_path / "run")["status"] == "finished"
    undisturbed, resumed = leaves(trained), leaves(tmp_path / "run")
    assert any(name.startswith("collections/batch_stats/") for name in resumed)
    for name, leaf in undisturbed.items():
        np.testing.assert_array_equal(leaf, resumed[name], err_msg=name)


def test_it_is_evaluated_and_predicts_as_in_training(trained, tmp_path):
    before = json.loads((trained / "record.json").read_text())["metrics"]
    assert experiment.evaluate(trained)[0]["metrics"] == before
    files = [picture(tmp_path / f"{row}.png", row) for row in (1, 3, 5)]
    together = list(experiment.predict(trained, files, as_is=True))
    assert [answer["class"] for answer in together] == ["0", "1", "2"]
    alone = [next(experiment.predict(trained, [file], as_is=True)) for file in files]
    for one, other in zip(together, alone, strict=True):
        assert one["probability"] == pytest.approx(other["probability"], abs=1e-5), "it depends on its neighbours"


@pytest.mark.slow
def test_it_goes_under_the_microscope(trained, tmp_path):
    file = picture(tmp_path / "a.png", 3)
    look = Microscope(steps=4, filters=(0, 2), variants=2, patches=2, near=True, saliency=(str(file),))
    microscope(trained, look, out=tmp_path / "default")
    record = json.loads((tmp_path / "default/microscope.json").read_text())
    assert list(record["layers"]) == ["Conv_0", "BatchNorm_0", "logits"]
    sown = Microscope(layers=("rectified", "Net"), steps=4, variants=0, patches=2, hypotheses=("rectified:1=1",))
    text = microscope(trained, sown, out=tmp_path / "sown").read_text()
    assert "each position sees 3×3 pixels" in text
    record = json.loads((tmp_path / "sown/microscope.json").read_text())
    assert [len(record["layers"][name]) for name in ("rectified", "Net")] == [6, 3]


WIRED = """
from research.models.layers import Dense, GlobalPool, Rescale, UnbiasedConv
from research.models.network import sequence
from research.models.normalization import BatchNorm

def wired(outputs, logits=3):
    return sequence(
        Rescale(name="rescale"),
        UnbiasedConv(4, activation="linear", padding="same", name="conv"),
        BatchNorm(activation="relu", name="norm"),
        GlobalPool("max", name="pool"),
        Dense(logits, activation="linear", name="logits"),
    )
"""


@pytest.mark.slow
def test_a_network_of_our_layers_is_a_net_of_ones_own_too(config, tmp_path, refusal):
    (tmp_path / "wired.py").write_text(WIRED)
    config = dataclasses.replace(config, model=Custom("wired.py:wired"))
    record = experiment.run(config, tmp_path / "run")
    assert record["parameters"]["total"] == 9 * 4 + 2 * 4 + 5 * 3 and record["net"]["source"] == "wired.py:wired"
    assert "svg" in (tmp_path / "run/report.html").read_text()
    assert experiment.evaluate(tmp_path / "run")[0]["metrics"] == record["metrics"]
    look = Microscope(layers=("conv", "norm", "norm/pre"), steps=4, variants=0, patches=2)
    text = microscope(tmp_path / "run", look, out=tmp_path / "out").read_text()
    assert "each position sees 3×3 pixels" in text
    wrong = dataclasses.replace(config, model=Custom("wired.py:wired", {"logits": 4}))
    with refusal("the net gives [4] for a picture; 3 classes need [3]"):
        experiment.run(wrong, tmp_path / "wrong")


def test_a_tap_that_is_not_there_is_one_line(trained, tmp_path, refusal):
    with refusal("no layer Conv_1; did you mean Conv_0?", "rectified"):
        microscope(trained, Microscope(layers=("Conv_1",)), out=tmp_path / "out")


@pytest.fixture
def edited(trained, folder):
    """The net's file, edited since the training."""
    path, content = folder / "nets.py", (folder / "nets.py").read_text()
    path.write_text(content + "# edited\n")
    yield path
    path.write_text(content)


@pytest.mark.parametrize("gone", [False, True])
def test_an_edited_or_missing_file_is_named_by_every_command(trained, config, edited, refusal, tmp_path, gone):
    words = [edited, trained, "no file"] if gone else [edited, "was edited since", trained, "--run-dir"]
    if gone:
        edited.unlink()
    before = {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()}
    with refusal(*words):
        experiment.run(config, trained)
    with refusal(*words):
        experiment.evaluate(trained)
    with refusal(*words):
        next(experiment.predict(trained, [picture(tmp_path / "a.png", 1)]))
    with refusal(*words):
        microscope(trained, Microscope(), out=tmp_path / "out")
    assert {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()} == before


def test_nothing_is_written_for_a_net_that_does_not_fit(config, tmp_path, refusal):
    model = dataclasses.replace(config.model, arguments={"width": 6, "classes": 4})
    with refusal("gives [B, 4] for pictures of 8x8x1; 3 classes need [B, 3]"):
        experiment.run(dataclasses.replace(config, model=model), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_it_is_compared(trained, config, folder, tmp_path):
    dense = dataclasses.replace(config, name="dense", model=DenseNet(hidden=(8,)))
    found = experiment.compare([(dense, tmp_path / "dense"), (config, trained)], tmp_path / "compared")
    assert found.rows["own"]["parameters"] == PARAMETERS


CONFIG = """
from research.config import Custom, ImageExperiment
def get_config():
    return ImageExperiment(name="own", model=Custom("nets.py:Net", {"widths": (3, [4]), "deep": {"a": None}}))
"""


def test_the_file_is_found_beside_its_configuration_and_then_here(folder, tmp_path, refusal):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/own.py").write_text(CONFIG)
    with refusal("own.py: no file nets.py", tmp_path / "configs", tmp_path):
        load("configs/own.py")
    (tmp_path / "nets.py").write_text(NET)
    assert load("configs/own.py").model.source == f"{tmp_path / 'nets.py'}:Net"
    (tmp_path / "configs/nets.py").write_text(NET)
    found = load("configs/own.py")
    assert found.model.source == f"{tmp_path / 'configs/nets.py'}:Net"
    assert found.model.arguments == {"widths": [3, [4]], "deep": {"a": None}}
    assert from_json(to_json(found)) == found


def test_the_page_shows_the_example_that_is_tested(root):
    page = (root / "docs/extending.md").read_text()
    for name in ("my_net.py", "my_config.py"):
        code = (root / "docs/examples" / name).read_text().split('"""', 2)[2].strip()
        assert code in page, name


@pytest.mark.slow
def test_the_example_of_the_documentation_trains(root, tmp_path):
    config = load(str(root / "docs/examples/my_config.py"))
    record = experiment.run(config, tmp_path / "run")
    assert record["metrics"]["test"]["accuracy"] > 0.95


def test_a_net_of_two_pictures_reads_their_channels(tmp_path, refusal):
    (tmp_path / "two.py").write_text(
        "import flax.linen as nn\n"
        "class Two(nn.Module):\n"
        "    classes: int\n"
        "    @nn.compact\n"
        "    def __call__(self, x):\n"
        "        return nn.Dense(self.classes)(nn.relu(x[..., :3] - x[..., 3:]).reshape(len(x), -1))\n"
    )
    generator, labels = np.random.default_rng(0), np.arange(240) % 2
    left, right = (generator.integers(0, 90, (240, 4, 4, 3)).astype(np.uint8) for _ in range(2))
    left[labels == 1] += 60
    model = Custom(f"{tmp_path / 'two.py'}:Two")
    config = ImageExperiment(
        name="two", model=model, optimizer=Optimizer(learning_rate=0.02), train=Training(epochs=60)
    )
    data = (np.concatenate([left, right], -1), labels)
    record = experiment.run(config, tmp_path / "run", data=data)
    assert record["metrics"]["test"]["accuracy"] > 0.9
    net = experiment.load(tmp_path / "run")
    assert (np.asarray(net.apply(net.variables, data[0])).argmax(1) == labels).mean() > 0.9
    with refusal("reads 6 channels", "experiment.load"):
        list(experiment.predict(tmp_path / "run", left[:1]))
    with refusal("reads 6 channels"):
        microscope(str(tmp_path / "run"), Microscope())
    with refusal("on the last axis"):
        experiment.run(config, tmp_path / "other", data=(np.moveaxis(left, -1, 1)[..., :2], labels))
