"""Our own files are vouched for leaf by leaf; what goes out and comes back is the same to the bit."""

import json

import h5py
import numpy as np
import pytest

from research.weights.array_files import read_safetensors
from research.weights.export import export
from research.weights.load import fingerprint, load_weights
from research.weights.native_file import save_native, verified

SOURCE = {"file": "x.h5", "sha256": "00"}


@pytest.fixture
def saved(tmp_path, thin):
    return save_native(
        tmp_path / "net.safetensors", thin(top=True), architecture="vgg16", convention="torch", source=SOURCE
    )


def test_a_saved_file_comes_back_with_all_that_it_says(saved, thin, wanted):
    leaves, notes = read_safetensors(saved)
    manifest = verified(saved, leaves, notes)
    assert manifest["architecture"] == "vgg16" and manifest["convention"] == "torch" and manifest["include_top"]
    assert manifest["source"] == SOURCE and set(manifest["leaves"]) == set(leaves) == set(thin(top=True))
    assert manifest["leaves"]["fc2/bias"]["shape"] == [3] and manifest["leaves"]["fc2/bias"]["dtype"] == "float32"
    loaded = load_weights(saved, wanted(thin(top=True)), "vgg16")
    assert loaded.convention == "torch"
    for name, leaf in thin(top=True).items():
        assert np.array_equal(loaded.leaves[name], leaf)


def test_one_flipped_bit_is_found_and_its_leaf_named(saved, thin, wanted, refusal):
    content = bytearray(saved.read_bytes())
    start = content.find(thin(top=True)["block3_conv2/kernel"].tobytes())
    assert start > 0
    content[start + 5] ^= 1
    saved.write_bytes(content)
    with refusal("disagree about block3_conv2/kernel;", "import the weights again"):
        load_weights(saved, wanted(thin(top=True)), "vgg16")


def test_a_manifest_that_is_lost_broken_or_of_other_weights(saved, thin, wanted, refusal):
    manifest = saved.with_suffix(".json")
    sound = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(sound | {"convention": "caffe"}))
    with refusal("disagree about the convention"):
        load_weights(saved, wanted(thin(top=True)), "vgg16")
    del sound["leaves"]["fc1/bias"]
    manifest.write_text(json.dumps(sound))
    with refusal("disagree about fc1/bias"):
        load_weights(saved, wanted(thin(top=True)), "vgg16")
    manifest.write_text("[]")
    with refusal("is not a manifest"):
        load_weights(saved, wanted(thin(top=True)), "vgg16")
    manifest.unlink()
    with refusal("lost its manifest net.json"):
        load_weights(saved, wanted(thin(top=True)), "vgg16")


def test_ours_of_another_architecture(saved, thin_squeezenet, wanted, refusal):
    with refusal("another net: of vgg16, not of squeezenet"):
        load_weights(saved, wanted(thin_squeezenet), "squeezenet")


@pytest.mark.parametrize("suffix", [".h5", ".safetensors"])
@pytest.mark.parametrize("convention", ["caffe", "torch"])
def test_out_and_back_is_bit_equal(tmp_path, thin, thin_squeezenet, wanted, suffix, convention):
    awkward = thin(top=True)
    awkward["block1_conv1/bias"][:] = [-0.0, 1e-42, np.finfo(np.float32).max, 1 / 3]
    for architecture, leaves in (("vgg16", awkward), ("squeezenet", thin_squeezenet)):
        out = export(tmp_path / f"out{suffix}", leaves, architecture=architecture, convention=convention)
        first = load_weights(out, wanted(leaves), architecture)
        notes = {"architecture": architecture, "convention": first.convention}
        ours = save_native(tmp_path / "ours.safetensors", first.leaves, source=SOURCE, **notes)
        second = load_weights(ours, wanted(leaves), architecture)
        assert first.convention == second.convention == convention and first.fingerprint == second.fingerprint
        assert first.fingerprint != fingerprint(first.leaves, "torch" if convention == "caffe" else "caffe")
        for name, leaf in leaves.items():
            assert second.leaves[name].tobytes() == leaf.tobytes(), name


