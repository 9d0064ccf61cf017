import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.models.apply import SMALLEST_HALF, apply_of
from research.models.classifiers import cnn

NET = cnn((4, 8), (16,), 3, padding="same", dropout=0.5)
VARIABLES = jax.jit(NET.init)(jax.random.key(0), jnp.zeros((1, 9, 9, 1)))
PICTURES = np.random.default_rng(0).integers(0, 256, (2 * SMALLEST_HALF, 9, 9, 1)).astype(np.uint8)


@pytest.mark.parametrize("count", [1, 7, 2 * SMALLEST_HALF])
def test_halves_change_no_output(count):
    found = jax.jit(apply_of(NET))(VARIABLES, PICTURES[:count], None)[0]
    one_by_one = np.concatenate([NET.apply(VARIABLES, PICTURES[i : i + 1])[0] for i in range(min(count, 5))])
    np.testing.assert_allclose(found[:5], one_by_one, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("platform", "split"), [("cpu", True), ("cuda", False)])
def test_the_program_chooses_halves_by_its_platform(platform, split):
    program = jax.export.export(jax.jit(apply_of(NET)), platforms=[platform])(VARIABLES, PICTURES, None)
    half = f"tensor<{SMALLEST_HALF}x9x9x1x"
    assert (half in program.mlir_module()) == split


def test_each_example_drops_out_for_itself():
    same = np.repeat(PICTURES[:1], 2 * SMALLEST_HALF, axis=0)
    found = np.asarray(jax.jit(apply_of(NET))(VARIABLES, same, jax.random.key(3))[0])
    assert len(np.unique(found[:, 0])) > SMALLEST_HALF
    assert not np.array_equal(found[:SMALLEST_HALF], found[SMALLEST_HALF:]), "halves drop out by keys of their own"


class Normed(nn.Module):
    @nn.compact
    def __call__(self, x, train=False):
        x = nn.BatchNorm(use_running_average=not train)(x.reshape(len(x), -1))
        return nn.Dense(3)(x), {}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_any_flax_module_is_a_net(precision):
    """Its outputs are its own, and in training it updates its collections."""
    net, pictures = Normed(), PICTURES.astype(np.float32)
    variables = net.init(jax.random.key(0), pictures[:1])
    apply = apply_of(net, precision)
    found, same = apply(variables, pictures, None)
    wanted = net.apply(variables, pictures)[0]
    assert jnp.linalg.norm(found - wanted) <= (1e-6 if precision == "float32" else 2e-2) * jnp.linalg.norm(wanted)
    assert found.dtype == jnp.float32
    _, moved = apply(variables, pictures, jax.random.key(1))
    leaves = [jax.tree.leaves(each["batch_stats"]) for each in (variables, same, moved)]
    for before, still, after in zip(*leaves, strict=True):
        np.testing.assert_array_equal(before, still)
        assert not np.array_equal(before, after)
