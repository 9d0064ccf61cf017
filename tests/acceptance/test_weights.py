"""On the real weights at hand: SqueezeNet's base, whole, and the VGG16 kernels of blocks 1 and 2, a partial import."""

import json
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from research.cli.weights import weights
from research.cli.weights_leaves import leaf_shapes
from research.errors import UserError
from research.models.imagenet import class_names
from research.models.pixels import check_pixels
from research.models.squeezenet import squeezenet
from research.models.taps import run_taps
from research.models.vgg16 import vgg16
from research.trees import named_leaves
from research.weights.channel_order import FIRST_LAYERS, channel_fault, mean_activations
from research.weights.load import load_weights

MEAN = np.array([103.939, 116.779, 123.68])  # of B, G and R: Simonyan & Zisserman 2014


@pytest.fixture
def data():
    return Path(os.environ["RESEARCH_DATA"]).absolute()


@pytest.fixture
def photos(data):
    """48 photos of ImageNet's classes, 200 x 200."""
    files = sorted((data / "imagenet_samples/images").glob("*.jpg"))[::4][:48]
    assert len(files) == 48
    return np.stack([np.asarray(Image.open(file).convert("RGB").resize((200, 200))) for file in files])


def as_params(net, leaves):
    """The leaves as the tree of `net`, and zeros for those that a partial file does not have."""
    pixels = jax.ShapeDtypeStruct((1, 32, 32, 3), np.uint8)
    like = jax.eval_shape(net.init, jax.random.key(0), pixels)["params"]
    named = {name: leaves.get(name, np.zeros(leaf.shape, np.float32)) for name, leaf in named_leaves(like).items()}
    return jax.tree.unflatten(jax.tree.structure(like), [jnp.asarray(leaf) for leaf in named.values()])


def arrays(file, *names):
    with np.load(file) as content:
        return [content[name].astype(np.float64) for name in names]


def convolved(x, kernel, bias, stride):
    """Plain NumPy, position by position, in float64: x [H, W, C] -> [H', W', F]."""
    height, width = kernel.shape[:2]
    rows, columns = range(0, x.shape[0] - height + 1, stride), range(0, x.shape[1] - width + 1, stride)
    chips = [[(x[r : r + height, c : c + width, :, None] * kernel).sum(axis=(0, 1, 2)) for c in columns] for r in rows]
    return np.array(chips) + bias


def test_squeezenet_is_ported_whole_and_its_first_layer_is_known(data, photos, tmp_path):
    file = data / "weights/squeezenet_v1.1_imagenet_notop.npz"
    assert weights(["import", str(file), str(tmp_path / "own.safetensors")]) == 0
    loaded = load_weights(tmp_path / "own.safetensors", leaf_shapes("squeezenet"), "squeezenet")
    assert loaded.fingerprint == load_weights(file, leaf_shapes("squeezenet"), "squeezenet").fingerprint
    net = squeezenet()
    found = run_taps(net, as_params(net, loaded.leaves), photos[:2, :41, :37], ["conv1/pre", "fire9/concat"])
    wanted = convolved(photos[0, :41, :37, ::-1] - MEAN, *arrays(file, "conv1/kernel", "conv1/bias"), stride=2)
    np.testing.assert_allclose(found["conv1/pre"][0], wanted, rtol=1e-4, atol=1e-3)
    assert np.isfinite(found["fire9/concat"]).all() and found["fire9/concat"].std() > 0


def test_vgg16s_first_blocks_are_ported_only_where_a_part_is_asked_for(data, photos, tmp_path, capsys):
    file, own = str(data / "weights/vgg16_imagenet_blocks1-2_partial.npz"), str(tmp_path / "own.safetensors")
    with pytest.raises(UserError, match=r"--partial.*missing: block3_conv1/kernel"):
        weights(["import", file, own])
    assert not list(tmp_path.iterdir())
    assert weights(["import", file, own, "--partial"]) == 0
    assert "8 leaves, 260,160 numbers, caffe" in capsys.readouterr().out
    with pytest.raises(UserError, match="missing"):
        load_weights(own, leaf_shapes("vgg16"), "vgg16")
    leaves = load_weights(own, leaf_shapes("vgg16"), "vgg16", partial=True).leaves
    taps = run_taps(vgg16(), as_params(vgg16(), leaves), photos[:2, :24, :20], ["block1_conv1/pre", "block2_pool"])
    padded = np.pad(photos[0, :24, :20, ::-1] - MEAN, ((1, 1), (1, 1), (0, 0)))
    kernel, bias = arrays(file, "block1_conv1_W", "block1_conv1_b_q12")
    wanted = convolved(padded, kernel, bias / 2**12, stride=1)
    np.testing.assert_allclose(taps["block1_conv1/pre"][0], wanted, rtol=1e-4, atol=1e-3)
    assert np.isfinite(taps["block2_pool"]).all() and taps["block2_pool"].shape == (2, 6, 5, 128)


@pytest.mark.parametrize(
    ("name", "architecture", "layer"),
    [
        ("vgg16_imagenet_notop.npz", "vgg16", "block1_conv1"),
        ("squeezenet_v1.1_imagenet_notop.npz", "squeezenet", "conv1"),
    ],
)
def test_published_weights_are_known_by_their_first_kernel(data, name, architecture, layer):
    kernel, bias = arrays(data / "weights" / name, f"{layer}/kernel", f"{layer}/bias")
    noise = 0.01 * np.random.default_rng(0).standard_normal(kernel.shape)
    known = FIRST_LAYERS[architecture].activations
    np.testing.assert_allclose(mean_activations(kernel, bias)[: len(known)], known, rtol=0, atol=0.006)
    for sound in (kernel, kernel * (1 + noise), kernel + kernel.std() * noise):
        leaves = {f"{layer}/kernel": sound, f"{layer}/bias": bias}
        turned = leaves | {f"{layer}/kernel": sound[:, :, ::-1]}
        assert channel_fault(architecture, "caffe", leaves) is None
        assert "input channels reversed" in (channel_fault(architecture, "caffe", turned) or "")


def test_real_photos_pass_the_guard_and_swapped_ones_do_not(data, photos):
    sets = {"imagenet": photos}
    for split in ("train", "validation", "test"):
        for kind in ("cats", "dogs"):
            files = sorted((data / "cats_and_dogs_small" / split / kind).glob("*.jpg"))[:64]
            sets[f"{split}/{kind}"] = np.stack(
                [np.asarray(Image.open(f).convert("RGB").resize((100, 100))) for f in files]
            )
    for name, pictures in sets.items():
        assert check_pixels(pictures) == [], name
        assert check_pixels(pictures[..., ::-1]), name


def test_the_class_names_are_those_of_keras_index(data):
    index = json.loads((data / "imagenet_samples/imagenet_class_index.json").read_text())
    assert [list(names) for names in class_names()] == [index[str(number)] for number in range(1000)]
