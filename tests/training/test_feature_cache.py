import resource

import numpy as np
import pytest

from research.errors import UserError
from research.training.feature_cache import cached, key_of

FEATURES = np.random.default_rng(0).random((7, 2, 3)).astype(np.float32)


@pytest.fixture
def compute():
    def pieces():
        pieces.calls += 1
        yield FEATURES[:4]
        yield FEATURES[4:]

    pieces.calls = 0
    return pieces


def test_features_are_computed_once(tmp_path, compute):
    for _ in range(2):
        np.testing.assert_array_equal(cached(tmp_path, "k", 7, compute), FEATURES)
    assert compute.calls == 1
    cached(tmp_path, "other", 7, compute)
    assert compute.calls == 2


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:200] + bytes([b[200] ^ 1]) + b[201:], lambda b: b""])
def test_a_damaged_cache_is_computed_again(tmp_path, compute, damage):
    cached(tmp_path, "k", 7, compute)
    path = tmp_path / "k.npy"
    path.write_bytes(damage(path.read_bytes()))
    np.testing.assert_array_equal(cached(tmp_path, "k", 7, compute), FEATURES)
    assert compute.calls == 2


@pytest.mark.parametrize("seal", ["", "{}", "[1]", '{"sha256": "0", "content": {}}'])
def test_a_cache_without_a_sound_seal_is_computed_again(tmp_path, compute, seal):
    cached(tmp_path, "k", 7, compute)
    (tmp_path / "k.json").write_text(seal)
    np.testing.assert_array_equal(cached(tmp_path, "k", 7, compute), FEATURES)
    assert compute.calls == 2


def test_a_computation_cut_off_leaves_nothing_behind(tmp_path):
    def broken():
        yield FEATURES[:4]
        raise RuntimeError("cut off")

    with pytest.raises(RuntimeError):
        cached(tmp_path, "k", 7, broken)
    assert not list(tmp_path.glob("*.npy"))


def test_a_path_that_cannot_be_written_is_one_line(tmp_path, compute):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot keep features"):
        cached(tmp_path / "file", "k", 7, compute)


def test_every_part_of_a_key_counts():
    assert len({key_of("a", "b"), key_of("ab", ""), key_of("a", "b", ""), key_of("b", "a")}) == 4


def test_a_disk_that_fills_up_is_one_line_and_leaves_nothing(tmp_path):
    """Through a memory mapping it would be a signal, which no one can catch."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
    try:
        with pytest.raises(UserError, match=r"cannot keep features.*; free some space"):
            cached(tmp_path, "k", 1 << 15, lambda: iter([np.zeros((1 << 15, 4), np.float32)]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.glob("*.npy"))
