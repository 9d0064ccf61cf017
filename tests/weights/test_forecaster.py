"""Forecasters as real Keras 2 and 3 saved them forecast here what they forecast there (golden/make.py)."""

import io
import json
import zipfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.doors.weights import weights
from research.models.forecasters import Ends, recurrent_forecaster
from research.trees import from_named, named_leaves
from research.weights.load import forecaster_leaves, load_forecaster

GOLDEN = Path(__file__).with_name("golden") / "forecasters.zip"
NAMES = [name for name in zipfile.ZipFile(GOLDEN).namelist() if name != "outputs.npz"]
HORIZON, CHANNELS = 2, 3


@pytest.fixture
def golden(tmp_path):
    """`golden(name)`: the file of that name, what it is told, and what Keras answers."""
    with zipfile.ZipFile(GOLDEN) as archive:
        arrays = np.load(io.BytesIO(archive.read("outputs.npz")), allow_pickle=False)

        def extracted(name):
            with zipfile.ZipFile(GOLDEN) as again:
                return Path(again.extract(name, tmp_path)), arrays[f"{name}/inputs"], arrays[f"{name}/outputs"]

        yield extracted


def forecast(leaves, described, inputs):
    net = recurrent_forecaster(
        Ends(HORIZON, CHANNELS),
        described.kind,
        described.features,
        dense=described.dense,
        gates=described.gates,
        reset_after=described.reset_after,
    )
    B, L, F = inputs.shape
    window = {
        "values": jnp.asarray(inputs),
        "known": jnp.ones((B, L, F)),
        "expected": jnp.zeros((B, L + HORIZON, F)),
        "spread": jnp.ones((B, F)),
        "calendar": jnp.zeros((B, L + HORIZON, 0)),
    }
    like = jax.eval_shape(net.init, jax.random.key(0), window)["params"]
    shapes = {name: leaf.shape for name, leaf in named_leaves(like).items()}
    params = from_named({name: jnp.asarray(leaf) for name, leaf in leaves.items()}, like)
    return np.asarray(net.apply({"params": params}, window)[0]).reshape(B, -1), shapes


@pytest.mark.parametrize("name", NAMES)
def test_a_forecaster_of_keras_forecasts_here_what_it_does_there(golden, name):
    path, inputs, outputs = golden(name)
    leaves, described = forecaster_leaves(path)
    found, shapes = forecast(leaves, described, inputs)
    np.testing.assert_allclose(found, outputs, rtol=1e-5, atol=2e-6)
    again = load_forecaster(path, shapes, described.gates)
    assert again.keys() == leaves.keys() and all(np.array_equal(again[one], leaves[one]) for one in leaves)


@pytest.mark.parametrize("name", NAMES)
def test_import_keeps_every_bit(golden, tmp_path, capsys, name):
    path, _, _ = golden(name)
    assert weights(["inspect", str(path)]) == 0
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 80 and "forecaster" in told and "head/kernel" in told
    assert weights(["import", str(path), str(tmp_path / "ours.safetensors")]) == 0
    leaves, described = forecaster_leaves(path)
    ours, again = forecaster_leaves(tmp_path / "ours.safetensors")
    assert ours.keys() == leaves.keys() and all(np.array_equal(ours[one], leaves[one]) for one in leaves)
    assert again._replace(gates_told=True) == described._replace(gates_told=True)
    assert json.loads((tmp_path / "ours.json").read_text())["source"]["file"] == name


def test_layers_that_do_not_chain_are_all_named(golden, tmp_path, refusal):
    leaves, _ = forecaster_leaves(golden("two_lstm.h5")[0])
    leaves["lstm2/kernel"], leaves["head/kernel"] = leaves["lstm2/kernel"][:-1], leaves["head/kernel"][:-1]
    np.savez(tmp_path / "broken.npz", **leaves)
    with refusal("lstm2/kernel is 3x20, not 4x20", "head/kernel is 4x6, not 5x6"):
        forecaster_leaves(tmp_path / "broken.npz")


def test_a_net_of_another_size_is_refused_with_every_leaf(golden, refusal):
    path, _, _ = golden("rnn.weights.h5")
    leaves, described = forecaster_leaves(path)
    wanted = {name: leaf.shape for name, leaf in leaves.items()} | {"rnn1/bias": (5,), "dense1/bias": (2,)}
    with refusal("rnn1/bias is 4, not 5", "missing: dense1/bias"):
        load_forecaster(path, wanted, described.gates)
