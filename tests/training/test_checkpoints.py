import json
import shutil
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from research.errors import UserError
from research.training import checkpoints
from research.trees import named_leaves

STATE = {"a": {"kernel": jnp.arange(600.0).reshape(20, 30), "n": jnp.int32(7)}, "flag": jnp.array([True, False])}


@pytest.fixture
def warned():
    return []


def bump(state):
    return {**state, "a": {"kernel": state["a"]["kernel"] + 1, "n": state["a"]["n"] + 1}}


def save_two(folder):
    checkpoints.save(folder, 1, STATE, {"clock": 1.0})
    checkpoints.save(folder, 2, bump(STATE), {"clock": 2.0})


def equal(leaves, state):
    wanted = named_leaves(state)
    assert leaves.keys() == wanted.keys()
    for name, leaf in wanted.items():
        assert leaves[name].dtype == leaf.dtype
        np.testing.assert_array_equal(leaves[name], leaf)


def test_what_was_saved_comes_back_bit_for_bit(tmp_path, warned):
    save_two(tmp_path / "c")
    leaves, facts = checkpoints.newest(tmp_path / "c", warned.append)
    equal(leaves, bump(STATE))
    assert facts == {"clock": 2.0} and not warned
    restored = checkpoints.fitted(leaves, STATE, tmp_path)
    assert restored["a"]["kernel"].shape == (20, 30)


def test_only_the_newest_two_are_kept(tmp_path, warned):
    for step in (1, 2, 3, 10):
        checkpoints.save(tmp_path, step, STATE, {})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["10", "10.seal.json", "3", "3.seal.json"]


def damages(folder):
    """Every file of the newest checkpoint, flipped in the middle, and cut."""
    for path in sorted(p for p in (folder / "2").rglob("*") if p.is_file() and p.stat().st_size):
        content = path.read_bytes()
        middle = len(content) // 2
        yield path, content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        yield path, content[:middle]
        yield path, b""


def test_any_damage_is_named_and_never_believed(tmp_path):
    folder = tmp_path / "c"
    save_two(folder)
    named = 0
    for path, bad in list(damages(folder)):
        good = path.read_bytes()
        path.write_bytes(bad)
        warned = []
        leaves, _ = checkpoints.newest(folder, warned.append)
        equal(leaves, STATE)
        assert str(folder / "2") in warned[0] and "damaged" in warned[0] and path.name in warned[0]
        named += 1
        path.write_bytes(good)
    assert named >= 5


def test_where_all_are_damaged_none_is_promised(tmp_path):
    save_two(tmp_path)
    for step in "12":
        (tmp_path / step / "_METADATA").write_bytes(b"")
    warned = []
    assert checkpoints.newest(tmp_path, warned.append) is None
    assert [line.rsplit("; ")[1] for line in warned] == ["trying the one before it", "there is none before it"]


def test_a_disk_without_room_is_reported_before_orbax_tries(tmp_path, monkeypatch, capfd):
    save_two(tmp_path)
    monkeypatch.setattr(checkpoints.shutil, "disk_usage", lambda _: SimpleNamespace(free=2000))
    with pytest.raises(UserError, match=r"write checkpoint .*3: it takes 0\.00241 MB and 0\.002 MB are free"):
        checkpoints.save(tmp_path, 3, STATE, {})
    assert not (tmp_path / "3").exists() and (tmp_path / "2").exists()
    assert capfd.readouterr().err == ""
    monkeypatch.setattr(checkpoints.shutil, "disk_usage", lambda _: SimpleNamespace(free=2406))
    checkpoints.save(tmp_path, 3, STATE, {})  # 600 floats, an integer and two truths


def test_a_checkpoint_without_its_seal_does_not_exist(tmp_path, warned):
    save_two(tmp_path)
    (tmp_path / "2.seal.json").unlink()
    equal(checkpoints.newest(tmp_path, warned.append)[0], STATE)


@pytest.mark.parametrize("seal", ["", "{}", "[1]", '{"files": 3, "facts": {}}'])
def test_a_damaged_seal_is_named(tmp_path, warned, seal):
    save_two(tmp_path)
    (tmp_path / "2.seal.json").write_text(seal)
    equal(checkpoints.newest(tmp_path, warned.append)[0], STATE)
    assert "damaged" in warned[0]


