"""Weight files that are not what a command needs: one line from each command, exit code 2, before pictures are read."""

import numpy as np
import pytest

from research.cli.weights_leaves import leaf_shapes
from research.weights import channel_order


@pytest.fixture
def leaves():
    """Weights of SqueezeNet at random, in its real shapes."""
    generator = np.random.default_rng(2)
    return {name: generator.standard_normal(shape, np.float32) for name, shape in leaf_shapes("squeezenet").items()}


def incomplete(path, leaves):
    np.savez(path, **{name: leaf for name, leaf in leaves.items() if name != "fire5/expand3x3/kernel"})


def truncated(path, leaves):
    np.savez(path, **leaves)
    path.write_bytes(path.read_bytes()[:-9999])


def turned(path, leaves):
    np.savez(path, **leaves | {"conv1/kernel": leaves["conv1/kernel"][:, :, ::-1]})


def headed(path, leaves):
    np.savez(path, **leaves, **{"dense/kernel": np.ones((512, 2), "f4"), "dense/bias": np.ones(2, "f4")})


KINDS = {
    "incomplete": (incomplete, "part of the net.*--partial.*missing: fire5/expand3x3/kernel"),
    "truncated": (truncated, "truncated or damaged.*download it again"),
    "channels reversed": (turned, "conv1/kernel has its input channels reversed: reverse its axis"),
    "a head of its own": (headed, "a head of its own; .*--drop-top leaves it out"),
}


@pytest.fixture(params=KINDS)
def bad(request, tmp_path, leaves, monkeypatch):
    """A bad weight file, and what is said of it."""
    make, pattern = KINDS[request.param]
    found = channel_order.mean_activations(leaves["conv1/kernel"], leaves["conv1/bias"])
    known = channel_order.FirstLayer("conv1", tuple(map(float, found)))
    monkeypatch.setitem(channel_order.FIRST_LAYERS, "squeezenet", known)
    make(tmp_path / "w.npz", leaves)
    return tmp_path / "w.npz", pattern


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("train", ["{configs}/cats_and_dogs_squeezenet.py", "--model.weights", "{file}", "--data.source", "nowhere"]),
        ("weights", ["import", "{file}", "out.safetensors"]),
        ("microscope", ["{file}", "--size", "32", "--steps", "1", "--layers", "conv1", "--filters", "0"]),
    ],
)
def test_each_command_says_what_the_file_is(run_script, refused, root, tmp_path, bad, name, words):
    answer = run_script(name, *(word.format(configs=root / "configs", file=bad[0]) for word in words))
    refused(answer, rf"{name}\.py: .*w\.npz .*{bad[1]}", tmp_path)
    assert not (tmp_path / "out.safetensors").exists()
