"""Goldens: what real Keras and torch layers computed, and the weights and pictures that they computed it from."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

GOLDEN = Path(__file__).with_name("golden")


@pytest.fixture(scope="session")
def streams():
    """The module golden/streams.py, which golden/make.py used."""
    spec = importlib.util.spec_from_file_location("golden_streams", GOLDEN / "streams.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def golden():
    """{CASE/TAP: digest} and {CASE/logits: logits}, see golden/make.py."""
    with np.load(GOLDEN / "golden.npz") as file:
        return dict(file)


@pytest.fixture(scope="session")
def recurrent_golden():
    """{case: {name: array}}, see golden/make_recurrent.py."""
    cases = {}
    with np.load(GOLDEN / "recurrent.npz") as file:
        for key, array in file.items():
            case, name = key.split("/", 1)
            cases.setdefault(case, {})[name] = array
    return cases


@pytest.fixture(scope="session")
def window():
    """`window(batch, context, horizon, channels, calendar)`: what a forecaster reads, of random numbers, all known."""
    import jax.numpy as jnp  # not above: the settings of `tests/conftest.py` come first

    def make(batch=2, context=6, horizon=4, channels=3, calendar=2, seed=0):
        generator = np.random.default_rng(seed)
        numbers = {
            "values": generator.normal(0, 1.5, (batch, context, channels)),
            "known": np.ones((batch, context, channels)),
            "calendar": generator.normal(0, 1, (batch, context + horizon, calendar)),
        }
        return {name: jnp.asarray(array, jnp.float32) for name, array in numbers.items()}

    return make