def test_nothing_sound_is_none(tmp_path, warned):
    assert checkpoints.newest(tmp_path / "nowhere", warned.append) is None
    checkpoints.save(tmp_path, 1, STATE, {})
    seal = json.loads((tmp_path / "1.seal.json").read_text())
    seal["content"]["facts"] = {"clock": 2.0}
    (tmp_path / "1.seal.json").write_text(json.dumps(seal))
    assert checkpoints.newest(tmp_path, warned.append) is None
    assert "its seal is not as it was written" in warned[0]


def test_what_a_killed_save_left_behind_is_cleared(tmp_path):
    (tmp_path / "7.orbax-checkpoint-tmp").mkdir()
    (tmp_path / "8").mkdir()
    (tmp_path / ".9.seal.json.abc").write_text("")
    checkpoints.save(tmp_path, 9, STATE, {})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["9", "9.seal.json"]


def test_another_models_leaves_are_refused_by_name(tmp_path, warned):
    checkpoints.save(tmp_path, 1, STATE, {})
    leaves, _ = checkpoints.newest(tmp_path, warned.append)
    other = {**STATE, "flag": jnp.array([True])}
    with pytest.raises(UserError, match=r"flag is bool\[2\] there, bool\[1\] here"):
        checkpoints.fitted(leaves, other, tmp_path)


def test_a_full_disk_is_one_line_and_the_old_checkpoint_stays(tmp_path, warned, monkeypatch):
    checkpoints.save(tmp_path, 1, STATE, {})

    class Full:
        def save(self, *_):
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(checkpoints, "_orbax", Full)
        with pytest.raises(UserError, match=r"cannot write checkpoint .*2: .*No space left"):
            checkpoints.save(tmp_path, 2, bump(STATE), {})
    equal(checkpoints.newest(tmp_path, warned.append)[0], STATE)


@pytest.mark.parametrize(
    "tree", [{"a": {"b": 1.0}, "a.b": 2.0}, {"a": {"b": 1.0}, "a/b": 2.0}, {"a/b": 1.0, "a.b": 2.0}]
)
def test_two_names_that_are_one_to_orbax_are_refused_before_it_sees_them(tmp_path, monkeypatch, tree):
    monkeypatch.setattr(checkpoints, "_orbax", None)
    state = {name: value if isinstance(value, dict) else jnp.float32(value) for name, value in tree.items()}
    with pytest.raises(UserError, match=r"a[./]b and a[./]b would be one leaf in a checkpoint; rename one of them"):
        checkpoints.save(tmp_path / "c", 1, state, {})
    assert not (tmp_path / "c").exists()


EVERY_DTYPE = {
    **{
        "half": jnp.arange(3, dtype=jnp.bfloat16),
        "small": jnp.int8(3),
        "long": np.array([2**40]),
        "wide": np.array(0.1),
    },
    **{
        "turned": np.arange(6.0).reshape(2, 3).T,
        "strided": np.arange(10, dtype="f4")[::3],
    },
}


def test_every_dtype_and_every_order_in_memory_comes_back(tmp_path, warned):
    checkpoints.save(tmp_path, 1, EVERY_DTYPE, {})
    leaves, _ = checkpoints.newest(tmp_path, warned.append)
    equal(leaves, EVERY_DTYPE)


@pytest.mark.parametrize("dtype", [np.int32, np.float64])
def test_a_restore_of_another_dtype_than_was_stored_is_an_error(tmp_path, warned, monkeypatch, dtype):
    checkpoints.save(tmp_path, 1, {"n": np.array([2**40])}, {})
    sound = checkpoints._orbax

    class Casting:
        def restore(self, path):
            return {name: leaf.astype(dtype) for name, leaf in sound().restore(path).items()}

    monkeypatch.setattr(checkpoints, "_orbax", Casting)
    with pytest.raises(UserError, match=rf"holds n as int64\[1\], and Orbax restores {np.dtype(dtype)}\[1\]"):
        checkpoints.newest(tmp_path, warned.append)
    assert not warned


def test_facts_are_read_without_the_arrays_and_never_from_a_damaged_seal(tmp_path):
    assert checkpoints.newest_facts(tmp_path / "nowhere") == {}
    save_two(tmp_path)
    shutil.rmtree(tmp_path / "2")
    assert checkpoints.newest_facts(tmp_path) == {"clock": 2.0}
    (tmp_path / "2.seal.json").write_text("{}")
    assert checkpoints.newest_facts(tmp_path) == {"clock": 1.0}
