"""The layers of nets of tables, against scikit-learn and by their definitions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.preprocessing import QuantileTransformer

from research.config import TableData
from research.data.tables.preprocessing import QUANTILES, fit_numbers
from research.models.network import upto
from research.models.tables import Levels, Numbers, TableSpec, dense_table_net, unscaled

NUMBERS = np.random.default_rng(0).lognormal(size=(300, 4)).astype(np.float32)


def applied(layer, held, x):
    variables = {"preprocessing": {name: jnp.asarray(each) for name, each in held.items()}}
    drawn = layer.init(jax.random.key(0), x)
    return np.asarray(layer.apply({"params": drawn.get("params", {})} | variables, x))


def test_standard_numbers_have_mean_zero_and_deviation_one():
    held = fit_numbers(TableData(scaling="standard"), NUMBERS)
    found = applied(Numbers(4), held, {"numbers": NUMBERS})
    assert np.allclose(found.mean(axis=0), 0, atol=1e-5) and np.allclose(found.std(axis=0), 1, atol=1e-5)


@pytest.mark.slow
def test_quantile_scaling_is_scikit_learns():
    held = fit_numbers(TableData(scaling="quantile"), NUMBERS)
    new = np.random.default_rng(1).lognormal(size=(50, 4)).astype(np.float32)
    ours = applied(Numbers(4, knots=QUANTILES + 1), held, {"numbers": new})
    theirs = QuantileTransformer(n_quantiles=QUANTILES + 1, output_distribution="normal").fit(NUMBERS).transform(new)
    assert np.abs(np.clip(theirs, -3.09, 3.09) - ours).max() < 1e-3


def test_clipping_is_smooth_and_bounded():
    held = fit_numbers(TableData(scaling="standard"), NUMBERS)
    plain = applied(Numbers(4), held, {"numbers": NUMBERS})
    found = applied(Numbers(4, clip=3.0), held, {"numbers": NUMBERS * 100})
    assert np.abs(found).max() < 3
    assert np.allclose(
        applied(Numbers(4, clip=3.0), held, {"numbers": NUMBERS}),
        plain / np.sqrt(1 + (plain / 3) ** 2),
        atol=1e-6,
    )


def test_a_missing_number_is_the_median_and_marked_where_training_rows_lacked_some():
    numbers = NUMBERS.copy()
    numbers[::5, 1] = np.nan
    held = fit_numbers(TableData(scaling="robust"), numbers)
    gaps = np.full((1, 4), np.nan, np.float32)
    found = applied(Numbers(4, (1, 2)), held, {"numbers": gaps})
    assert found.shape == (1, 6) and np.allclose(found[0, :4], 0, atol=1e-6)
    assert found[0, 4:].tolist() == [1, 0]


def test_piecewise_embeddings_count_up_through_the_bins():
    held = fit_numbers(TableData(scaling="none"), NUMBERS, bins=4)
    layer = Numbers(4, embedding="piecewise", size=4)
    edges = held["edges"]
    at = applied(layer, held, {"numbers": edges[:, 2][None]}).reshape(4, 4)
    assert np.allclose(at, [[1, 1, 0, 0]] * 4, atol=1e-5)


def test_levels_are_one_hot_and_unseen_or_rare_ones_zero():
    layer = Levels((2, 3))
    common = np.array([1, 1, 1, 0, 1], np.float32)
    found = applied(layer, {"common": common}, {"codes": np.array([[1, 0], [-1, 1], [0, 2]])})
    assert found.tolist() == [[0, 1, 1, 0, 0], [0, 0, 0, 0, 0], [1, 0, 0, 0, 1]]


def test_level_vectors_are_rows_of_the_parameters():
    layer = Levels((2, 3), size=4)
    x = {"codes": np.array([[1, 2]])}
    drawn = layer.init(jax.random.key(0), x)
    vectors = drawn["params"]["vectors"]
    found = layer.apply({"params": drawn["params"], "preprocessing": {"common": jnp.ones(5)}}, x)
    assert np.array_equal(found, jnp.concatenate([vectors[1], vectors[4]])[None])


@pytest.mark.slow
@pytest.mark.parametrize("embedding", ["none", "periodic", "piecewise"])
def test_parameters_and_widths_are_those_the_summary_states(embedding):
    spec = TableSpec(numbers=3, levels=(2, 4), gaps=(0, 2), outputs=2, scaled=True)
    net = dense_table_net(spec, (5,), dropout=0.1, embedding=embedding, embedding_size=6, level_size=2)
    x = {"numbers": jnp.ones((7, 3)), "codes": jnp.zeros((7, 2), jnp.int32)}
    variables = net.init(jax.random.key(0), x)
    output, taps = net.apply(variables, x)
    infos = dict(zip(net.names, [layer.info for layer in net.layers], strict=True))
    width = infos["numbers"](((3,),)).output[0] + infos["levels"](((2,),)).output[0]
    assert taps["features"].shape == (7, width) and output.shape == (7, 4)
    for name in ("numbers", "levels"):
        stated = infos[name](((3,),)).parameters
        assert stated == sum(leaf.size for leaf in jax.tree.leaves(variables["params"].get(name, {})))


def test_without_hidden_layers_the_net_is_linear_in_its_features():
    spec = TableSpec(numbers=3, levels=(), gaps=(), outputs=1, scaled=True)
    net = dense_table_net(spec, ())
    x = {"numbers": jnp.asarray(NUMBERS[:, :3]), "codes": jnp.zeros((300, 0), jnp.int32)}
    variables = net.init(jax.random.key(0), x)
    features = upto(net, "features").apply(variables, x)[0]
    head = variables["params"]["head"]
    assert np.allclose(net.apply(variables, x)[0][:, :1], features @ head["kernel"] + head["bias"], atol=1e-5)


def test_predictions_are_in_the_targets_unit():
    outputs = jnp.array([[2.0, 3.0, 0.5]])
    assert unscaled(outputs, log=False).tolist() == [[4.0]]
    assert np.allclose(unscaled(outputs, log=True), np.expm1(4.0))
