import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.data.images import splits
from research.data.images.image_set import fingerprint
from research.data.images.sources import load_images
from research.data.images.splits import hold_out, limited, rows_of

QUICK = settings(max_examples=60, deadline=None)


def labels_of(counts):
    """Labels of so many examples a class, in mixed order."""
    return np.random.default_rng(1).permutation(np.repeat(np.arange(len(counts)), counts)).astype(np.int32)


COUNTS = st.lists(st.integers(1, 40), min_size=2, max_size=6)


@QUICK
@given(counts=COUNTS, share=st.floats(0, 0.95), seed=st.integers(0, 2**31))
def test_the_parts_are_disjoint_complete_and_by_class(counts, share, seed):
    labels = labels_of(counts)
    training, held_out = hold_out(labels, share, seed, "test")
    np.testing.assert_array_equal(np.sort(np.concatenate([training, held_out])), np.arange(len(labels)))
    assert (np.diff(training) > 0).all() and (np.diff(held_out) > 0).all()
    for label, count in enumerate(counts):
        taken = int((labels[held_out] == label).sum())
        assert count - taken >= 1
        assert abs(taken - share * count) <= 1
        assert taken >= 1 or share == 0 or count == 1


@QUICK
@given(counts=COUNTS, seed=st.integers(0, 2**31))
def test_a_draw_depends_on_seed_and_purpose(counts, seed):
    labels = labels_of([count + 20 for count in counts])
    first = hold_out(labels, 0.3, seed, "test")[1]
    np.testing.assert_array_equal(hold_out(labels, 0.3, seed, "test")[1], first)
    assert not np.array_equal(hold_out(labels, 0.3, seed, "validation")[1], first)
    assert not np.array_equal(hold_out(labels, 0.3, seed + 1, "test")[1], first)


def test_a_larger_share_holds_the_smaller():
    small, large = ({*hold_out(labels_of([30, 20]), share, 3, "test")[1].tolist()} for share in (0.2, 0.5))
    assert small < large


@QUICK
@given(counts=COUNTS, data=st.data())
def test_a_limit_is_respected_and_takes_from_all_classes_alike(counts, data):
    labels = labels_of(counts)
    limit = data.draw(st.integers(len(counts), sum(counts)))
    rows = limited(labels, limit, 4)
    assert len(rows) == limit and (np.diff(rows) > 0).all()
    for label, count in enumerate(counts):
        taken = int((labels[rows] == label).sum())
        assert taken >= 1 and abs(taken - limit * count / sum(counts)) <= len(counts)


def test_a_limit_below_one_of_each_class(refusal):
    assert limited(labels_of([3, 3]), None, 0).size == 6 == limited(labels_of([3, 3]), 99, 0).size
    with refusal("train_limit is 2", "3 classes"):
        limited(labels_of([5, 5, 5]), 2, 0)


def digits(**changes):
    settings = {"validation": 0.1, "test": 0.2, "split_seed": 0, "train_limit": None}
    return load_images("digits", None, **(settings | changes))


def test_validation_and_limit_leave_the_test_pictures_alone():
    usual = digits()
    for other in (digits(validation=0.4), digits(validation=0), digits(train_limit=50)):
        np.testing.assert_array_equal(other.images["test"], usual.images["test"])
        np.testing.assert_array_equal(other.labels["test"], usual.labels["test"])
    np.testing.assert_array_equal(digits(train_limit=50).images["validation"], usual.images["validation"])
    assert not np.array_equal(digits(split_seed=1).labels["test"], usual.labels["test"])


def test_the_fingerprint_is_of_everything_that_training_sees():
    usual = digits()
    assert digits().fingerprint == usual.fingerprint
    assert digits(validation=0.2).fingerprint != usual.fingerprint


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_the_fingerprint_changes_with_one_pixel_label_or_name(split):
    labels = {"train": labels_of([3, 4]), "validation": labels_of([2, 2]), "test": labels_of([1, 1])}
    images = {name: np.arange(len(of), dtype=np.uint8)[:, None, None, None] for name, of in labels.items()}
    before = fingerprint(images, labels, ("a", "b"))
    assert len(before) == 16 and set(before) <= set("0123456789abcdef")
    other_images, other_labels = images[split].copy(), labels[split].copy()
    other_images[-1, 0, 0, 0] ^= 1
    other_labels[0] ^= 1
    by_pixel = fingerprint(images | {split: other_images}, labels, ("a", "b"))
    by_label = fingerprint(images, labels | {split: other_labels}, ("a", "b"))
    assert len({before, by_pixel, by_label}) == 3
    assert fingerprint(images, labels, ("a", "c")) != before
    assert fingerprint(images, labels, ("ab", "")) != fingerprint(images, labels, ("a", "b"))


@pytest.fixture
def mapped(tmp_path):
    """A hundred pictures, mapped from a file in a folder of its own."""
    (tmp_path / "cache").mkdir()
    np.save(tmp_path / "cache/a.npy", np.random.default_rng(0).integers(0, 256, (100, 4, 4, 3)).astype(np.uint8))
    return np.load(tmp_path / "cache/a.npy", mmap_mode="r")


@pytest.mark.parametrize("room", [0, 50 * 48 - 1, 50 * 48])
@pytest.mark.parametrize("at_once", [1, 7 * 48, 1 << 20])
def test_a_large_part_of_mapped_pictures_is_mapped_too(mapped, monkeypatch, tmp_path, room, at_once):
    monkeypatch.setattr(splits, "IN_MEMORY", room)
    monkeypatch.setattr(splits, "COPIED_AT_ONCE", at_once)
    rows = np.arange(0, 100, 2)
    found = rows_of(mapped[:], rows)
    np.testing.assert_array_equal(found, np.asarray(mapped)[rows])
    assert isinstance(found, np.memmap) == (room < 50 * 48)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["a.npy"]
    assert not isinstance(rows_of(np.asarray(mapped), rows), np.memmap)  # what is in memory stays there


def test_a_part_that_cannot_be_written_says_so(mapped, monkeypatch, tmp_path, refusal):
    monkeypatch.setattr(splits, "IN_MEMORY", 0)
    (tmp_path / "cache").rename(tmp_path / "gone")
    with refusal("cannot keep drawn pictures at", tmp_path / "cache", "$XDG_CACHE_HOME"):
        rows_of(mapped, np.arange(0, 100, 2))
