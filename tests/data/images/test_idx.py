import gzip

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from research.data.images.idx import read_folder, read_idx
from research.errors import UserError

IMAGES = np.arange(4 * 3 * 5, dtype=np.uint8).reshape(4, 3, 5)
LABELS = np.array([0, 1, 0, 1])
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(
    array=arrays.arrays(np.uint8, arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=6)),
    zipped=st.booleans(),
)
def test_what_is_written_is_read(tmp_path, idx_bytes, array, zipped):
    content, path = idx_bytes(array), tmp_path / "some-ubyte"
    path.write_bytes(gzip.compress(content) if zipped else content)
    found = read_idx(path, array.ndim)
    assert found.shape == array.shape and found.dtype == np.uint8
    np.testing.assert_array_equal(found, array)


@QUICK
@given(data=st.data(), zipped=st.booleans())
def test_a_file_cut_anywhere_is_refused_by_name(tmp_path, idx_bytes, refusal, data, zipped):
    content = gzip.compress(idx_bytes(IMAGES)) if zipped else idx_bytes(IMAGES)
    path = tmp_path / "cut-ubyte.gz"
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with refusal(path):
        read_idx(path, 3)


@QUICK
@given(position=st.integers(2, 10_000), change=st.integers(1, 255))
def test_a_gzip_with_a_wrong_byte_is_refused_or_read_right(tmp_path, idx_bytes, position, change):
    content = bytearray(gzip.compress(idx_bytes(IMAGES)))
    content[2 + position % (len(content) - 2)] ^= change
    path = tmp_path / "damaged.gz"
    path.write_bytes(content)
    try:  # some bytes of a gzip header, its time say, mean nothing to the content
        np.testing.assert_array_equal(read_idx(path, 3), IMAGES)
    except UserError as error:
        assert str(path) in str(error) and "\n" not in str(error)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "truncated: 0 bytes"),
        (b"\x1f\x8b" + b"garbage" * 9, "cannot be read"),
        (b"\x00\x00\x0d\x03" + bytes(40), "magic number 0x00000d03, not 0x00000803"),
        (b"\x00\x00\x08\x01\x00\x00\x00\x01\x00", "magic number 0x00000801, not 0x00000803"),
        (b"\x00\x00\x08\x03" + b"\xff" * 12, "promises 4294967295 x 4294967295 x 4294967295"),
        (b"\x00\x00\x08\x03" + bytes(4) + b"\xff" * 8, "holds nothing: its header promises 0 x 4294967295"),
    ],
)
def test_what_is_no_idx_file_of_three_axes(tmp_path, refusal, content, complaint):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(content)
    with refusal(path, complaint):
        read_idx(path, 3)


@pytest.mark.parametrize(("extra", "complaint"), [(7, "too long by 7 bytes"), (-7, "truncated: 7 bytes are missing")])
def test_the_header_counts_the_bytes(tmp_path, idx_bytes, refusal, extra, complaint):
    content = idx_bytes(IMAGES)
    path = tmp_path / "wrong-ubyte"
    path.write_bytes(content + bytes(extra) if extra > 0 else content[:extra])
    with refusal(path, complaint, "4 x 3 x 5"):
        read_idx(path, 3)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_folder_gives_train_test_and_names(tmp_path, idx_folder, zipped):
    idx_folder(tmp_path, IMAGES, LABELS, zipped=zipped)
    assert read_folder(tmp_path).images.keys() == {"train"} and read_folder(tmp_path).classes == ()
    idx_folder(tmp_path, IMAGES[:2] + 1, LABELS[:2], "t10k", zipped)
    (tmp_path / "classes.txt").write_bytes("Straße \n\ncafé\n".encode())
    found = read_folder(tmp_path)
    assert found.images.keys() == {"train", "test"} and found.classes == ("Straße", "café")
    np.testing.assert_array_equal(found.images["train"], IMAGES)
    np.testing.assert_array_equal(found.labels["train"], LABELS)
    np.testing.assert_array_equal(found.images["test"], IMAGES[:2] + 1)


def test_class_names_are_read_as_utf8_whatever_the_locale(tmp_path, idx_folder, monkeypatch):
    idx_folder(tmp_path, IMAGES, LABELS)
    (tmp_path / "classes.txt").write_bytes("Straße\ncafé\n".encode())
    monkeypatch.setattr("io.text_encoding", lambda encoding, level=2: encoding or "ascii")
    assert read_folder(tmp_path).classes == ("Straße", "café")


def test_class_names_that_are_no_text(tmp_path, idx_folder, refusal):
    idx_folder(tmp_path, IMAGES, LABELS)
    (tmp_path / "classes.txt").write_bytes(b"\xff\xfe\x00cat")
    with refusal(tmp_path / "classes.txt", "one class name per line"):
        read_folder(tmp_path)
    (tmp_path / "classes.txt").write_bytes(b"\n \n")
    with refusal(tmp_path / "classes.txt", "is blank", "one class name per line"):
        read_folder(tmp_path)


def test_counts_that_differ_name_both_files(tmp_path, idx_folder, refusal):
    idx_folder(tmp_path, IMAGES, LABELS[:3])
    with refusal(tmp_path / "train-images-idx3-ubyte.gz", "4 images", "train-labels-idx1-ubyte.gz 3 labels"):
        read_folder(tmp_path)


@pytest.mark.parametrize("prefix", ["train", "t10k"])
@pytest.mark.parametrize("part", ["images-idx3", "labels-idx1"])
def test_a_companion_that_is_missing_is_named(tmp_path, idx_folder, refusal, prefix, part):
    idx_folder(tmp_path, IMAGES, LABELS)
    idx_folder(tmp_path, IMAGES, LABELS, "t10k")
    lost = tmp_path / f"{prefix}-{part}-ubyte.gz"
    lost.unlink()
    with refusal(f"{lost} is missing"):
        read_folder(tmp_path)
    for packed in tmp_path.glob("*.gz"):
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
    with refusal(f"{lost.with_suffix('')} is missing"):
        read_folder(tmp_path)


def test_a_folder_without_training_files_says_how_to_get_some(tmp_path, idx_folder, refusal):
    with refusal(tmp_path, "train-images-idx3-ubyte.gz", "prepare.py mnist"):
        read_folder(tmp_path)
    idx_folder(tmp_path, IMAGES, LABELS, "t10k")
    with refusal(tmp_path, "train-images-idx3-ubyte.gz"):
        read_folder(tmp_path)


def test_a_folder_without_test_files_says_so(tmp_path, idx_folder):
    idx_folder(tmp_path, IMAGES, LABELS)
    assert "has no t10k files" in read_folder(tmp_path).notes[0]
    idx_folder(tmp_path, IMAGES, LABELS, "t10k")
    assert not read_folder(tmp_path).notes
