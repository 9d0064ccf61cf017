"""A net that the user fine-tuned as a base: the head is known as one, and left out where that is asked for."""

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file

from research.cli.weights import weights
from research.weights.conversion import convert, head_of
from research.weights.load import load_weights
from research.weights.mapping import plan_conversion
from research.weights.weight_file import read

HEAD = {"dense/kernel": np.ones((4, 2), "f4"), "dense/bias": np.ones(2, "f4")}
NESTED = ["sequential.weights.h5", "sequential.keras", "sequential.h5", "head.h5", "backbone.weights.h5"]
NESTED += ["before.keras", "old_before.h5"]


def ported(path, leaves, **asked):
    shapes = {name: leaf.shape for name, leaf in leaves.items()}
    found = convert(plan_conversion(read(path), "vgg16"), shapes, **asked)
    assert all(np.array_equal(found[name], leaf) for name, leaf in leaves.items())


@pytest.mark.parametrize("name", NESTED)
def test_what_real_keras_saved_with_a_head_is_a_base(keras_file, keras_leaves, wanted, refusal, name):
    path = keras_file(name)
    ported(path, keras_leaves, drop_top=True)
    ported(path, keras_leaves, drop_top=True, partial=True)
    with refusal("extra: ", "dense", "a head of its own", "--drop-top"):
        load_weights(path, wanted(keras_leaves), "vgg16")


def test_a_head_on_a_flat_net_of_numbers_alone_is_left_out_but_for_what_could_be_in_the_net(
    keras_file, keras_leaves, refusal
):
    """Nothing in a .weights.h5 says whether a batch normalization is in the head."""
    path = keras_file("head.weights.h5")
    assert {name.split("/")[1] for name in head_of(plan_conversion(read(path), "vgg16"))} == {"dense", "dense_1"}
    with refusal("extra: layers/batch_normalization/vars/0"):
        ported(path, keras_leaves, drop_top=True)


def test_a_convolution_is_no_head(tmp_path, thin, write_legacy, refusal):
    leaves = thin()
    stem = {"stem/kernel": np.ones((3, 3, 1, 3), "f4"), "stem/bias": np.ones(3, "f4")}
    within = {f"vgg16/{name}": leaf for name, leaf in leaves.items()}
    path = write_legacy(tmp_path / "stem.h5", stem | within | HEAD, "whole")
    assert {name.split("/")[0] for name in head_of(plan_conversion(read(path), "vgg16"))} == {"dense"}
    with refusal("extra: stem/kernel:0, stem/bias:0"):
        ported(path, leaves, drop_top=True)


@pytest.mark.parametrize("prefix", ["", "backbone.", "net.base."])
def test_a_torch_net_with_a_head_of_its_own(tmp_path, thin, to_torch, torch_zip, wanted, refusal, prefix):
    leaves = thin()
    state = {f"{prefix}{name}": array for name, array in to_torch(leaves).items()}
    state |= {"classifier.0.weight": np.ones((2, 25088), "f4"), "classifier.0.bias": np.ones(2, "f4")}
    path = torch_zip(tmp_path / "w.pth", state | {"norm.weight": np.ones(2, "f4")})
    ported(path, leaves, drop_top=True)
    assert not any("fc1" in (step.leaf or "") for step in plan_conversion(read(path), "vgg16").steps)
    with refusal("extra: classifier.0.weight, classifier.0.bias, norm.weight", "--drop-top"):
        load_weights(path, wanted(leaves), "vgg16")


def test_a_head_in_the_numbers_of_a_file_without_names_is_no_fc1(tmp_path, thin, write_keras3, wanted, refusal):
    own = {"mine/kernel": np.ones((25088, 2), "f4"), "mine/bias": np.ones(2, "f4")}
    path = write_keras3(tmp_path / "own.weights.h5", thin() | own, named=False)
    ported(path, thin(), drop_top=True)
    with refusal("extra: layers/dense/vars/0, layers/dense/vars/1", "--drop-top"):
        load_weights(path, wanted(thin()), "vgg16")


def test_import_takes_the_base_and_says_what_it_left_out(tmp_path, keras_file, keras_leaves, monkeypatch, capsys):
    from research.cli import weights as cli

    shapes = {name: leaf.shape for name, leaf in keras_leaves.items()}
    monkeypatch.setattr(cli, "leaf_shapes", lambda *_, **__: shapes)
    path = keras_file("sequential.weights.h5")
    assert weights(["inspect", str(path)]) == 2
    assert "fc1" not in capsys.readouterr().out
    flags = ["--drop-top", "--partial"]
    assert weights(["inspect", str(path), *flags]) == 0
    assert "left out: layers/dense/vars/0, layers/dense/vars/1" in capsys.readouterr().out
    assert weights(["import", str(path), str(tmp_path / "base.safetensors"), *flags]) == 0
    loaded = load_weights(tmp_path / "base.safetensors", shapes, "vgg16").leaves
    assert all(np.array_equal(loaded[name], leaf) for name, leaf in keras_leaves.items())


@pytest.mark.parametrize("wrapper", ["_orig_mod.", "module.", "model.", "module._orig_mod.", "model.module."])
@pytest.mark.parametrize("kind", ["zip", "old", "safetensors", "npz"])
def test_what_a_wrapper_put_before_every_name_is_gone(
    tmp_path, thin, to_torch, wanted, torch_zip, torch_old, wrapper, kind
):
    leaves = thin()
    state = {f"{wrapper}{name}": array for name, array in to_torch(leaves).items()}
    path = tmp_path / f"w.{kind}"
    if kind == "safetensors":
        save_file(state, path)
    elif kind == "npz":
        with path.open("wb") as file:
            np.savez(file, **state)
    else:
        (torch_zip if kind == "zip" else torch_old)(path, state)
    assert next(iter(sorted(read(path).arrays))).startswith("features.")
    assert np.array_equal(
        load_weights(path, wanted(leaves), "vgg16").leaves["block1_conv1/kernel"], leaves["block1_conv1/kernel"]
    )


def test_a_prefix_of_some_names_is_a_name(tmp_path):
    np.savez(tmp_path / "w.npz", **{"model.a": np.ones(2), "other.b": np.ones(2)})
    assert list(read(tmp_path / "w.npz").arrays) == ["model.a", "other.b"]
    np.savez(tmp_path / "w.npz", **{"model.": np.ones(2)})
    assert list(read(tmp_path / "w.npz").arrays) == ["model."]


@pytest.mark.parametrize("layer", ["block3_conv1", "dense"])
def test_kernels_without_their_lora_deltas_are_refused_below_the_head(keras_file, keras_leaves, refusal, layer):
    path = keras_file("head.h5")
    with h5py.File(path, "a") as file:
        root = file["model_weights"]
        group = root[next(name for name in root if name.startswith(layer))]
        folder = str(group.attrs["weight_names"][0]).rpartition("/")[0]
        group[f"{folder}/lora_kernel_a"] = np.ones((1, 2), "f4")
        group.attrs["weight_names"] = [*group.attrs["weight_names"], f"{folder}/lora_kernel_a"]
    if layer == "dense":
        ported(path, keras_leaves, drop_top=True)
    else:
        with refusal("kernels without what LoRA has learned", layer):
            ported(path, keras_leaves, drop_top=True)
