"""A user's mistake is one line on stderr and exit code 2, and nothing is written."""

import gzip
import struct
import subprocess
import sys

import numpy as np
import pytest

from research.cli.configured import configured
from research.config import ConvNet, ImageExperiment, Training, load
from research.config.documents import RENAMED
from research.errors import UserError


@pytest.fixture
def configs(root):
    return root / "configs"


def idx(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def folder(path, images=None, labels=None, **replaced):
    """A folder of idx files of 40 training pictures of two classes, with what is given replaced."""
    path.mkdir()
    images = np.zeros((40, 28, 28), np.uint8) if images is None else images
    labels = (np.arange(40) % 2).astype(np.uint8) if labels is None else labels
    content = {"train-images-idx3-ubyte": idx(images), "train-labels-idx1-ubyte": idx(labels)}
    for name, value in (content | {name.replace("_", "-"): value for name, value in replaced.items()}).items():
        if value is not None:
            (path / f"{name}.gz").write_bytes(gzip.compress(value))
    return path


def keras(path, **arrays):
    images, labels = np.zeros((40, 28, 28), np.uint8), np.arange(40) % 2
    np.savez(path, **({"x_train": images, "y_train": labels} | arrays))
    return path


FLAGS = [
    (["configs/nothing.py"], "no configuration file"),
    (["{configs}/mnist_cn.py"], r"did you mean .*mnist_cnn\.py"),
    ([], "a configuration comes first"),
    (["{configs}/digits_cnn.py", "--train.epoch", "3"], r"--train\.epoch; did you mean --train\.epochs"),
    (["{configs}/digits_cnn.py", "--sed", "3"], "--sed; did you mean --seed"),
    (["{configs}/traffic_profile.py", "--model.calm"], r"--model\.calm is called --model\.zero-init-head now"),
    (["{configs}/digits_cnn.py", "--train.epochs", "three"], "train.epochs"),
    (
        ["{configs}/digits_cnn.py", "--train.monitor", "acuracy"],
        "acuracy is not measured .* there are accuracy, loss",
    ),
    (
        ["{configs}/mnist_cnn.py", "--data.root", "nowhere", "--train.monitor", "mae"],
        "mae is not measured here",
    ),
    (["{configs}/digits_cnn.py", "--train.epochs", "-1"], "train.epochs.*greater than or equal to 0"),
    (["{configs}/digits_cnn.py", "--optimizer.learning-rate", "nan"], "learning_rate"),
    (["{configs}/digits_cnn.py", "--optimizer.name", "adem"], "optimizer.name"),
    (["{configs}/digits_cnn.py", "--data.validation", "1.5"], "data.validation"),
    (["{configs}/digits_cnn.py", "--seed", "-1"], "seed"),
    (["{configs}/digits_cnn.py", "more"], "more"),
    (["{configs}/digits_cnn.py", "--data.source", "digit"], "no data set digit; did you mean digits"),
    (["{configs}/mnist_cnn.py", "--data.root", "nowhere"], r"no data set mnist.*scripts/prepare\.py mnist"),
    (["{configs}/digits_cnn.py", "--data.source", "tfds:nothing"], "not prepared.*prepare"),
    (["{configs}/digits_cnn.py", "--model.padding", "valid"], "smaller than the net needs.*takes 18x18"),
    (["{configs}/digits_cnn.py", "--data.train-limit", "3"], "train_limit"),
    (["--config-json", "nowhere.json"], "cannot read nowhere.json"),
    (["--config-json"], "needs a file"),
    (["{configs}/digits_cnn.py", "--seed", "2147483647", "--seeds", "2"], "beyond 2"),
    (["{configs}/digits_cnn.py", "--train.epochs", "99999999999"], "train.epochs.*less than or equal"),
    (["{configs}/digits_cnn.py", "--model.channels", "100000000000"], "model.channels.*less than or equal"),
    (["{configs}/digits_cnn.py", "--model.hidden", "60000", "60000", "60000", "60000"], "GB of memory"),
    (["{configs}/digits_cnn.py", "--name", "../../elsewhere"], "field name"),
    (["{configs}/digits_cnn.py", "--name", "a/b"], "field name"),
    (["{configs}/digits_cnn.py", "--name", 300 * "a"], "field name"),
    (["{configs}/digits_cnn.py", "--run-dir", 300 * "a"], "File name too long"),
    (["{configs}/digits_cnn.py", "--run-dir", "work [1]/run"], r"has a \[ in it.*choose another run directory"),
]


@pytest.mark.parametrize(("arguments", "pattern"), FLAGS, ids=[" ".join(a)[:60] or "nothing" for a, _ in FLAGS])
def test_a_wrong_command_line(run_script, refused, configs, tmp_path, arguments, pattern):
    refused(run_script("train", *(word.format(configs=configs) for word in arguments)), pattern, tmp_path)


@pytest.mark.parametrize("value", [[], ["True"], ["=True"]], ids=["bare", "next", "equals"])
@pytest.mark.parametrize("old", RENAMED)
def test_every_form_of_a_renamed_flag_is_answered_with_the_new_one(configs, old, value):
    section, _, field = old.rpartition(".")
    before = f"{section}." if section else ""
    for form in (old, f"{before}no_{field}", f"no_{old}"):
        for flag in {f"--{form}", f"--{form.replace('_', '-')}"}:
            words = [flag + value[0]] if value == ["=True"] else [flag, *value]
            with pytest.raises(UserError) as refusal:
                configured([str(configs / "traffic_profile.py"), *words], "")
            assert str(refusal.value) == f"{flag} is called --{RENAMED[old].replace('_', '-')} now"


GOOD = np.zeros((40, 28, 28), np.uint8)
DATA = {
    "missing labels": (
        lambda p: folder(p / "d", train_labels_idx1_ubyte=None),
        "train-labels-idx1-ubyte.gz is missing",
    ),
    "truncated": (lambda p: folder(p / "d", train_images_idx3_ubyte=idx(GOOD)[:-1]), "truncated: 1 bytes"),
    "wrong magic": (lambda p: folder(p / "d", train_images_idx3_ubyte=b"\0\0\x0d\3" + idx(GOOD)[4:]), "magic number"),
    "counts differ": (lambda p: folder(p / "d", labels=np.zeros(39, np.uint8)), "40 images but .* 39 labels"),
    "empty class": (lambda p: folder(p / "d", labels=(2 * (np.arange(40) % 2)).astype(np.uint8)), "class 1 is empty"),
    "no files": (lambda p: (p / "d").mkdir() or p / "d", "no train-images"),
    "label too high": (
        lambda p: keras(p / "d.npz", x_test=GOOD, y_test=np.arange(40) % 3),
        "test label 2 is out of range",
    ),
    "negative label": (lambda p: keras(p / "d.npz", y_train=np.arange(40) % 2 - 1), "label -1 is out of range"),
    "not finite": (lambda p: keras(p / "d.npz", x_train=np.full((40, 28, 28), np.nan)), "not finite"),
    "twice the same class": (
        lambda p: keras(p / "d.npz", classes=np.array(["a", "a"])),
        "two classes are called 'a'",
    ),
    "pickled": (lambda p: keras(p / "d.npz", x_train=np.array([{}] * 40, object)), "pickled"),
    "pickled beside": (lambda p: keras(p / "d.npz", more=np.array([{}], object)), "more holds pickled objects"),
    "no zip": (lambda p: (p / "d.npz").write_bytes(b"hello") and p / "d.npz", "no zip archive"),
    "too small": (lambda p: keras(p / "d.npz", x_train=np.zeros((40, 9, 9), np.uint8)), "smaller than the net needs"),
}


@pytest.mark.parametrize("case", DATA)
def test_data_that_is_not_sound(run_script, refused, configs, tmp_path, case):
    make, pattern = DATA[case]
    source = make(tmp_path)
    refused(run_script("train", configs / "mnist_cnn.py", "--data.source", source), pattern, tmp_path)


MADE = "from research.config import *\ndef get_config(): return ImageExperiment(name='x', "
NET = "from research.config.layers import *\n" + MADE + "model=Net("


def test_a_configuration_of_lists_and_mappings_is_one_of_tuples_and_sections(tmp_path):
    (tmp_path / "config.py").write_text(MADE + 'model=ConvNet(channels=[8, 8]), train={"epochs": 3})')
    found = load(str(tmp_path / "config.py"))
    assert found == ImageExperiment(name="x", model=ConvNet(channels=(8, 8)), train=Training(epochs=3))


def test_a_configuration_that_fails_or_is_none(run_script, refused, tmp_path):
    for text, pattern in (
        ("x = (", "SyntaxError"),
        (MADE + "model=ConvNet(hidden=8))", r"model\.hidden: .* in Python a tuple, of one value \(VALUE,\) \(got 8\)"),
        (NET + '("conv",)))', r"model\.layers\.0: .* in Python a call such as Conv\(8\)"),
        (NET + '(Residual((Conv(1), "relu")),)))', r"model\.layers\.0\.layers\.1: .* \(got 'relu'\)"),
        ("", "get_config"),
        ("def get_config(): return 3", "returns int"),
        ("import sys; sys.exit(0)", "SystemExit"),
        (MADE + 'seeds="2")', "config.py: configuration field seeds: Input should be a valid integer"),
        (MADE + 'train={"epochs": -3})', "config.py: configuration field train.epochs: Input should be greater"),
        (MADE + 'data=ImageData(train_limit=0.5, source=("a", {1}))', "config.py"),
    ):
        (tmp_path / "config.py").write_text(text)
        refused(run_script("train", tmp_path / "config.py"), pattern, tmp_path)


@pytest.mark.parametrize(
    "text",
    ['{"name": "a", "colour": 1}', '{"name": "a", "seed": "1"}', "[]", '{"name": "a", "model": {"kind": "x"}}', "{"],
)
def test_a_config_json_that_is_none(run_script, refused, tmp_path, text):
    (tmp_path / "c.json").write_text(text)
    refused(
        run_script("train", "--config-json", tmp_path / "c.json"),
        "c.json(: configuration field| is not valid JSON)",
        tmp_path,
    )


@pytest.mark.parametrize(
    ("name", "arguments", "pattern"),
    [
        ("evaluate", ["nowhere"], "nowhere is not a run directory"),
        ("evaluate", ["nowhere.py"], r"nowhere\.py is not a run directory \(there is nothing there\)"),
        ("evaluate", ["{configs}/digits_cnn.py"], r"train it with scripts/train\.py .*digits_cnn\.py"),
        ("evaluate", [], "RUN|run"),
        ("predict", ["nowhere", "a.png"], "nowhere is not a run directory"),
        ("predict", ["nowhere"], "inputs|INPUT"),
        ("compare", ["{configs}/digits_cnn.py"], "two configurations"),
        ("compare", ["{configs}/digits_cnn.py", "{configs}/digits_dense.py", "--seedz", "3"], "--seedz"),
        ("prepare", ["mnits"], "did you mean mnist"),
        ("prepare", [], "dataset|DATASET"),
        ("convolution", ["nowhere.png"], "no picture nowhere.png"),
        ("convolution", ["--out", "notes.md"], "notes.md does not end in .png"),
        ("compare", ["--out", "x", "{configs}/digits_cnn.py", "{configs}/digits_dense.py"], "--out takes one folder"),
        ("convolution", ["--kernel", "sobel"], "no kernel 'sobel'"),
        ("convolution", ["--bias", "nan"], "no finite number"),
        ("convolution", ["--bias", "1e39"], "bias: Input should be less than or equal to 1000000"),
        ("convolution", ["--kernel", "random", "--size", "0"], "size: Input should be greater than or equal to 1"),
        ("convolution", ["--kernel", "random", "--size", "999999"], "size: Input should be less than or equal to 15"),
        ("convolution", ["--kernel", "random", "--seed", "-1"], "seed: Input should be greater than or equal to 0"),
        ("compare", ["{configs}/digits_cnn.py", "{configs}/digits_dense.py", "--run-dir", "x"], "leave away --run-dir"),
        ("convolution", ["--chip", "7", "0"], "corners go from 0,0 to 5,5"),
    ],
)
def test_the_other_commands(run_script, refused, configs, tmp_path, name, arguments, pattern):
    refused(run_script(name, *(word.format(configs=configs) for word in arguments)), pattern, tmp_path)


@pytest.mark.parametrize("command", ["kill", "amid_an_import", "amid_flags"])
def test_a_command_that_is_terminated_says_so(root, tmp_path, command):
    (tmp_path / "killing.py").write_text(
        "import os, signal\ntry: os.kill(os.getpid(), signal.SIGTERM)\nexcept BaseException: pass\n"
    )
    stub = f"""
import os, signal, sys
from research import command_line
sys.path.append({str(tmp_path)!r})

def kill(*arguments, **more):
    os.kill(os.getpid(), signal.SIGTERM)

def amid_an_import(arguments):
    import killing

def amid_flags(arguments):
    command_line.tyro.cli = kill
    command_line.parse(int, ["3"])

raise SystemExit(command_line.run({command}))"""
    done = subprocess.run([sys.executable, "-c", stub], cwd=root, capture_output=True, text=True)
    assert done.returncode == 75 and done.stderr.endswith(": terminated, and nothing is half-written; run it again\n")
