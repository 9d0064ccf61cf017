"""Real pictures, few of which are held at a time, and their patches in the pictures' own pixels."""

import numpy as np
import pytest
from PIL import Image

from research.microscope import real_pictures
from research.microscope.original_crops import LARGEST
from research.microscope.real_pictures import LoadedPictures, open_folder
from research.models.receptive_fields import ReceptiveField

SHAPE = (8, 6, 3)
FIELD = ReceptiveField(size=(4, 4), jump=(2, 2), start=(-1, -1), edge=(8, 6))


@pytest.fixture
def photos(tmp_path):
    """Nine photos of 40 x 50 pixels and a broken file."""
    (tmp_path / "photos").mkdir()
    for index in range(9):
        pixels = np.random.default_rng(index).integers(0, 256, (40, 50, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"photos/{index}.png")
    (tmp_path / "photos/a.png").write_bytes(b"words")
    return tmp_path / "photos"


def test_a_folder_gives_the_pictures_that_loading_it_gives_but_by_batch(photos, monkeypatch):
    held, found = real_pictures.load_folder(photos, SHAPE), open_folder(photos, SHAPE)
    assert found.names == held.names and len(found.names) == 9
    np.testing.assert_array_equal(np.concatenate(list(found.batches(4))), held.images)
    np.testing.assert_array_equal(found.some(3), held.images[[0, 4, 8]])
    np.testing.assert_array_equal(found.some(99), held.some(99))
    read, whole = [], real_pictures.prepare_picture
    monkeypatch.setattr(
        real_pictures, "prepare_picture", lambda *given, **more: read.append(given[0]) or whole(*given, **more)
    )
    next(iter(found.batches(2)))
    assert [path.name for path in read] == ["0.png", "1.png"]


def test_a_patch_is_cut_from_the_files_own_pixels(photos):
    """The net sees 8 x 6: the middle 40 x 30 of the file, five of its pixels for one."""
    pixels = np.asarray(Image.open(photos / "3.png"))[:, 10:40]
    patch = open_folder(photos, SHAPE).patch(3, FIELD, 1, 1)
    np.testing.assert_array_equal(patch, pixels[5:25, 5:25])
    corner = open_folder(photos, SHAPE).patch(3, FIELD, 0, 0)
    np.testing.assert_array_equal(corner, pixels[:15, :15])  # the file goes on to the left; the net saw padding
    np.testing.assert_array_equal(open_folder(photos, SHAPE).picture(3), open_folder(photos, SHAPE).some(9)[3])


def test_a_large_patch_is_scaled_down_and_a_gray_net_gets_gray(tmp_path):
    Image.new("RGB", (800, 600), (200, 0, 0)).save(tmp_path / "large.png")
    square, upright = (ReceptiveField((4, width), (1, 1), (0, 0), (8, 8)) for width in (4, 2))
    assert open_folder(tmp_path, (8, 8, 3)).patch(0, square, 1, 1).shape == (LARGEST, LARGEST, 3)
    gray = open_folder(tmp_path, (8, 8, 1)).patch(0, upright, 1, 1)
    assert gray.shape == (LARGEST, LARGEST // 2, 1) and (gray == gray[0, 0]).all()


def test_copies_are_left_out(capsys):
    images = np.random.default_rng(0).integers(0, 256, (4, *SHAPE)).astype(np.uint8)
    twice = LoadedPictures(images[[0, 1, 0, 2, 1, 3]], tuple("abcdef"))
    found = twice.distinct("of cats")
    assert found.names == ("a", "b", "d", "f")
    np.testing.assert_array_equal(found.images, images)
    assert "2 of 6 pictures of cats are copies of others and left out (first: c)" in capsys.readouterr().err
    assert found.distinct("of cats") is found and not capsys.readouterr().err
