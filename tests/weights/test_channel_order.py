"""The guard against a first kernel with its input channels reversed, with a thin net as the published one."""

import numpy as np
import pytest

from research.cli.weights import weights
from research.errors import UserError
from research.weights import channel_order
from research.weights.channel_order import MEANS, channel_fault, mean_activations, probe
from research.weights.load import load_weights

KERNEL = "block1_conv1/kernel"


@pytest.fixture
def published(thin, monkeypatch):
    """The leaves of a thin VGG16 that the guard knows as published."""
    leaves = thin()
    found = mean_activations(leaves[KERNEL], leaves["block1_conv1/bias"])
    known = channel_order.FirstLayer("block1_conv1", tuple(map(float, found)))
    monkeypatch.setitem(channel_order.FIRST_LAYERS, "vgg16", known)
    return leaves


def turned(leaves):
    return leaves | {KERNEL: leaves[KERNEL][:, :, ::-1].copy()}


def noisy(leaves, share=0.01):
    """`leaves` after a fine-tuning: each number changed by about this share."""
    noise = np.random.default_rng(7).standard_normal(leaves[KERNEL].shape, np.float32)
    return leaves | {KERNEL: leaves[KERNEL] * (1 + np.float32(share) * noise)}


def test_activations_are_those_of_a_convolution_written_out(thin):
    kernel, bias = thin()[KERNEL], thin()["block1_conv1/bias"]
    pixels = probe()[..., [2, 1, 0]] - MEANS
    at = [(pixels[r : r + 3, c : c + 3, :, None] * kernel).sum((0, 1, 2)) + bias for r in range(30) for c in range(30)]
    np.testing.assert_allclose(mean_activations(kernel, bias), np.maximum(at, 0).mean(0), rtol=1e-5)


@pytest.mark.parametrize("tuned", [lambda leaves: leaves, noisy])
def test_published_weights_pass_and_with_reversed_channels_do_not(tmp_path, published, wanted, refusal, tuned):
    np.savez(tmp_path / "sound.npz", **tuned(published))
    load_weights(tmp_path / "sound.npz", wanted(published), "vgg16")
    np.savez(tmp_path / "turned.npz", **turned(tuned(published)))
    for partial in (False, True):
        with refusal("turned.npz", f"{KERNEL} has its input channels reversed", "reverse its axis of 3 channels"):
            load_weights(tmp_path / "turned.npz", wanted(published), "vgg16", partial)


def test_weights_of_another_training_pass_in_either_order(published, thin):
    other = thin(seed=1)
    for leaves in (other, turned(other), noisy(published, 0.5), other | {KERNEL: 0 * published[KERNEL]}):
        assert channel_fault("vgg16", "caffe", leaves) is channel_fault("vgg16", "torch", leaves) is None


def test_caffes_numbers_under_torchs_names_are_refused(tmp_path, published, wanted, to_torch, torch_zip, refusal):
    for leaves in (published, turned(published)):
        with refusal("w.pth", "the names are torchvision's", "save all under Keras' names"):
            load_weights(torch_zip(tmp_path / "w.pth", to_torch(leaves)), wanted(published), "vgg16")


def test_the_guard_is_silent_where_other_errors_speak(tmp_path, published, wanted):
    leaves = turned(published)
    np.savez(tmp_path / "w.npz", **{name: leaf for name, leaf in leaves.items() if name != "block3_conv2/kernel"})
    with pytest.raises(UserError, match=r"\): missing: block3_conv2/kernel$"):
        load_weights(tmp_path / "w.npz", wanted(published), "vgg16")


def test_inspect_says_it_in_its_last_lines(tmp_path, published, monkeypatch, capsys):
    monkeypatch.setattr("research.cli.weights.leaf_shapes", lambda *_, **__: {n: a.shape for n, a in published.items()})
    np.savez(tmp_path / "w.npz", **turned(published))
    assert weights(["inspect", str(tmp_path / "w.npz")]) == 2
    said = " ".join(capsys.readouterr().out.split())
    assert f"channels: {KERNEL} has its input channels reversed" in said
    assert said.endswith("26 of 26 leaves these published weights would see other colours than in their training")
