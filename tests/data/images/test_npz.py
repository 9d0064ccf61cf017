import io
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from research.data.images.npz import read_npz
from research.data.images.sources import load_images
from research.errors import UserError

LABELS = np.arange(12) % 3
IMAGES = np.random.default_rng(2).integers(0, 256, (12, 4, 6)).astype(np.uint8)
IMAGES[0, 0, 0] = 255


@pytest.fixture
def load(tmp_path):
    """The ImageSet of an .npz file of these arrays; its path is a.npz in the test's own folder."""

    def loaded(x=IMAGES, y=LABELS, **more):
        np.savez(tmp_path / "a.npz", x_train=x, y_train=y, **more)
        return load_images("a.npz", None, validation=0, test=0, split_seed=0, train_limit=None)

    return loaded


def test_keras_layout(load):
    found = load(x_test=IMAGES[:6] // 2, y_test=LABELS[:6])
    np.testing.assert_array_equal(found.images["train"], IMAGES[..., None])
    np.testing.assert_array_equal(found.labels["train"], LABELS)
    np.testing.assert_array_equal(found.images["test"], IMAGES[:6, ..., None] // 2)
    assert found.classes == ("0", "1", "2") and found.images["train"].dtype == np.uint8
    assert found.labels["train"].dtype == np.int32


def test_labels_in_a_column_and_pictures_in_colour_as_in_cifar(load):
    colour = np.stack([IMAGES, 255 - IMAGES, IMAGES // 3], axis=-1)
    found = load(colour, LABELS[:, None].astype(np.uint8))
    np.testing.assert_array_equal(found.images["train"], colour)
    np.testing.assert_array_equal(found.labels["train"], LABELS)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floats_up_to_one_are_scaled_and_others_are_not(load, kind):
    np.testing.assert_array_equal(load((IMAGES / 255).astype(kind)).images["train"], IMAGES[..., None])
    np.testing.assert_array_equal(load(IMAGES.astype(kind)).images["train"], IMAGES[..., None])
    np.testing.assert_array_equal(load(IMAGES.astype(np.int64) // 255).images["train"], IMAGES[..., None] // 255)


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.int64])
def test_whole_numbers_beyond_bytes_share_one_range(load, kind):
    """Of all parts: the test part alone would be bytes."""
    deep = IMAGES.astype(kind) * 12
    found = load(deep, x_test=IMAGES.astype(kind), y_test=LABELS)
    np.testing.assert_array_equal(found.images["train"][..., 0], np.rint(deep * (255 / 4095)))
    np.testing.assert_array_equal(found.images["test"][..., 0], np.rint(IMAGES * (255 / 4095)))
    assert found.ranges == {"integers": (0, 4095)}
    assert load().ranges == {} and load(IMAGES / 255).ranges == {"floats": (0, 1)}


@pytest.mark.parametrize("top", [1, 255])
def test_floats_that_overshoot_a_little_are_clipped(load, top):
    images = np.where(IMAGES == 255, top * 1.00001, IMAGES * (top / 255))
    images[1, 1, 1] = top * -1e-6
    expected = np.where(images < 0, 0, IMAGES)
    np.testing.assert_array_equal(load(images).images["train"], expected[..., None])


@pytest.mark.parametrize("top", [1.01, 1.5, 2])
def test_floats_of_which_neither_range_is_likely(load, refusal, top):
    with refusal("a.npz: pixels go up to", f"{top:g}", "too far for 0 to 1", "all but black in 0 to 255"):
        load(IMAGES / 255 * top)
    with refusal("a.npz (test part): pixels go up to", f"{top:g}"):
        load(IMAGES / 255, x_test=IMAGES / 255 * top, y_test=LABELS)


def test_all_parts_are_in_one_range(load, refusal):
    for train, test in ((IMAGES / 255, IMAGES * 1.0), (IMAGES * 1.0, IMAGES / 255), (IMAGES, IMAGES / 255)):
        with refusal("a.npz", "parts differ", f"train {train.dtype} up to", f"test {test.dtype} up to"):
            load(train, x_test=test, y_test=LABELS)


def test_the_range_is_that_of_all_parts(load):
    for scale in (1 / 255, 1.0):
        found = load(IMAGES * scale, x_test=IMAGES // 3 * scale, y_test=LABELS)  # the test part is dim
        np.testing.assert_array_equal(found.images["train"], IMAGES[..., None])
        np.testing.assert_array_equal(found.images["test"], IMAGES[..., None] // 3)
        assert not load(IMAGES * scale, x_test=IMAGES * 0.0, y_test=LABELS).images["test"].any()  # or all black


@pytest.mark.parametrize("names", [np.array(["cat", "dog", "café"]), np.array(["cat", "dog", "café"])[:, None]])
def test_classes_are_named(load, names):
    assert load(classes=names).classes == ("cat", "dog", "café")
    assert load(classes=np.array([b"cat", b"dog", b"eel"])).classes == ("cat", "dog", "eel")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pixels_that_are_no_numbers(load, refusal, value):
    images = IMAGES.astype(float)
    images[3, 1, 1] = value
    with refusal("a.npz", "1 pixels are not finite"):
        load(images)


@pytest.mark.parametrize(
    ("images", "complaint"),
    [
        (IMAGES.astype(int) - 300, "pixels go from -300"),
        (IMAGES * 2.0, "to 510"),
        (IMAGES.astype(int) * 300, "up to 65,535"),
        (IMAGES > 9, "images are bool"),
        (IMAGES.astype("m8[s]"), "images are timedelta64"),
        (IMAGES.astype(complex), "images are complex128"),
        (IMAGES.astype(str), "images are <U3"),
        (IMAGES.reshape(12, 24), "shape (12, 24)"),
        (np.repeat(IMAGES[..., None], 17, axis=3), "shape (12, 4, 6, 17)"),
        (IMAGES[:11], "11 images but 12 labels"),
        (IMAGES[:, :0], "no pictures in it: images have shape (12, 0, 6)"),
    ],
)
def test_images_that_do_not_do(load, refusal, images, complaint):
    with refusal("a.npz", complaint):
        load(images)


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        (LABELS - 1, "label -1 is out of range"),
        (LABELS + 0.5, "whole numbers"),
        (np.where(LABELS == 0, np.nan, LABELS), "whole numbers"),
        (LABELS.astype(str), "whole numbers"),
        (LABELS.astype("m8[s]"), "whole numbers"),
        (np.where(LABELS == 2, 2**31, LABELS), "label 2147483648 is out of range"),
        (LABELS * 2, "class 1 is empty"),
        (np.append(LABELS[:-1], 255), "label 255 after labels 0 to 2: no training picture has labels 3 to 254;"),
        (LABELS * 3, "label 3 after label 0: no training picture has labels 1 to 2;"),
        (LABELS + 7, "label 7 is the lowest: no training picture has labels 0 to 6;"),
        (LABELS + 1, "class 0 is empty"),
        (np.where(LABELS == 2, 2**31 - 1, LABELS), "label 2147483647 after labels 0 to 1: "),
        (LABELS * 0, "two classes"),
        (np.eye(3)[LABELS], "shape (12, 3)"),
        (LABELS[:5], "12 images but 5 labels"),
    ],
)
def test_labels_that_do_not_do(load, refusal, labels, complaint):
    with refusal("a.npz", complaint):
        load(y=labels)


def test_names_and_labels_that_do_not_agree(load, refusal):
    with refusal("a.npz", "label 2 is out of range", "2 classes"):
        load(classes=np.array(["cat", "dog"]))
    with refusal("a.npz", "class eel is empty"):
        load(classes=np.array(["cat", "dog", "ape", "eel"]))
    with refusal("a.npz", "a class has a blank name"):
        load(classes=np.array(["cat", " ", "ape"]))
    with refusal("a.npz", "classes is empty"):
        load(classes=np.array([], str))
    with refusal("a.npz", "test label 3 is out of range"):
        load(x_test=IMAGES[:4], y_test=np.arange(4))


def test_test_pictures_of_another_size(load, refusal):
    with refusal("a.npz", "4x6x1 and 6x4x1"):
        load(x_test=IMAGES.reshape(12, 6, 4), y_test=LABELS)


def test_half_a_test_part(load, refusal):
    with refusal("a.npz", "only one of x_test and y_test"):
        load(x_test=IMAGES)


def test_missing_keys_are_named_with_those_there(tmp_path, refusal):
    np.savez(tmp_path / "b.npz", data=IMAGES, y_train=LABELS)
    with refusal("b.npz", "no x_train", "data, y_train"):
        read_npz(tmp_path / "b.npz")
    np.savez(tmp_path / "b.npz", **{"x_tr\nain\x1b[2J": IMAGES})
    with refusal("b.npz", r"it has x_tr\nain\x1b[2J"):
        read_npz(tmp_path / "b.npz")


class _Trap:
    """Makes a folder when it is unpickled."""

    def __reduce__(self):
        return __import__("os").mkdir, ("sprung",)


@pytest.mark.parametrize("name", ["x_train", "classes"])
def test_pickled_objects_are_refused_and_not_run(load, refusal, tmp_path, name):
    trap = np.array([_Trap()] * 12, dtype=object)
    with refusal("a.npz", name, "pickled"):
        if name == "x_train":
            load(trap)
        else:
            load(classes=trap)
    assert not (tmp_path / "sprung").exists()


def test_other_files_by_that_name(tmp_path, refusal):
    path = tmp_path / "c.npz"
    lone = io.BytesIO()
    np.save(lone, IMAGES)
    for content in (b"", b"text, no archive", lone.getvalue(), b"\x80\x04\x95garbage"):
        path.write_bytes(content)
        with refusal(path):
            read_npz(path)


@pytest.mark.parametrize("rows", [10**15, 10**18, 10**30])
def test_an_array_that_claims_more_than_any_memory(tmp_path, refusal, rows):
    path = tmp_path / "c.npz"
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": (rows, 4, 6)})
    with zipfile.ZipFile(path, "w") as archive:  # sums of a zip are right, only the header lies
        for name in ("x_train", "y_train"):
            archive.writestr(f"{name}.npy", head.getvalue() + bytes(24))
    with refusal(path, "not a sound .npz file"):
        read_npz(path)


def test_a_file_that_is_locked_by_a_password(tmp_path, refusal):
    path = tmp_path / "c.npz"
    np.savez(path, x_train=IMAGES, y_train=LABELS)
    content = path.read_bytes().replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01")
    content = content.replace(b"PK\x01\x02-\x03-\x00\x00", b"PK\x01\x02-\x03-\x00\x01")
    path.write_bytes(content)
    with refusal(path, "not a sound .npz file", "encrypted"):
        read_npz(path)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 10_000), change=st.integers(0, 255))
@example(position=3550, change=120)  # a line end in an array's name
def test_a_damaged_file_is_refused_or_read_right(tmp_path, position, change):
    """change 0: cut at `position`; else one byte changed there."""
    file = io.BytesIO()
    np.savez_compressed(file, x_train=IMAGES, y_train=LABELS)
    content = bytearray(file.getvalue())
    position %= len(content)
    content[position] ^= change
    path = tmp_path / "damaged.npz"
    path.write_bytes(content if change else content[:position])
    try:
        found = read_npz(path)
    except UserError as error:
        assert str(path) in str(error) and "\n" not in str(error)
    else:
        np.testing.assert_array_equal(found.images["train"], IMAGES)
        np.testing.assert_array_equal(found.labels["train"], LABELS)
