import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.errors import UserError
from research.microscope import patches
from research.microscope.patches import crop, strongest
from research.models.classifiers import cnn
from research.models.receptive_fields import ReceptiveField, receptive_field
from research.models.taps import run_taps

PICTURES = np.random.default_rng(0).integers(0, 6, (23, 4, 3, 5)).astype(np.uint8)  # coarse: many are equal


def itself(pictures):
    """A tap whose activation is the picture."""
    return jnp.asarray(pictures, jnp.float32)


def in_batches(pictures, size):
    return (pictures[start : start + size] for start in range(0, len(pictures), size))


def sorted_through(activation, k, above=0.0):
    """The same by sorting everything: [F, k] each of value, picture, row, column."""
    N, _, width, F = activation.shape
    flat = activation.reshape(N, -1, F).astype(np.float32)
    position, value = flat.argmax(axis=1), flat.max(axis=1)
    found = []
    for f in range(F):
        order = [n for n in np.argsort(-value[:, f], kind="stable") if value[n, f] > above][:k]
        rows = [(value[n, f], n, *divmod(position[n, f], width)) for n in order]
        found.append(rows + [(-np.inf, -1, -1, -1)] * (k - len(rows)))
    return np.array(found).transpose(2, 0, 1)


@pytest.mark.parametrize("k", [1, 4, 40])
@pytest.mark.parametrize("size", [1, 3, 8, 23])
def test_it_is_a_full_sort_whatever_the_batch_size(k, size):
    found = strongest(itself, in_batches(PICTURES, size), k)
    np.testing.assert_array_equal(np.stack(found), sorted_through(PICTURES, k))
    assert all(each.shape == (5, k) for each in found)


def test_uneven_and_empty_batches_change_nothing():
    uneven = [PICTURES[:0], PICTURES[:6], PICTURES[6:7], PICTURES[7:7], PICTURES[7:]]
    np.testing.assert_array_equal(np.stack(strongest(itself, uneven, 4)), sorted_through(PICTURES, 4))


def test_one_shape_is_run_and_one_program_compiled():
    shapes = set()

    def run(pictures):
        shapes.add(pictures.shape)
        return itself(pictures)

    before = patches._merge._cache_size()
    strongest(run, in_batches(PICTURES, 9), 6)
    assert shapes == {(9, 4, 3, 5)} and patches._merge._cache_size() == before + 1
    strongest(run, in_batches(PICTURES[:10], 9), 6)
    assert patches._merge._cache_size() == before + 1


def test_what_fills_up_a_batch_is_not_found():
    """The last picture is the strongest, and alone in its batch."""
    pictures = np.arange(1, 10, dtype=np.uint8).reshape(9, 1, 1, 1)
    np.testing.assert_array_equal(strongest(itself, in_batches(pictures, 8), 3).picture, [[8, 7, 6]])


def test_what_excites_nothing_is_missing():
    activation = np.array([[0, -1, 2], [0, -3, 0], [-0.0, -2, 1]], np.float32)
    found = strongest(lambda pictures: jnp.asarray(activation[: len(pictures)]), [PICTURES[:3]], 2)
    np.testing.assert_array_equal(found.picture, [[-1, -1], [-1, -1], [0, 2]])
    np.testing.assert_array_equal(found.values, [[-np.inf] * 2, [-np.inf] * 2, [2, 1]])
    np.testing.assert_array_equal(found.row, np.where(found.picture < 0, -1, 0))
    found = strongest(lambda pictures: jnp.asarray(activation[::-1]), [PICTURES[:3]], 4, above=-np.inf)
    np.testing.assert_array_equal(
        found.picture, [[0, 1, 2, -1], [2, 0, 1, -1], [2, 0, 1, -1]]
    )  # -0.0 is no less than 0


def test_what_is_wrong_is_said():
    with pytest.raises(UserError, match="ask for 1 or more"):
        strongest(itself, [PICTURES], 0)
    for batches in ([], [PICTURES[:0]]):
        with pytest.raises(UserError, match="no pictures"):
            strongest(itself, batches, 1)
    for wrong in (np.nan, np.inf):
        with pytest.raises(UserError, match="not a finite number"):
            strongest(lambda pictures, wrong=wrong: itself(pictures).at[1, 0, 0, 0].set(wrong), [PICTURES], 1)


@pytest.mark.slow
def test_the_net_run_on_a_crop_alone_gives_the_activation_that_was_found():
    """With valid padding the field is all that there is, so the crop is a picture of its own."""
    net = cnn((4, 6), (), 3, pool_last=True)
    pictures = np.random.default_rng(1).integers(0, 256, (7, 19, 23, 3)).astype(np.uint8)
    params = jax.jit(net.init)(jax.random.key(0), pictures[:1])["params"]

    def run(pictures):
        return run_taps(net, params, pictures, ["pool2"])["pool2"]

    field = receptive_field(net, "pool2", pictures.shape[1:])
    found = strongest(run, in_batches(pictures, 4), 3)
    for f, n in np.argwhere(found.picture >= 0):
        patch = crop(pictures[found.picture[f, n]], field, found.row[f, n], found.column[f, n])
        alone = run(patch[None])
        assert patch.shape == (*field.size, 3) and alone.shape == (1, 1, 1, 6)
        np.testing.assert_allclose(alone[0, 0, 0, f], found.values[f, n], rtol=1e-4, atol=1e-5)


def test_a_crop_ends_where_the_picture_does():
    image = np.arange(1, 61, dtype=np.uint8).reshape(6, 5, 2)
    field = ReceptiveField(size=(4, 3), jump=(2, 1), start=(-1, -1), edge=(5, 5))
    for row, column in np.ndindex(3, 5):
        expected = image[max(2 * row - 1, 0) : min(2 * row + 3, 5), max(column - 1, 0) : column + 2]  # never row 5
        found = crop(image, field, row, column)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == np.uint8
    for row, column in ((-1, -1), (3, 0), (0, 6)):
        with pytest.raises(ValueError, match="no position"):
            crop(image, field, row, column)
    with pytest.raises(ValueError, match="the field is one of pictures of"):
        crop(image[:4], field, 0, 0)


def test_a_dense_taps_crop_is_the_picture_in_a_copy():
    net, image = cnn((4, 4), (5,), 3), np.random.default_rng(2).integers(0, 256, (19, 20, 3)).astype(np.uint8)
    found = strongest(lambda pictures: itself(pictures).mean(axis=(1, 2)), [image[None]], 1)
    patch = crop(image, receptive_field(net, "dense1", image.shape), found.row[0, 0], found.column[0, 0])
    np.testing.assert_array_equal(patch, image)
    assert not np.shares_memory(patch, image)