def test_the_h5_is_laid_out_as_keras_looks_for_it(tmp_path, thin):
    """keras.src.legacy.saving.legacy_h5_format: layer_names, then per layer weight_names, kernel before bias."""
    leaves = thin(top=True)
    with h5py.File(export(tmp_path / "w.h5", leaves, architecture="vgg16", convention="caffe")) as file:
        layers = list(file.attrs["layer_names"])
        assert layers == list(dict.fromkeys(leaf.split("/")[0] for leaf in leaves))
        for layer in layers:
            kernel, bias = (file[layer][name][()] for name in file[layer].attrs["weight_names"])
            assert np.array_equal(kernel, leaves[f"{layer}/kernel"]) and np.array_equal(bias, leaves[f"{layer}/bias"])


def test_names_that_are_not_for_us(tmp_path, thin, refusal):
    with refusal("NAME.safetensors", "w.npz"):
        save_native(tmp_path / "w.npz", thin(), architecture="vgg16", convention="caffe", source=SOURCE)
    for name in ("w.keras", "w.weights.h5"):
        with refusal("NAME.h5", name):
            export(tmp_path / name, thin(), architecture="vgg16", convention="caffe")
    assert not list(tmp_path.iterdir())


def test_the_same_leaves_give_the_same_bytes_and_the_package_reads_them(tmp_path, thin):
    from safetensors.numpy import load_file

    leaves, notes = thin(top=True), {"architecture": "vgg16", "convention": "caffe"}
    contents = {export(tmp_path / f"{turn}.safetensors", leaves, **notes).read_bytes() for turn in range(4)}
    assert len(contents) == 1
    loaded = load_file(tmp_path / "0.safetensors")
    assert set(loaded) == set(leaves) and all(np.array_equal(loaded[name], leaves[name]) for name in leaves)
    assert list(read_safetensors(tmp_path / "0.safetensors")[0]) == list(leaves)


def awkward(dtype):
    """Arrays that are not as they lie in memory: turned, strided, reversed, a single number, big-endian."""
    numbers = np.arange(24, dtype=np.float32).reshape(2, 3, 4).astype(dtype)
    arrays = {
        "turned": numbers.T,
        "strided": numbers[:, ::2, ::3],
        "reversed": numbers[::-1],
        "single": numbers[1, 1, 1],
    }
    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    return arrays | ({"big": numbers.astype(numbers.dtype.newbyteorder(">"))} if dtype in ("f4", "f2") else {})


@pytest.mark.parametrize("dtype", ["f4", "f2", "bfloat16"])
def test_every_array_is_written_in_its_own_order_and_type(tmp_path, dtype):
    """The package's own numpy front end scrambles the first three, and cannot read the last type."""
    import ml_dtypes
    from safetensors import safe_open

    leaves = awkward(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    path = save_native(tmp_path / "w.safetensors", leaves, architecture="vgg16", convention="caffe", source=SOURCE)
    arrays, notes = read_safetensors(path)
    verified(path, arrays, notes)
    for name, leaf in leaves.items():
        assert arrays[name].shape == leaf.shape and np.array_equal(arrays[name], leaf.astype(np.float32)), name
        assert arrays[name].dtype == ("f2" if dtype == "f2" else "f4")
    with safe_open(path, "numpy") as file:
        assert {file.get_slice(name).get_dtype() for name in leaves} == {{"f4": "F32", "f2": "F16"}.get(dtype, "BF16")}


@pytest.mark.parametrize("suffix", [".h5", ".safetensors"])
def test_bfloat16_comes_back_from_an_export(tmp_path, thin, wanted, suffix):
    import ml_dtypes

    leaves = {name: leaf.astype(ml_dtypes.bfloat16) for name, leaf in thin().items()}
    path = export(tmp_path / f"w{suffix}", leaves, architecture="vgg16", convention="caffe")
    found = load_weights(path, wanted(leaves), "vgg16").leaves
    assert all(np.array_equal(found[name], leaf.astype(np.float32)) for name, leaf in leaves.items())


def test_a_type_that_would_be_rounded_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="a is float64"):
        save_native(
            tmp_path / "w.safetensors", {"a": np.ones(2)}, architecture="vgg16", convention="caffe", source=SOURCE
        )
    assert not list(tmp_path.iterdir())
