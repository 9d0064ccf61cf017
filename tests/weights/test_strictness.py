"""A file that does not fit is refused with everything that is wrong, and a partial one is taken only when asked for."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from research.errors import UserError
from research.weights.load import load_weights
from research.weights.mapping import guess, plan_conversion
from research.weights.published import provenance
from research.weights.weight_file import read


def test_a_half_matching_file_lists_every_leaf(tmp_path, thin, wanted, refusal):
    leaves = thin()
    arrays = dict(leaves)
    del arrays["block2_conv1/bias"], arrays["block5_conv3/kernel"]
    arrays["block3_conv4/kernel"] = arrays["bn/gamma"] = np.ones(3, "f4")
    arrays["block1_conv1/kernel"] = np.ones((3, 3, 4, 4), "f4")
    arrays["block4_conv1/bias"] = np.full(4, np.nan, "f4")
    arrays["block4_conv2/bias"] = np.ones(4, int)
    np.savez(tmp_path / "w.npz", **arrays)
    with refusal(
        *("w.npz does not fit vgg16", "missing: block2_conv1/bias, block5_conv3/kernel;", "another net"),
        *("extra: block3_conv4/kernel, bn/gamma;", "block1_conv1/kernel is 3x3x4x4, not 3x3x3x4;"),
        *("not numbers: block4_conv1/bias (NaN or infinite), block4_conv2/bias (int64)",),
    ):
        load_weights(tmp_path / "w.npz", wanted(leaves), "vgg16")


def test_numbers_that_float32_cannot_hold_are_none(tmp_path, thin, wanted, refusal):
    leaves = thin()
    np.savez(tmp_path / "w.npz", **leaves | {"block1_conv1/bias": np.full(4, 1e200)})
    with refusal("not numbers: block1_conv1/bias (NaN or infinite)"):
        load_weights(tmp_path / "w.npz", wanted(leaves), "vgg16")


def test_a_head_of_ones_own_is_no_top_of_vgg16(tmp_path, thin, wanted, write_keras3, refusal):
    leaves = thin()
    own = leaves | {"mine/kernel": np.ones((512, 2), "f4"), "mine/bias": np.ones(2, "f4")}
    with refusal("extra: layers/dense/vars/0, layers/dense/vars/1"):
        load_weights(write_keras3(tmp_path / "own.weights.h5", own, named=False), wanted(leaves), "vgg16")


def test_layers_with_names_of_their_own_are_another_net(tmp_path, thin, wanted, write_keras3, refusal):
    leaves = {f"my_{name}": leaf for name, leaf in thin().items()}
    with refusal("holds weights of another net than vgg16"):
        load_weights(write_keras3(tmp_path / "my.weights.h5", leaves), wanted(thin()), "vgg16")


def test_a_net_within_a_net_is_found_in_a_legacy_file(tmp_path, thin, wanted, write_legacy, refusal):
    leaves = thin()
    within = {f"vgg16/{name}": leaf for name, leaf in leaves.items()}
    found = load_weights(write_legacy(tmp_path / "in.h5", within, "whole"), wanted(leaves), "vgg16")
    assert all(np.array_equal(found.leaves[name], leaf) for name, leaf in leaves.items())
    head = {"dense/kernel": np.ones((512, 2), "f4"), "dense/bias": np.ones(2, "f4")}
    with refusal("extra: dense/kernel:0, dense/bias:0"):
        load_weights(write_legacy(tmp_path / "head.h5", within | head, "whole"), wanted(leaves), "vgg16")


@pytest.mark.parametrize("partial", [False, True])
def test_any_single_leaf_of_another_shape_or_too_many_is_an_offence(tmp_path, thin, wanted, refusal, partial):
    leaves = thin()
    np.savez(tmp_path / "shape.npz", **leaves | {"block1_conv1/bias": np.ones(5, "f4")})
    with refusal("block1_conv1/bias is 5, not 4"):
        load_weights(tmp_path / "shape.npz", wanted(leaves), "vgg16", partial)
    np.savez(tmp_path / "extra.npz", **leaves, extra=np.ones(5, "f4"))
    with refusal("extra: extra"):
        load_weights(tmp_path / "extra.npz", wanted(leaves), "vgg16", partial)


def test_a_long_list_is_whole(tmp_path, thin, wanted, refusal):
    leaves = thin()
    np.savez(tmp_path / "w.npz", **{"block1_conv1/kernel": leaves["block1_conv1/kernel"]})
    missing = [name for name in leaves if name != "block1_conv1/kernel"]
    assert len(missing) == 25
    with refusal(*missing):
        load_weights(tmp_path / "w.npz", wanted(leaves), "vgg16")


def test_half_a_top_is_an_offence_and_a_top_of_other_classes_too(tmp_path, thin, wanted, write_legacy, refusal):
    leaves = thin(top=True)
    path = write_legacy(tmp_path / "w.h5", {name: leaf for name, leaf in leaves.items() if "fc2" not in name})
    with refusal("missing: fc2/kernel, fc2/bias"):
        load_weights(path, wanted(leaves), "vgg16")
    path = write_legacy(tmp_path / "all.h5", leaves)
    with refusal("predictions/kernel is 3x5, not 3x2", "predictions/bias is 5, not 2"):
        load_weights(path, wanted(leaves) | {"predictions/kernel": (3, 2), "predictions/bias": (2,)}, "vgg16")


def test_two_arrays_for_one_leaf(tmp_path, thin, wanted, refusal):
    leaves = thin()
    arrays = {name.replace("/kernel", "_W").replace("/bias", "_b"): leaf for name, leaf in leaves.items()}
    np.savez(tmp_path / "w.npz", **arrays, block1_conv1_b_q12=np.ones(4, np.int16))
    with refusal("twice: block1_conv1/bias (block1_conv1_b and block1_conv1_b_q12)"):
        load_weights(tmp_path / "w.npz", wanted(leaves), "vgg16")


def test_another_net_is_said_in_those_words(tmp_path, thin, thin_squeezenet, wanted, torch_zip, refusal):
    np.savez(tmp_path / "s.npz", **thin_squeezenet)
    with refusal("weights of another net than vgg16", "it has conv1/kernel"):
        load_weights(tmp_path / "s.npz", wanted(thin()), "vgg16")
    torch_zip(tmp_path / "r.pth", {"layer1.0.conv1.weight": np.ones((2, 2, 3, 3), "f4")})
    with refusal("weights of another net than vgg16 or squeezenet"):
        guess(read(tmp_path / "r.pth"))
    assert guess(read(tmp_path / "s.npz")) == "squeezenet"


def partial_file(path, leaves, layers=4):
    """As the shipped part of VGG16: some kernels, all biases in 4096ths."""
    kernels = [name for name in leaves if name.endswith("/kernel")][:layers]
    arrays = {name.replace("/kernel", "_W"): leaves[name] for name in kernels}
    biases = [name for name in leaves if name.endswith("/bias")]
    arrays |= {name.replace("/bias", "_b_q12"): np.round(leaves[name] * 4096).astype(np.int16) for name in biases}
    np.savez(path, **arrays)
    return [name for name in leaves if any(name.startswith(kernel.split("/")[0]) for kernel in kernels)]


def test_a_partial_file_is_taken_only_when_asked_for_and_only_where_it_has_kernels(tmp_path, thin, wanted, refusal):
    leaves = thin()
    there = partial_file(tmp_path / "part.npz", leaves)
    with refusal("missing: block3_conv1/kernel", "block5_conv3/kernel", "--partial"):
        load_weights(tmp_path / "part.npz", wanted(leaves), "vgg16")
    loaded = load_weights(tmp_path / "part.npz", wanted(leaves), "vgg16", partial=True)
    assert list(loaded.leaves) == there and len(there) == 8
    for name in there:
        exact = name.endswith("/kernel")
        assert np.array_equal(loaded.leaves[name], leaves[name]) == exact
        assert np.abs(loaded.leaves[name] - leaves[name]).max() <= (0 if exact else 0.5 / 4096)


def test_a_partial_import_of_biases_alone_is_none(tmp_path, thin, wanted, refusal):
    np.savez(tmp_path / "b.npz", **{"block1_conv1/bias": thin()["block1_conv1/bias"]})
    with refusal("no kernel of vgg16"):
        load_weights(tmp_path / "b.npz", wanted(thin()), "vgg16", partial=True)


def test_a_published_name_with_other_bytes_is_said_so(tmp_path, thin, write_legacy, torch_zip, to_torch, monkeypatch):
    from research.weights import published

    path = write_legacy(tmp_path / published.VGG16_NOTOP.name, thin())
    assert "NOT that file" in provenance(read(path)) and published.VGG16_NOTOP.md5 in provenance(read(path))
    sound = published.VGG16_NOTOP._replace(md5=read(path).md5)
    monkeypatch.setattr(published, "PUBLISHED", (sound,))
    assert "md5 right" in provenance(read(path))
    named = torch_zip(tmp_path / "vgg16-00000000.pth", to_torch(thin()))
    assert "NOT that file" in provenance(read(named))
    digest = read(named).sha256
    assert "as its name promises" in provenance(read(named.rename(tmp_path / f"vgg16-{digest[:8]}.pth")))


def test_the_note_of_a_convention_is_kept_and_an_unknown_one_refused(tmp_path, thin, wanted, refusal):
    leaves = thin()
    save_file(leaves, tmp_path / "w.safetensors", metadata={"convention": "torch"})
    assert load_weights(tmp_path / "w.safetensors", wanted(leaves), "vgg16").convention == "torch"
    save_file(leaves, tmp_path / "w.safetensors", metadata={"convention": "own"})
    with refusal("'own'", "caffe and torch"):
        load_weights(tmp_path / "w.safetensors", wanted(leaves), "vgg16")


def test_a_net_that_is_not_known_is_said_in_those_words(tmp_path, thin, refusal):
    save_file(thin(), tmp_path / "w.safetensors", {"architecture": "resnet50"})
    with refusal("holds weights of resnet50; known are vgg16 and squeezenet"):
        plan_conversion(read(tmp_path / "w.safetensors"), "resnet50")


PARTS = ("kernel", "bias")
RESNET = {
    f"layer{block}/conv{turn}/{part}": np.ones(3, "f4") for block in range(16) for turn in (1, 2) for part in "wb"
}


def test_another_nets_npz_is_of_no_known_net_though_a_name_is_the_same(tmp_path, refusal):
    """conv1/kernel is a name in SqueezeNet, too."""
    np.savez(tmp_path / "r.npz", **RESNET | {"conv1/kernel": np.ones((7, 7, 3, 64), "f4")})
    with refusal("holds weights of another net than vgg16 or squeezenet"):
        guess(read(tmp_path / "r.npz"))
    with refusal("holds weights of another net than squeezenet"):
        plan_conversion(read(tmp_path / "r.npz"), "squeezenet")


def test_what_hardly_fits_is_said_shortly_with_the_hint_first(tmp_path, thin, wanted, refusal):
    leaves = thin()
    wide = {name: np.ones((*leaf.shape[:-1], 5), "f4") for name, leaf in leaves.items()}
    np.savez(tmp_path / "w.npz", **wide | RESNET)
    with refusal(
        "does not fit vgg16 (these are weights of another net, or of a changed one; scripts/weights.py inspect",
        "shows each): extra: layer0/conv1/w, layer0/conv1/b, layer0/conv2/w and 61 more; of another shape: ",
        "block1_conv1/kernel is 3x3x3x5, not 3x3x3x4, block1_conv1/bias is 5, not 4, block1_conv2/kernel is",
    ):
        load_weights(tmp_path / "w.npz", wanted(leaves), "vgg16")
    with pytest.raises(UserError) as caught:
        load_weights(tmp_path / "w.npz", wanted(leaves), "vgg16")
    assert len(str(caught.value)) < 700


def test_a_part_and_a_half_of_a_net_are_known_as_its_own(tmp_path, thin):
    leaves = thin()
    part = dict(list(leaves.items())[:3])
    np.savez(tmp_path / "part.npz", **part)
    np.savez(tmp_path / "more.npz", **leaves | RESNET)
    assert guess(read(tmp_path / "part.npz")) == guess(read(tmp_path / "more.npz")) == "vgg16"


def normed(leaves, layer, mean):
    """`leaves` of VGG16 with a batch norm after each convolution: `layer` names it, `mean` its moving mean."""
    convs = [name.removesuffix("/bias") for name in leaves if name.endswith("/bias")]
    return leaves | {f"{layer(conv)}/{part}": np.ones(4, "f4") for conv in convs for part in ("gamma", "beta", mean)}


@pytest.mark.parametrize("mean", ["moving_mean", "running_mean"])
def test_vgg16_with_batch_norm_is_called_so(tmp_path, thin, wanted, refusal, mean):
    arrays = normed(thin(), lambda conv: conv.replace("conv", "bn"), mean)
    np.savez(tmp_path / "w.npz", **arrays)
    with refusal("weights of VGG16 with batch norm, which is not known here; give VGG16's", "extra: block1_bn1/gamma"):
        load_weights(tmp_path / "w.npz", wanted(thin()), "vgg16")


def test_torchvisions_vgg16_with_batch_norm_is_called_so(tmp_path, thin, wanted, torch_zip, refusal):
    convs, state = iter(thin().values()), {}
    for index in (0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40):  # torchvision.models.vgg16_bn
        state[f"features.{index}.weight"] = np.ascontiguousarray(next(convs).transpose(3, 2, 0, 1))
        state[f"features.{index}.bias"] = next(convs)
        for part in ("weight", "bias", "running_mean", "running_var"):
            state[f"features.{index + 1}.{part}"] = np.ones(4, "f4")
    with refusal("weights of VGG16 with batch norm", "extra: features.1.weight, features.1.bias"):
        load_weights(torch_zip(tmp_path / "w.pth", state), wanted(thin()), "vgg16")


def test_vgg19_is_called_so(tmp_path, thin, wanted, to_torch, torch_zip, write_legacy, refusal):
    leaves = thin()
    more = {f"block{block}_conv4/{part}": leaves["block5_conv3/" + part] for block in (3, 4, 5) for part in PARTS}
    with refusal("weights of VGG19, which is not known here; give VGG16's): extra: block3_conv4"):
        load_weights(write_legacy(tmp_path / "w.h5", leaves | more), wanted(leaves), "vgg16")
    indices = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)  # torchvision.models.vgg19
    arrays = {part: to_torch(leaves)[f"features.2.{part}"] for part in ("weight", "bias")}
    state = {f"features.{index}.{part}": array for index in indices for part, array in arrays.items()}
    with refusal("weights of VGG19", "missing: block4_conv1/", "extra: features.16.weight, features.16.bias"):
        load_weights(torch_zip(tmp_path / "w.pth", state), wanted(leaves), "vgg16")
