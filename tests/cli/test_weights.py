"""The command `weights.py`, on files of VGG16's real shapes."""

import hashlib
import json
import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from research.cli import weights as cli
from research.cli.weights import weights
from research.cli.weights_leaves import leaf_shapes
from research.command_line import run
from research.weights.load import load_weights


@pytest.fixture
def real(tmp_path, write_legacy):
    """A file of VGG16 without its top, as Keras publishes it, with numbers of our own."""
    leaves = {
        name: np.linspace(-1 - number, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)
        for number, (name, shape) in enumerate(leaf_shapes("vgg16").items())
    }
    return write_legacy(tmp_path / "vgg16.h5", leaves), leaves


@pytest.mark.slow
def test_the_leaves_are_those_of_the_published_nets():
    counts = {
        14_714_688: leaf_shapes("vgg16"),
        138_357_544: leaf_shapes("vgg16", include_top=True),
        722_496: leaf_shapes("squeezenet"),
    }
    for count, shapes in counts.items():
        assert sum(int(np.prod(shape)) for shape in shapes.values()) == count
    assert leaf_shapes("vgg16", include_top=True, classes=2)["predictions/kernel"] == (4096, 2)


def test_inspect_shows_the_way_of_every_array_in_80_columns(real, capsys):
    assert weights(["inspect", str(real[0])]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert "layout Keras, legacy" in text and "preprocessing caffe" in text and "fits: 26 of 26 leaves" in text
    assert all(name in text for name in real[1])


@pytest.mark.slow
def test_inspect_shows_changes_and_all_that_is_wrong(tmp_path, thin, to_torch, torch_zip, capsys):
    state = to_torch(thin(top=True))
    del state["features.2.bias"]
    state["features.99.weight"] = np.ones((2, 2), "f4")
    assert weights(["inspect", str(torch_zip(tmp_path / "w.pth", state))]) == 2
    lines = capsys.readouterr().out.splitlines()
    row = next(line.split() for line in lines if line.startswith("classifier.0.weight"))
    assert row == ["classifier.0.weight", "3x25088", "fc1/kernel", "25088x3", "HWC", "flatten"]
    text = " ".join(lines)
    assert "OIHW > HWIO" in text and "transposed" in text and "does not fit" in text
    assert "missing: block1_conv2/bias" in text and "extra: features.99.weight" in text
    assert "fc1/kernel is 25088x3, not 25088x4096" in text and max(map(len, lines)) <= 80


@pytest.mark.slow
def test_import_export_import_is_bit_equal(tmp_path, real, capsys):
    path, leaves = real
    assert weights(["import", str(path), str(tmp_path / "one.safetensors")]) == 0
    assert weights(["export", str(tmp_path / "one.safetensors"), str(tmp_path / "back.h5")]) == 0
    assert weights(["import", str(tmp_path / "back.h5"), str(tmp_path / "two.safetensors")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == lines[4] and lines[1].startswith("fingerprint ")
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()
    loaded = load_weights(tmp_path / "two.safetensors", leaf_shapes("vgg16"), "vgg16")
    assert all(np.array_equal(loaded.leaves[name], leaf) for name, leaf in leaves.items())
    source = json.loads((tmp_path / "one.json").read_text())["source"]
    assert source == {"file": "vgg16.h5", "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def test_leaves_that_do_not_fit_are_not_counted_as_fitting(tmp_path, thin, write_legacy, capsys):
    assert weights(["inspect", str(write_legacy(tmp_path / "thin.h5", thin()))]) == 2
    text = capsys.readouterr().out
    misshapen = len(re.findall(r"\bnot\b", text.partition("of another shape: ")[2].partition("does not fit")[0]))
    assert misshapen and f"does not fit: {26 - misshapen} of 26 leaves" in text


@pytest.mark.slow
def test_a_published_name_with_other_bytes_is_refused_where_weights_are_used(tmp_path, real, refusal, capsys):
    path = tmp_path / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    path.write_bytes(real[0].read_bytes())
    torch = tmp_path / "squeezenet1_1-b8a52dc0.pth"
    torch.write_bytes(real[0].read_bytes())
    for file, words in ((path, "its md5 is"), (torch, "b8a52dc0")):
        for action in ("import", "export"):
            with refusal(words, "download it again"):
                weights([action, str(file), str(tmp_path / "out.safetensors")])
        with refusal(words, "download it again"):
            load_weights(file, leaf_shapes("vgg16"), "vgg16")
        assert weights(["inspect", str(file)]) == 0 and "NOT that file" in " ".join(capsys.readouterr().out.split())
    assert not (tmp_path / "out.safetensors").exists()


def test_nothing_is_written_of_a_file_that_does_not_fit(tmp_path, thin, write_legacy, refusal):
    path = write_legacy(tmp_path / "thin.h5", thin())
    with refusal("thin.h5 does not fit vgg16", "block1_conv1/kernel is 3x3x3x4, not 3x3x3x64"):
        weights(["import", str(path), str(tmp_path / "w.safetensors")])
    assert [file.name for file in tmp_path.iterdir()] == ["thin.h5"]


def test_mistakes_are_one_line_with_the_right_name(tmp_path, real, refusal, monkeypatch, capsys):
    with refusal("no action inpsect; did you mean inspect?"):
        weights(["inpsect", "x"])
    with refusal("--partail", "did you mean --partial?"):
        weights(["inspect", "x", "--partail"])
    with refusal("DESTINATION is missing"):
        weights(["import", str(real[0])])
    with refusal("NAME.safetensors", "w.h5"):
        weights(["import", str(real[0]), str(tmp_path / "w.h5")])
    monkeypatch.setattr("sys.argv", ["weights.py", "inspect", "absent.h5"])
    assert run(weights) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "absent.h5" in said
    assert weights([]) == weights(["--help"]) == 0 and "inspect FILE" in capsys.readouterr().out


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def served(tmp_path):
    """A folder, and the URL under which it is served."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_fetch_brings_the_published_bytes_and_no_others(tmp_path, served, monkeypatch, capsys, refusal):
    folder, url = served
    content = bytes(range(256)) * 1000
    for name in ("VGG16_NOTOP", "VGG16_TOP"):
        file = getattr(cli, name)._replace(md5=hashlib.md5(content).hexdigest())
        monkeypatch.setattr(cli, name, file)
        (folder / file.name).write_bytes(content)
    root = ["--data.root", str(tmp_path / "data"), "--mirror", url]
    assert weights(["fetch", "vgg16", *root]) == 0 and weights(["fetch", "vgg16", "--top", *root]) == 0
    for name in (cli.VGG16_NOTOP.name, cli.VGG16_TOP.name):
        assert (tmp_path / "data" / "weights" / name).read_bytes() == content
        assert name in capsys.readouterr().out or name == cli.VGG16_TOP.name
    (folder / cli.VGG16_NOTOP.name).write_bytes(content[:-1] + b"?")
    with refusal("md5 is", cli.VGG16_NOTOP.md5):
        weights(["fetch", "vgg16", "--data.root", str(tmp_path / "other"), "--mirror", url])
    assert not list((tmp_path / "other").rglob("*.h5"))


def test_the_published_files_are_those_of_keras():
    assert cli.VGG16_NOTOP[:2] == (
        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "6d6bbae143d832006294945121d1f1fc",
    )
    assert cli.VGG16_TOP[:2] == ("vgg16_weights_tf_dim_ordering_tf_kernels.h5", "64373286793e3c8b2b4e3219cbf3544b")


BASE = """
import flax.linen as nn
from research.config import Custom, ImageExperiment, PretrainedNet

class Base(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.BatchNorm(use_running_average=True, name="bn")(nn.Conv(2, (1, 1), name="conv")(x))

def get_config():
    return ImageExperiment(name="own", model=PretrainedNet(base=Custom(__file__ + ":Base"), weights="w.npz"))
"""


def test_a_file_is_compared_with_a_base_of_ones_own(run_script, refused, root, tmp_path):
    (tmp_path / "own.py").write_text(BASE)
    names = ("conv.bias", "params/bn/scale", "bn/bias", "batch_stats/bn/mean", "batch_stats.bn.var")
    arrays = {"conv/kernel": np.ones((1, 1, 3, 2), np.float32)} | dict.fromkeys(names, np.ones(2, np.float32))
    file = tmp_path / "w.npz"
    np.savez(file, **arrays)
    code, out, _ = run_script("weights", "inspect", file, "--base", tmp_path / "own.py")
    assert code == 0 and "own.py:Base" in out and "fits: 6 of 6 leaves" in out
    np.savez(file, **{name: array for name, array in arrays.items() if name != "bn/bias"}, **{"bn.offset": np.ones(2)})
    code, out, _ = run_script("weights", "inspect", file, "--base", tmp_path / "own.py")
    assert code == 2 and "missing: bn/bias" in out and "extra: bn/offset" in out and "fits: 6" not in out
    wrong = ("inspect", file, "--base", root / "configs/digits_cnn.py")
    refused(run_script("weights", *wrong), r"digits_cnn\.py has no base of your own", tmp_path)
