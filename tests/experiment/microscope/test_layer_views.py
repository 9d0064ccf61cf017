"""What is shown of a layer: the size of its exemplars, and filters that only a real picture wakes."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from research.config import Microscope
from research.experiment.microscope.layer_views import layer_view
from research.experiment.microscope.loaded_net import LoadedNet
from research.experiment.microscope.setup import layer_setup, make_setup
from research.models.layers import Conv, Rescale
from research.models.network import sequence
from research.models.vgg16 import vgg16

SIDE = 12
CORNER = np.where(np.add.outer(np.arange(5), np.arange(5)) % 3 == 0, 1.0, -1.0)


def loaded(net, params, channels):
    of = {"title": "net", "net": net, "params": params, "shape": None, "channels": channels, "layers": tuple(params)}
    return LoadedNet(**of, classes=(), data=None, ink=None, squash=False, out_dir=Path("look"))


def nothing(title, done, total):
    pass


@pytest.mark.parametrize(("size", "sides"), [(None, [96, 96, 96, 224]), (64, [64, 64, 64, 64])])
def test_the_size_follows_the_receptive_field_or_is_given(tmp_path, size, sides):
    setup = make_setup(loaded(vgg16(), {}, 3), Microscope(size=size), tmp_path, nothing)
    layers = ("block1_conv1", "block3_conv1", "block4_conv3", "block5_conv3")
    assert [layer_setup(setup, layer).shape for layer in layers] == [(side, side, 3) for side in sides]


@pytest.mark.slow
def test_a_filter_that_only_a_real_picture_wakes_is_found_from_it(tmp_path):
    net = sequence(Rescale(1 / 127.5, -1.0, name="rescale"), Conv(3, size=(5, 5), name="conv"))
    kernel = np.zeros((5, 5, 1, 3), np.float32)
    kernel[..., 0, 0], kernel[..., 0, 1], kernel[..., 0, 2] = CORNER, 5 * CORNER, 5 * CORNER
    params = {"conv": {"kernel": jnp.asarray(kernel), "bias": jnp.asarray([0.0, -80.0, -1000.0])}}
    for index in range(3):
        pixels = np.full((SIDE, SIDE), 127.5)
        pixels[3:8, 4:9] += 100 * CORNER * (index == 1)
        Image.fromarray(np.round(pixels).astype(np.uint8)).save(tmp_path / f"{index}.png")
    look = Microscope(size=SIDE, pictures=str(tmp_path), steps=2, parameterization="pixels", jitter=0, near=True)
    view = layer_view(make_setup(loaded(net, params, 1), look, tmp_path / "saved", nothing), "conv")
    assert [each.status for each in view.filters] == ["alive", "from a patch", "dead"]
    assert [[patch.source for patch in each.patches] for each in view.filters][1:] == [["1.png"], []]
    found = np.asarray(view.filters[1].exemplar)[3:8, 4:9, 0].astype(float) - 127.5
    assert (np.sign(found) == CORNER).all()
    neuron = view.filters[0]
    shown = np.asarray(neuron.near_field, np.float32)[..., 0] / 127.5 - 1
    assert neuron.near_score == pytest.approx(float((shown * CORNER).sum()), rel=0.02)  # as a patch's value is measured
