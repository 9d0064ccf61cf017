"""Every kind of file gives the same numbers, to the bit, whatever its name and its order of layers."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from research.weights.load import load_weights
from research.weights.weight_file import read


def same(loaded, leaves):
    assert list(loaded.leaves) == list(leaves)
    for name, leaf in leaves.items():
        assert loaded.leaves[name].dtype == np.float32 and np.array_equal(loaded.leaves[name], leaf), name


@pytest.mark.parametrize("style", ["published", "tf.keras", "whole"])
@pytest.mark.parametrize("top", [False, True])
def test_keras_legacy(tmp_path, thin, wanted, write_legacy, style, top):
    leaves = thin(top)
    loaded = load_weights(write_legacy(tmp_path / "any.bin", leaves, style), wanted(leaves), "vgg16")
    same(loaded, leaves)
    assert loaded.convention == "caffe"


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("name", ["w.weights.h5", "w.keras"])
def test_keras_3_takes_the_eleventh_convolution_for_the_eleventh(tmp_path, thin, wanted, write_keras3, name, named):
    leaves = thin(top=True)  # conv2d_10 comes before conv2d_2 in the file, in the same shape
    path = write_keras3(tmp_path / name, leaves, named)
    assert list(read(path).arrays)[4] == "layers/conv2d_10/vars/0"
    loaded = load_weights(path, wanted(leaves), "vgg16")
    same(loaded, leaves)
    assert loaded.convention == "caffe"


def listed_backwards(leaves):
    """The layers of a functional VGG16, the last one first."""
    settings = {"activation": "relu", "padding": "same"}
    listed, before = [("InputLayer", {"name": "in"}, [])], "in"
    for name in dict.fromkeys(leaf.split("/")[0] for leaf in leaves):
        if name.endswith("conv1") and before != "in":
            listed.append(("MaxPooling2D", {"name": f"to_{name}"}, [[[before, 0, 0]]]))
            before = f"to_{name}"
        listed.append(("Conv2D", {"name": name} | settings, [[[before, 0, 0]]]))
        before = name
    layers = [{"class_name": kind, "config": config, "inbound_nodes": read} for kind, config, read in reversed(listed)]
    return {"layers": layers, "input_layers": ["in", 0, 0], "output_layers": [before, 0, 0]}


def test_keras_3_names_go_before_numbers(tmp_path, thin, wanted, write_keras3):
    leaves = thin()
    shuffled = dict(sorted(leaves.items(), reverse=True))
    same(load_weights(write_keras3(tmp_path / "w.weights.h5", shuffled), wanted(leaves), "vgg16"), leaves)
    path = write_keras3(tmp_path / "w.keras", shuffled, named=False, config=listed_backwards(leaves))
    same(load_weights(path, wanted(leaves), "vgg16"), leaves)


@pytest.mark.parametrize("top", [False, True])
def test_torchvision_new_and_old(tmp_path, thin, wanted, to_torch, torch_zip, torch_old, top):
    leaves = thin(top)
    state = to_torch(leaves)
    new = load_weights(torch_zip(tmp_path / "new.pth", state), wanted(leaves), "vgg16")
    old = load_weights(torch_old(tmp_path / "old.pth", state), wanted(leaves), "vgg16")
    same(new, leaves)
    same(old, leaves)
    assert new.convention == old.convention == "torch" and new.fingerprint == old.fingerprint


def test_fc1_meets_the_pixel_that_torch_meant(tmp_path, thin, wanted, to_torch, torch_zip):
    """The feature (row 2, column 5, channel 300) is number 300*49 + 2*7 + 5 for torch, (2*7 + 5)*512 + 300 for us."""
    leaves = thin(top=True)
    state = to_torch(leaves)
    state["classifier.0.weight"][:] = 0
    state["classifier.0.weight"][1, 300 * 49 + 2 * 7 + 5] = 1
    kernel = load_weights(torch_zip(tmp_path / "w.pth", state), wanted(leaves), "vgg16").leaves["fc1/kernel"]
    features = np.zeros((7, 7, 512), np.float32)
    features[2, 5, 300] = 1
    assert np.array_equal(features.reshape(-1) @ kernel, [0, 1, 0]) and kernel.sum() == 1


def test_timm_safetensors(tmp_path, thin, wanted, to_torch):
    leaves = thin(top=True)
    state = to_torch(leaves)
    for old, new in (
        ("classifier.0", "pre_logits.fc1"),
        ("classifier.3", "pre_logits.fc2"),
        ("classifier.6", "head.fc"),
    ):
        for part in ("weight", "bias"):
            state[f"{new}.{part}"] = state.pop(f"{old}.{part}")
    state["pre_logits.fc1.weight"] = state["pre_logits.fc1.weight"].reshape(-1, 512, 7, 7)
    state["pre_logits.fc2.weight"] = state["pre_logits.fc2.weight"].reshape(3, 3, 1, 1)
    save_file(state, tmp_path / "model.safetensors")
    loaded = load_weights(tmp_path / "model.safetensors", wanted(leaves), "vgg16")
    same(loaded, leaves)
    assert loaded.convention == "torch"


def test_npz_under_our_names(tmp_path, thin_squeezenet, wanted):
    np.savez(tmp_path / "w.npz", **thin_squeezenet)
    same(load_weights(tmp_path / "w.npz", wanted(thin_squeezenet), "squeezenet"), thin_squeezenet)


def test_torchvision_squeezenet_without_its_classifier(tmp_path, thin_squeezenet, wanted, torch_zip):
    positions = {2: 3, 3: 4, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11, 9: 12}
    state = {"classifier.1.weight": np.ones((5, 4, 1, 1), "f4"), "classifier.1.bias": np.ones(5, "f4")}
    for leaf, array in thin_squeezenet.items():
        layer, part = leaf.rsplit("/", 1)
        fire, _, convolution = layer.partition("/")
        name = (
            f"features.{positions[int(fire[4:])]}.{convolution.replace('squeeze1x1', 'squeeze')}"
            if convolution
            else "features.0"
        )
        state[f"{name}.{'weight' if part == 'kernel' else 'bias'}"] = np.ascontiguousarray(
            array.transpose(3, 2, 0, 1) if part == "kernel" else array
        )
    path = torch_zip(tmp_path / "s.pth", state)
    same(load_weights(path, wanted(thin_squeezenet), "squeezenet"), thin_squeezenet)


def test_half_precision_and_views_are_read_as_what_they_are(tmp_path, thin, wanted, to_torch, torch_zip):
    leaves = {name: leaf.astype(np.float16).astype(np.float32) for name, leaf in thin().items()}
    state = {name: array.astype(np.float16) for name, array in to_torch(leaves).items()}
    same(load_weights(torch_zip(tmp_path / "half.pth", state), wanted(leaves), "vgg16"), leaves)
    bits = {name: leaf.view(np.uint32) & 0xFFFF0000 for name, leaf in thin().items()}
    rounded = {name: array.view(np.float32) for name, array in bits.items()}
    (tmp_path / "b.safetensors").write_bytes(_bfloat16_file({name: array >> 16 for name, array in bits.items()}))
    same(load_weights(tmp_path / "b.safetensors", wanted(leaves), "vgg16"), rounded)


def test_a_top_that_is_not_wanted_is_left_and_the_kind_does_not_change_the_fingerprint(
    tmp_path, thin, wanted, write_legacy, write_keras3
):
    leaves = thin(top=True)
    base = {name: leaf for name, leaf in leaves.items() if name.startswith("block")}
    first = load_weights(write_legacy(tmp_path / "a.h5", leaves), wanted(base), "vgg16")
    second = load_weights(write_keras3(tmp_path / "b.weights.h5", base), wanted(base), "vgg16")
    same(first, base)
    assert first.fingerprint == second.fingerprint
    base["block1_conv1/bias"] = base["block1_conv1/bias"] + np.float32(1e-6)
    np.savez(tmp_path / "c.npz", **base)
    assert load_weights(tmp_path / "c.npz", wanted(base), "vgg16").fingerprint != first.fingerprint


def test_digests_are_those_of_the_file(tmp_path, thin):
    import hashlib

    np.savez(tmp_path / "w.npz", **thin())
    file, content = read(tmp_path / "w.npz"), (tmp_path / "w.npz").read_bytes()
    assert (file.sha256, file.md5) == (hashlib.sha256(content).hexdigest(), hashlib.md5(content).hexdigest())


def _bfloat16_file(arrays):
    import json
    import struct

    header, data = {}, b""
    for name, array in arrays.items():
        end = len(data) + 2 * array.size
        header[name] = {"dtype": "BF16", "shape": list(array.shape), "data_offsets": [len(data), end]}
        data += array.astype("<u2").tobytes()
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    return struct.pack("<Q", len(head)) + head + data
