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
