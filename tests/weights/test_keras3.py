"""Files that real Keras 3 wrote (golden/make_pictures.py): the user's names decide, and nothing is passed over."""

import zipfile

import h5py
import numpy as np
import pytest

from research.weights.load import forecaster_leaves, load_weights
from research.weights.mapping import plan_conversion
from research.weights.weight_file import read


def rounded(leaves):
    """As bfloat16 holds them: to the nearest, ties to even."""
    import ml_dtypes

    return {name: leaf.astype(ml_dtypes.bfloat16).astype(np.float32) for name, leaf in leaves.items()}


def same(found, leaves):
    assert all(np.array_equal(found[name], leaf) and found[name].dtype == np.float32 for name, leaf in leaves.items())


def test_the_names_decide_where_layers_were_made_in_another_order(keras_file, keras_leaves, wanted):
    """By the paths' numbers, Keras itself gives 10 of 13 layers another's kernel, and says nothing."""
    path = keras_file("reversed.weights.h5")
    with h5py.File(path) as file:
        assert file["layers/conv2d/vars"].attrs["name"] == "block5_conv3"
    same(load_weights(path, wanted(keras_leaves), "vgg16").leaves, keras_leaves)


@pytest.mark.parametrize("name", ["bfloat16.weights.h5", "bfloat16.h5"])
def test_bfloat16_is_read(keras_file, keras_leaves, wanted, name):
    found = load_weights(keras_file(name), wanted(keras_leaves), "vgg16").leaves
    same(found, rounded(keras_leaves))
    assert not np.array_equal(found["block1_conv1/kernel"], keras_leaves["block1_conv1/kernel"])


def test_bfloat16_in_an_npz_is_read(tmp_path, keras_leaves, wanted):
    """numpy writes the type of ml_dtypes, which JAX and TensorFlow use, as raw V2."""
    import ml_dtypes

    np.savez(tmp_path / "w.npz", **{name: leaf.astype(ml_dtypes.bfloat16) for name, leaf in keras_leaves.items()})
    same(load_weights(tmp_path / "w.npz", wanted(keras_leaves), "vgg16").leaves, rounded(keras_leaves))


def test_a_layer_beside_the_numbered_ones_is_left_over(keras_file, keras_leaves, wanted, refusal, tmp_path):
    path = keras_file("reversed.weights.h5")
    with h5py.File(path, "a") as file:
        file.create_group("extra/vars")["0"] = np.ones((4, 3), "f4")
        file["extra/vars"].attrs["name"] = "extra"
        file["vars/0"] = np.ones(2, "f4")
    with refusal("extra: vars/0, extra/vars/0"):
        load_weights(path, wanted(keras_leaves), "vgg16")


def test_a_variable_of_the_model_itself_is_left_over_in_a_legacy_file(keras_file, keras_leaves, wanted, refusal):
    path = keras_file("bfloat16.h5")
    with h5py.File(path, "a") as file:
        group = file["model_weights/top_level_model_weights"]
        group["extra"] = np.ones((4, 3), "f4")
        group.attrs["weight_names"] = ["extra"]
    with refusal("extra: top_level_model_weights/extra"):
        load_weights(path, wanted(keras_leaves), "vgg16")


def test_the_state_of_training_is_no_layer(keras_file, keras_leaves, wanted):
    path = keras_file("reversed.weights.h5")
    with h5py.File(path, "a") as file:
        for group in ("optimizer/vars", "metrics/mean/vars", "layers/dropout/seed_generator/vars"):
            file.create_group(group)["0"] = np.ones(2, "f4")
    same(load_weights(path, wanted(keras_leaves), "vgg16").leaves, keras_leaves)


def test_a_forecaster_with_a_layer_beside_it_is_refused(tmp_path, refusal):
    with h5py.File(tmp_path / "w.weights.h5", "w") as file:
        cell, dense = file.create_group("layers/lstm/cell/vars"), file.create_group("layers/dense/vars")
        for number, shape in enumerate([(3, 16), (4, 16), (16,)]):
            cell[str(number)] = np.ones(shape, "f4")
        dense["0"], dense["1"] = np.ones((4, 6), "f4"), np.ones(6, "f4")
        file.create_group("extra/vars")["0"] = np.ones((4, 3), "f4")
    with refusal("extra: extra/vars/0"):
        forecaster_leaves(tmp_path / "w.weights.h5")


@pytest.mark.parametrize("legacy", [False, True])
def test_both_ways_of_a_bidirectional_are_not_two_layers_in_a_row(tmp_path, refusal, legacy):
    """With merge_mode="sum" and as many units as inputs they chain."""
    parts = {"kernel": (4, 16), "recurrent_kernel": (4, 16), "bias": (16,)}
    head = {"kernel": (4, 6), "bias": (6,)}
    if legacy:
        names = [f"{way}_lstm/lstm_cell/{part}:0" for way in ("forward", "backward") for part in parts]
        shapes = {f"bidirectional/{name}": parts[name.split("/")[-1][:-2]] for name in names}
        shapes |= {f"dense/{part}:0": shape for part, shape in head.items()}
    else:
        ways = [f"layers/bidirectional/{way}_layer/cell/vars" for way in ("forward", "backward")]
        shapes = {f"{way}/{number}": shape for way in ways for number, shape in enumerate(parts.values())}
        shapes |= {f"layers/dense/vars/{number}": shape for number, shape in enumerate(head.values())}
    path = tmp_path / "w.weights.h5"
    with h5py.File(path, "w") as file:
        for name, shape in shapes.items():
            file[name] = np.ones(shape, "f4")
        if legacy:
            file.attrs["layer_names"] = ["bidirectional", "dense"]
            for layer in ("bidirectional", "dense"):
                inside = [name.partition("/")[2] for name in shapes if name.startswith(layer)]
                file[layer].attrs["weight_names"] = inside
    with refusal("w.weights.h5"):
        forecaster_leaves(path)


def test_a_head_without_a_name_is_not_numbered_among_the_layers_of_the_net(keras_file):
    for name in ("head.weights.h5", "sequential.weights.h5", "sequential.keras", "backbone.weights.h5"):
        plan = plan_conversion(read(keras_file(name)), "vgg16")
        known = {step.name: step.leaf for step in plan.steps if "dense" in step.name}
        assert known and set(known.values()) == {None}, name


def test_a_net_inside_a_net_is_found_without_names(keras_file, keras_leaves):
    """TensorFlow's Keras writes no names; those of a .keras file are in its config.json."""
    path = keras_file("sequential.weights.h5")
    with h5py.File(path, "a") as file:
        file.visititems(lambda _, item: item.attrs.pop("name", None) and None)
    file = read(path)
    assert not file.aliases and len(file.arrays) == len(keras_leaves) + 2
    found = plan_conversion(file, "vgg16").leaves
    same({name: found[name].after for name in keras_leaves}, keras_leaves)


def test_a_keras_file_whose_configuration_is_cut_is_damaged(keras_file, refusal):
    path = keras_file("sequential.keras")
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = members["config.json"][:100]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with refusal("damaged", "config.json"):
        read(path)


def test_numbers_of_a_type_that_is_not_read_are_said_so(tmp_path, refusal):
    with h5py.File(tmp_path / "w.weights.h5", "w") as file:
        file.create_group("layers/conv2d/vars")["0"] = np.zeros(3, "V1")
    with refusal("w.weights.h5", "|V1", "float32"):
        read(tmp_path / "w.weights.h5")
