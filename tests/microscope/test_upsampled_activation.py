import jax.numpy as jnp
import numpy as np
import pytest

from research.microscope.upsampled_activation import upsampled_activation
from research.models.classifiers import cnn
from research.models.layers import Conv, MaxPool
from research.models.network import sequence, upto
from research.models.receptive_fields import receptive_field
from research.models.summary import summarize

STRIDED = sequence(
    Conv(1, stride=(2, 2), padding="same", name="same"),
    MaxPool((3, 2), (2, 2), name="pool"),
    Conv(1, size=(3, 5), padding="same", name="wide"),
    Conv(1, size=(2, 2), name="valid"),
)
SIDES = (37, 30)


def spatial(net):
    return [
        (row["name"], row["output_shape"][:2]) for row in summarize(net, (*SIDES, 1)) if len(row["output_shape"]) == 3
    ]


TAPS = [(net, *tap) for net in (STRIDED, cnn((2, 2, 2), (), 3, padding="same")) for tap in spatial(net)]


@pytest.mark.parametrize(("net", "name", "shape"), TAPS)
def test_one_position_alone_peaks_at_its_fields_middle(net, name, shape):
    field = receptive_field(net, name, (*SIDES, 1))
    for row, column in np.ndindex(*shape):
        activation = np.zeros(shape)
        activation[row, column] = 3
        found = upsampled_activation(activation, field, SIDES)
        assert found.shape == SIDES and found.dtype == np.float32
        peaks = np.argwhere(found == found.max())
        np.testing.assert_allclose(peaks.mean(axis=0), field.center(row, column))  # between pixels, both are peaks
        off = np.array(field.center(row, column)) % 1 / field.jump  # how far the nearest pixels are, in steps
        np.testing.assert_allclose(found.max(), 3 * np.prod(1 - off), rtol=1e-6)


@pytest.mark.parametrize(("net", "name", "shape"), TAPS)
def test_between_the_middles_it_is_linear(net, name, shape):
    """An activation that tells each position's middle gives every pixel between the outermost its own place."""
    field = receptive_field(net, name, (*SIDES, 1))
    middles = np.array([[field.center(row, column) for column in range(shape[1])] for row in range(shape[0])])
    pixels = np.stack(np.mgrid[: SIDES[0], : SIDES[1]], axis=-1)
    inside = ((pixels >= middles[0, 0]) & (pixels <= middles[-1, -1])).all(axis=-1)
    for axis in (0, 1):
        found = upsampled_activation(middles[:, :, axis], field, SIDES)
        np.testing.assert_allclose(found[inside], pixels[inside][:, axis], rtol=1e-5, atol=1e-4)
    far = (pixels <= middles[0, 0] - field.jump).any(axis=-1) | (pixels >= middles[-1, -1] + field.jump).any(axis=-1)
    assert not upsampled_activation(np.ones(shape), field, SIDES)[far].any()


@pytest.mark.parametrize("spot", [(5, 6), (16, 11), (30, 24)])
def test_a_filter_pops_where_the_spot_is(spot):
    picture = np.zeros((1, *SIDES, 1), np.float32)
    picture[0, spot[0] - 1 : spot[0] + 2, spot[1] - 1 : spot[1] + 2] = 1
    net = sequence(*STRIDED.layers[:2])
    bump = jnp.array([1.0, 2.0, 1.0])
    params = {"same": {"kernel": (bump[:, None] * bump)[:, :, None, None], "bias": jnp.zeros(1)}}
    field = receptive_field(net, "pool", (*SIDES, 1))
    activation = upto(net, "pool").apply({"params": params}, picture)[0][0, :, :, 0]
    found = upsampled_activation(activation, field, SIDES)
    peak = np.argwhere(found == found.max()).mean(axis=0)
    assert (np.abs(peak - spot) <= np.array(field.jump) / 2 + 0.5).all()


def test_a_tap_without_places_fills_the_picture():
    field = receptive_field(cnn((2,), (4,), 3), "dense1", (*SIDES, 1))
    np.testing.assert_array_equal(upsampled_activation(np.full((1, 1), 2.5), field, SIDES), np.full(SIDES, 2.5))
    with pytest.raises(ValueError, match="no position"):
        upsampled_activation(np.ones((2, 2)), field, SIDES)


def test_more_positions_than_the_tap_has_are_refused():
    field = receptive_field(STRIDED, "pool", (*SIDES, 1))
    with pytest.raises(ValueError, match="no position 12, 6"):
        upsampled_activation(np.ones((13, 7)), field, SIDES)
