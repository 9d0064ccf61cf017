import os
import struct
import subprocess
import sys
import threading
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from research.data.images import decoding, folder_pixels
from research.data.images.folders import read_image_folder
from research.data.images.pictures import prepare_picture
from research.data.images.sources import load_images
from research.data.paths import picture_cache

TONES = {"cats": 40, "dogs": 200}


def photo(tone, index=0, size=(30, 20)):
    """A smooth picture [H, W, 3] of about that tone, different for each `index`; `size` is (width, height)."""
    across, down = np.meshgrid(np.linspace(0, 20, size[0]), np.linspace(0, 15, size[1]))
    return np.stack([tone + across, tone + down, np.full_like(across, tone + index % 30)], axis=-1).astype(np.uint8)


def fill(folder, counts, kind="png", start=0):
    """`counts` {class: how many} pictures in folders of `folder`, no two alike."""
    for name, count in counts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(start, start + count):
            tone = TONES.get(name, 100)
            Image.fromarray(photo(tone, index)).save(folder / name / f"{name}.{index:03}.{kind}", quality=95)
    return folder


@pytest.fixture
def pets(tmp_path):
    """train 12 + 12, validation 4 + 4, test 6 + 6, all different."""
    start = 0
    for split, count in (("train", 12), ("validation", 4), ("test", 6)):
        fill(tmp_path / "pets" / split, dict.fromkeys(TONES, count), start=start)
        start += count
    return tmp_path / "pets"


@pytest.fixture
def flat(tmp_path):
    """One folder of two classes, 30 + 20."""
    fill(tmp_path / "flat", {"cats": 30})
    return fill(tmp_path / "flat", {"dogs": 20})


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "pixels"


@pytest.fixture
def no_decoding(monkeypatch):
    """From the moment it is called, a decoder that must not be."""

    def forbid():
        def refuse(*arguments, **options):
            raise AssertionError("decoded again")

        monkeypatch.setattr(decoding, "decode", refuse)

    return forbid


def load(folder, **changes):
    settings = {"validation": 0.25, "test": 0.2, "split_seed": 0, "train_limit": None, "size": 8}
    return load_images(str(folder), None, **(settings | changes))


def files(remarks):
    return [remark.file for remark in remarks]


def same_arrays(one, other):
    assert one.images.keys() == other.images.keys() and one.labels.keys() == other.labels.keys()
    for split in one.images:
        np.testing.assert_array_equal(one.images[split], other.images[split])
        np.testing.assert_array_equal(one.labels[split], other.labels[split])


def same_arrays_of_train(one, other):
    np.testing.assert_array_equal(one.images["train"], other.images["train"])
    np.testing.assert_array_equal(one.labels["train"], other.labels["train"])


def test_every_picture_has_its_row_and_label(pets, cache):
    found = read_image_folder(pets, 10, cache=cache)
    assert found.classes == ("cats", "dogs") and found.findings.document()["pictures"] == 44
    assert found.images.keys() == found.labels.keys() == {"train", "validation", "test"}
    for split in found.images:
        paths = sorted((pets / split).glob("*/*.png"))
        assert found.labels[split].tolist() == [found.classes.index(path.parent.name) for path in paths]
        for pixels, path in zip(found.images[split], paths, strict=True):
            expected = Image.open(path).resize((10, 10), Image.Resampling.BILINEAR)
            np.testing.assert_array_equal(pixels, np.asarray(expected))


def test_a_picture_of_the_right_size_is_unchanged_to_the_bit(tmp_path, cache):
    fill(tmp_path / "set", TONES | {"cats": 1, "dogs": 1})
    exact = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    Image.fromarray(exact).save(tmp_path / "set/cats/cats.000.png")
    np.testing.assert_array_equal(read_image_folder(tmp_path / "set", 16, cache=cache).images["train"][0], exact)


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_its_own_validation_and_test_parts_are_used(pets, name):
    (pets / "validation").rename(pets / name)
    found = load(pets, validation=0.9, test=0.9)
    assert {split: len(labels) for split, labels in found.labels.items()} == {
        "train": 24,
        "validation": 8,
        "test": 12,
    }
    assert np.array_equal(found.images["validation"][..., 2].max(axis=(1, 2)), [*range(52, 56), *range(212, 216)])


def test_parts_that_are_absent_are_drawn_by_class_and_seed(flat):
    found = load(flat)
    assert {split: np.bincount(labels).tolist() for split, labels in found.labels.items()} == {
        "train": [18, 12],
        "validation": [6, 4],
        "test": [6, 4],
    }
    images = np.concatenate([*found.images.values()])
    assert len({picture.tobytes() for picture in images}) == 50  # each picture in one part
    assert load(flat).fingerprint == found.fingerprint != load(flat, split_seed=1).fingerprint


@pytest.mark.parametrize("layout", ["pets", "flat"])
def test_the_same_pictures_are_known_at_any_size(layout, request):
    """By what files are in which split and class, whatever is made of them and of their names."""
    folder = request.getfixturevalue(layout)
    found = [load(folder, size=size, gray=gray) for size, gray in ((8, False), (9, False), (8, True))]
    assert len({each.fingerprint for each in found}) == 3 and len({each.content_fingerprint for each in found}) == 1
    usual = found[0].content_fingerprint
    assert len(usual) == 16 and set(usual) <= set("0123456789abcdef")
    assert load(folder, train_limit=5).content_fingerprint != usual
    assert (
        layout == "pets"
        or load(folder, split_seed=1).content_fingerprint != usual != load(folder, test=0.3).content_fingerprint
    )
    path = next(folder.rglob("cats/cats.000.png"))
    whole = path.read_bytes()
    path.write_bytes(whole + b"x")  # behind the end of the picture: another file, the same pixels
    again = load(folder)
    assert again.content_fingerprint != usual and again.fingerprint == found[0].fingerprint
    path.write_bytes(whole)
    broken = path.with_name("broken.png")
    broken.write_bytes(b"words")
    assert load(folder).content_fingerprint == load(folder, size=9).content_fingerprint
    broken.unlink()
    path.rename(path.with_name("cats.0000.png"))
    assert load(folder).content_fingerprint == usual
    path.with_name("cats.0000.png").rename(path.parents[1] / "dogs/another.png")
    assert load(folder).content_fingerprint != usual


def test_a_source_of_one_size_is_known_by_its_pixels(small_npz):
    found = load(small_npz, size=None)
    assert found.content_fingerprint == found.fingerprint


def test_the_arrays_are_views_of_the_cache_where_nothing_is_drawn(pets, flat):
    found = load(pets)
    for images in found.images.values():
        assert isinstance(images, np.memmap) and images.base is not None
        assert not images.flags.owndata and not images.flags.writeable
    assert load(flat, validation=0, test=0).images["train"].base is not None


def test_gray_is_one_channel(pets, cache):
    found = read_image_folder(pets, 10, gray=True, cache=cache)
    path = sorted((pets / "train/cats").iterdir())[0]
    expected = np.asarray(Image.open(path).convert("L").resize((10, 10), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(found.images["train"][0, ..., 0], expected)
    assert found.images["train"].shape == (24, 10, 10, 1)


def in_form(form, folder):
    """The same picture, 80 above and 180 below, in a file of some form."""
    pixels = np.full((24, 24), 80, np.uint8)
    pixels[12:] = 180
    gray, path, more = Image.fromarray(pixels), folder / f"form.{'jpg' if 'JPEG' in form else 'png'}", {}
    if form == "JPEG turned":
        more["exif"] = Image.Exif()
        more["exif"][0x0112] = 6
        gray = gray.transpose(Image.Transpose.ROTATE_90)
    elif form == "JPEG CMYK":
        gray = Image.merge("RGB", [gray] * 3).convert("CMYK")
    elif form == "16 bits":
        gray = Image.fromarray(pixels.astype(np.uint16) * 257)
    elif form == "transparent":
        gray.putalpha(Image.new("L", gray.size, 255))
    elif form == "palette":
        gray = gray.convert("P")
    gray.save(path, **more)


DEEP = {  # writers of whole numbers of 16 bits
    "PNG": lambda values, path: Image.fromarray(values).save(path.with_suffix(".png")),
    "TIFF": lambda values, path: Image.fromarray(values).save(path.with_suffix(".tif")),
    "big endian": lambda values, path: Image.frombytes(
        "I;16B", values.shape[::-1], values.astype(">u2").tobytes()
    ).save(path.with_suffix(".tif")),
    "32 bits": lambda values, path: Image.fromarray(values.astype(np.int32)).save(path.with_suffix(".tif")),
}


@pytest.mark.parametrize("form", DEEP)
def test_pictures_of_16_bits_share_one_range(tmp_path, cache, form, no_decoding):
    """A camera of 12 bits: a dark picture stays dark, a bright one bright, and what is in between keeps its order."""
    levels = {"cats": (100, 250), "dogs": (1500, 3000)}
    for name, tops in levels.items():
        (tmp_path / "set" / name).mkdir(parents=True)
        for index, top in enumerate(tops):
            ramp = np.linspace(0, top, 64).reshape(8, 8).astype(np.uint16)
            DEEP[form](ramp, tmp_path / "set" / name / str(index))
    found = read_image_folder(tmp_path / "set", 8, gray=True, cache=cache)
    assert found.images["train"].max(axis=(1, 2, 3)).tolist() == [
        round(top / 4095 * 255) for top in (100, 250, 1500, 3000)
    ]
    assert found.ranges == {"integers": (0, 4095)}
    assert load(tmp_path / "set", gray=True, test=0, validation=0).ranges == found.ranges
    no_decoding()
    assert read_image_folder(tmp_path / "set", 8, gray=True, cache=cache).ranges == found.ranges


def png_of_16_bits(values, path):
    """A PNG of 16 bits a channel; `values` [H, W, channels] are gray with transparency (2), colour (3) or both (4)."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width, channels = values.shape
    head = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    content = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.with_suffix(".png").write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def in_channels(count):
    """A writer of 16 bits in `count` channels; the last of 2 and 4 is opacity."""

    def write(values, path):
        channels = np.repeat(values[..., None], count, axis=2)
        if count != 3:
            channels[..., -1] = 65535
        png_of_16_bits(channels, path)

    return write


CUT = {  # writers of whole numbers of 16 bits of which the upper 8 count
    "gray and opacity": in_channels(2),
    "colour": in_channels(3),
    "colour and opacity": in_channels(4),
    "PGM": lambda values, path: path.with_suffix(".pgm").write_bytes(
        b"P5\n8 8\n65535\n" + values.astype(">u2").tobytes()
    ),
    "PPM": lambda values, path: path.with_suffix(".ppm").write_bytes(
        b"P6\n8 8\n65535\n" + np.repeat(values[..., None], 3, axis=2).astype(">u2").tobytes()
    ),
}


@pytest.mark.parametrize("form", CUT)
def test_pictures_that_become_all_but_black_are_named(tmp_path, cache, form, no_decoding):
    """Such as those of a camera of 12 bits; a gray file of any bits has the range of its set instead."""
    for name, top in {"cats": 3000, "dogs": 60_000}.items():
        (tmp_path / "set" / name).mkdir(parents=True)
        CUT[form](np.linspace(0, top, 64).reshape(8, 8).astype(np.uint16), tmp_path / "set" / name / "a")
        DEEP["TIFF"](np.linspace(0, 9, 64).reshape(8, 8).astype(np.uint16), tmp_path / "set" / name / "b")
    (note,) = read_image_folder(tmp_path / "set", 8, cache=cache).notes
    assert "1 picture is all but black" in note and "first: cats/a." in note and "\n" not in note
    no_decoding()
    assert read_image_folder(tmp_path / "set", 8, cache=cache).notes == (note,)
    dark, bright = (next((tmp_path / "set" / name).glob("a.*")) for name in ("cats", "dogs"))
    assert any("all but black" in step for step in prepare_picture(dark, (8, 8, 3), None).steps)
    assert not any("all but black" in step for step in prepare_picture(bright, (8, 8, 3), None).steps)


def test_floats_share_one_range_beside_that_of_whole_numbers(tmp_path, cache):
    for name, share in (("cats", 0.4), ("dogs", 0.9)):
        (tmp_path / "set" / name).mkdir(parents=True)
        Image.fromarray(np.full((8, 8), share, np.float32)).save(tmp_path / "set" / name / "a.tif")
        Image.fromarray(np.full((8, 8), round(share * 200), np.uint16)).save(tmp_path / "set" / name / "b.png")
        Image.fromarray(np.full((8, 8), round(share * 255), np.uint8)).save(tmp_path / "set" / name / "c.png")
    found = read_image_folder(tmp_path / "set", 8, gray=True, cache=cache)
    assert found.images["train"][:, 0, 0, 0].tolist() == [102, 80, 102, 229, 180, 230]
    assert found.ranges == {"floats": (0, 1), "integers": (0, 255)}


def test_a_set_of_8_bits_has_no_range(pets, cache):
    assert read_image_folder(pets, 8, cache=cache).ranges == {}


@pytest.mark.parametrize("form", ["gray", "JPEG turned", "JPEG CMYK", "16 bits", "transparent", "palette"])
def test_all_forms_come_upright_in_colour(tmp_path, cache, form):
    fill(tmp_path / "set", {"dogs": 3})
    (tmp_path / "set/cats").mkdir()
    in_form(form, tmp_path / "set/cats")
    found = read_image_folder(tmp_path / "set", 8, cache=cache)
    assert found.images["train"].shape == (4, 8, 8, 3) and not found.findings.quarantined
    assert np.abs(found.images["train"][0, :3].astype(int) - 80).max() <= 3
    assert np.abs(found.images["train"][0, 5:].astype(int) - 180).max() <= 3


def test_a_second_read_decodes_nothing(pets, no_decoding):
    before = load(pets)
    no_decoding()
    again = load(pets)
    same_arrays(before, again)
    assert again.fingerprint == before.fingerprint and again.findings == before.findings
    assert sorted(path.suffix for path in picture_cache().iterdir()) == [".json", ".lock", ".npy"]


def test_its_pictures_are_known_to_be_squashed(pets):
    assert load(pets).squashed


def test_a_copy_elsewhere_is_the_same_set(pets, cache, no_decoding):
    before = read_image_folder(pets, 8, cache=cache)
    for path in pets.rglob("*.png"):
        os.utime(path, (1, 1))
    moved = pets.rename(pets.with_name("animals"))
    no_decoding()
    same_arrays(before, read_image_folder(moved, 8, cache=cache))


def test_the_cache_is_a_plain_npy_file(pets, cache):
    found = read_image_folder(pets, 8, cache=cache)
    (path,) = cache.glob("*.npy")
    np.testing.assert_array_equal(np.load(path)[:24], found.images["train"])
    assert np.load(path).shape == (44, 8, 8, 3)


def rewritten(pets, monkeypatch):
    """Other pixels under the same name, size in bytes and times."""
    path = pets / "train/cats/cats.000.bmp"
    status = path.stat()
    Image.fromarray(photo(90)).save(path)
    assert path.stat().st_size == status.st_size
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def renamed(pets, monkeypatch):
    (pets / "train/cats/cats.001.png").rename(pets / "train/dogs/cats.001.png")


def removed(pets, monkeypatch):
    (pets / "train/cats/cats.001.png").unlink()


def added(pets, monkeypatch):
    Image.fromarray(photo(90)).save(pets / "train/cats/another.png")


def upgraded(pets, monkeypatch):
    monkeypatch.setattr(decoding, "version", lambda: "Pillow 99")
    monkeypatch.setattr(decoding, "squashed", lambda image, size: np.zeros((size, size, 3), np.uint8))


@pytest.mark.parametrize("change", [rewritten, renamed, removed, added, upgraded])
def test_a_cache_that_is_stale_is_never_used(pets, tmp_path, cache, monkeypatch, change):
    (pets / "train/cats/cats.000.png").unlink()
    Image.fromarray(photo(40)).save(pets / "train/cats/cats.000.bmp")
    before = read_image_folder(pets, 8, cache=cache)
    change(pets, monkeypatch)
    found = read_image_folder(pets, 8, cache=cache)
    same_arrays(found, read_image_folder(pets, 8, cache=tmp_path / "fresh"))
    assert (
        found.images["train"].tobytes() + found.labels["train"].tobytes()
        != before.images["train"].tobytes() + before.labels["train"].tobytes()
    )


def test_sizes_and_colours_are_cached_side_by_side(pets, cache, no_decoding):
    settings = [(8, False), (9, False), (8, True)]
    for again in range(2):
        found = [
            read_image_folder(pets, size, gray=gray, cache=cache).images["train"].shape[1:] for size, gray in settings
        ]
        assert found == [(8, 8, 3), (9, 9, 3), (8, 8, 1)]
        if not again:
            no_decoding()


def flipped(path, index):
    content = bytearray(path.read_bytes())
    content[index] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "a bit of a pixel": lambda npy, json: flipped(npy, 3000),
    "a bit of the header": lambda npy, json: flipped(npy, 60),
    "the end is missing": lambda npy, json: npy.write_bytes(npy.read_bytes()[:-1]),
    "too long": lambda npy, json: npy.write_bytes(npy.read_bytes() + b"x"),
    "empty": lambda npy, json: npy.write_bytes(b""),
    "gone": lambda npy, json: npy.unlink(),
    "no seal": lambda npy, json: json.unlink(),
    "a seal of something else": lambda npy, json: json.write_text('{"seal": "0", "content": {"count": 1}}'),
    "a seal that is no JSON": lambda npy, json: json.write_bytes(b"\xff{"),
    "a seal that is a list": lambda npy, json: json.write_text("[1]"),
    "other notes": lambda npy, json: json.write_text(json.read_text().replace('"broken": {}', '"broken": {"a": "b"}')),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_cache_that_is_damaged_is_built_anew(pets, cache, damage):
    before = read_image_folder(pets, 8, cache=cache)
    (npy,), (json,) = cache.glob("*.npy"), cache.glob("*.json")
    sound, images = (npy.read_bytes(), json.read_bytes()), before.images["train"].copy()
    del before  # its mapping would be cut short with the file
    DAMAGES[damage](npy, json)
    np.testing.assert_array_equal(read_image_folder(pets, 8, cache=cache).images["train"], images)
    assert (npy.read_bytes(), json.read_bytes()) == sound


def test_an_interrupted_read_leaves_nothing(pets, cache, monkeypatch):
    decode, count = decoding.decode, iter(range(99))

    def interrupted(*arguments, **options):
        if next(count) == 20:
            raise KeyboardInterrupt
        return decode(*arguments, **options)

    monkeypatch.setattr(decoding, "decode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        read_image_folder(pets, 8, cache=cache)
    assert [path.suffix for path in cache.iterdir()] == [".lock"]
    monkeypatch.setattr(decoding, "decode", decode)
    assert len(read_image_folder(pets, 8, cache=cache).labels["train"]) == 24


def test_what_a_killed_process_left_is_cleared_away(pets, cache):
    read_image_folder(pets, 8, cache=cache)
    (npy,) = cache.glob("*.npy")
    npy.unlink()
    (cache / f".{npy.stem}.leftover").write_bytes(b"half")
    (cache / ".otherkey.leftover").write_bytes(b"half")
    read_image_folder(pets, 8, cache=cache)
    assert [path.name for path in cache.glob(".*")] == [".otherkey.leftover"]


RACER = """
import sys, time
from pathlib import Path
from research.data.images import decoding
from research.data.images.folders import read_image_folder
decode, count = decoding.decode, []
def slow(*arguments, **options):
    count.append(1)
    time.sleep(0.02)
    return decode(*arguments, **options)
decoding.decode = slow
print("ready", flush=True)
sys.stdin.readline()
found = read_image_folder(Path(sys.argv[1]), 8, cache=Path(sys.argv[2]))
print(len(count), int(found.images["train"].sum()))
"""


def test_of_two_processes_that_race_one_decodes_and_both_read(pets, cache, root):
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, pets, cache],
            cwd=root,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("\n")
        racer.stdin.flush()
    printed = [tuple(map(int, racer.communicate()[0].split())) for racer in racers]
    total = int(read_image_folder(pets, 8, cache=cache).images["train"].sum())
    assert sorted(printed) == [(0, total), (44, total)]


def test_a_cache_that_cannot_be_written_says_so(pets, tmp_path, refusal):
    (tmp_path / "pixels").write_text("a file in the way")
    with refusal("cannot keep decoded pictures", tmp_path / "pixels", "$XDG_CACHE_HOME"):
        read_image_folder(pets, 8, cache=tmp_path / "pixels")


BROKEN = {
    "text.jpg": (b"just some words", "not a picture"),
    "empty.png": (b"", "empty"),
    "cut.png": (None, "truncated"),
    "postscript.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
    "link.jpg": ("nowhere", "a link to nothing"),
    "itself.jpg": ("itself.jpg", "link"),
}


def spoil(folder, name):
    content, reason = BROKEN[name]
    if isinstance(content, str):
        (folder / name).symlink_to(content)
    else:
        whole = next(folder.glob("*.png")).read_bytes()
        (folder / name).write_bytes(whole[: len(whole) // 2] if content is None else content)
    return reason


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_left_out_and_listed(flat, cache, no_decoding, name):
    whole = read_image_folder(flat, 8, cache=cache)
    reason = spoil(flat / "cats", name)
    found = read_image_folder(flat, 8, cache=cache)
    same_arrays_of_train(found, whole)
    assert files(found.findings.quarantined) == [f"cats/{name}"]
    assert reason in found.findings.quarantined[0].reason and "\n" not in found.findings.quarantined[0].reason
    assert found.findings.pictures == 51
    no_decoding()
    assert read_image_folder(flat, 8, cache=cache).findings == found.findings


def test_a_pipe_does_not_hang(flat, cache):
    os.mkfifo(flat / "cats/pipe.jpg")
    assert read_image_folder(flat, 8, cache=cache).findings.quarantined[0] == ("cats/pipe.jpg", "it is not a file")


def test_labels_stay_with_their_pictures_when_some_are_left_out(flat, cache):
    (flat / "cats/cats.000.png").write_bytes(b"gone bad")
    (flat / "dogs/dogs.007.png").write_bytes(b"gone bad")
    found = read_image_folder(flat, 8, cache=cache)
    images, labels = found.images["train"], found.labels["train"]
    assert np.bincount(labels).tolist() == [29, 19]
    assert ((images.mean(axis=(1, 2, 3)) > 128) == labels).all()


def test_what_a_decoder_warns_of_is_read_and_the_filters_stay(flat, cache):
    torn = b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01"  # five entries announced, none there
    Image.fromarray(photo(40)).save(flat / "cats/torn.jpg", exif=torn)
    with pytest.warns(UserWarning, match="EXIF"), Image.open(flat / "cats/torn.jpg") as file:
        file.getexif()
    filters = list(warnings.filters)
    found = read_image_folder(flat, 8, cache=cache)
    assert len(found.labels["train"]) == 51 and not found.findings.quarantined
    assert list(warnings.filters) == filters


def test_more_broken_files_than_the_limit_are_an_error(flat, cache, refusal):
    for name in list(BROKEN)[:3]:
        spoil(flat / "dogs", name)
    with refusal(flat, "3 of 53 pictures cannot be read", "more than 5%", "first: dogs/cut.png: ", "truncated"):
        read_image_folder(flat, 8, cache=cache)
    assert len(read_image_folder(flat, 8, cache=cache, limit_broken=0.1).findings.quarantined) == 3
    with refusal("3 of 53"):  # although they are cached now
        read_image_folder(flat, 8, cache=cache)


def test_all_files_broken_is_the_same_error(tmp_path, cache, refusal):
    for name in TONES:
        (tmp_path / "set" / name).mkdir(parents=True)
        (tmp_path / "set" / name / "a.png").write_bytes(b"")
    with refusal("2 of 2 pictures cannot be read", "cats/a.png: it is empty"):
        read_image_folder(tmp_path / "set", 8, cache=cache)


def test_a_class_left_without_a_picture_is_an_error(flat, cache, refusal):
    (flat / "birds").mkdir()
    (flat / "birds/a.jpg").write_bytes(b"words")
    with refusal(f"class folder {flat / 'birds'} holds no picture that can be read"):
        read_image_folder(flat, 8, cache=cache)


def test_a_picture_is_read_as_what_its_content_is_and_a_wrong_name_is_listed(flat, cache):
    before = read_image_folder(flat, 8, cache=cache)
    (flat / "cats/cats.000.png").rename(flat / "cats/cats.000.jpg")
    Image.fromarray(photo(40, 1)).save(flat / "cats/cats.001.PNG")  # capitals are the same kind
    (flat / "cats/cats.001.png").unlink()
    found = read_image_folder(flat, 8, cache=cache)
    same_arrays_of_train(found, before)
    assert found.findings.misnamed == (("cats/cats.000.jpg", "its content is PNG"),)
    assert not found.findings.quarantined and not before.findings.misnamed
    assert found.findings.summary() == "1 read though named as another kind (cats/cats.000.jpg: its content is PNG)"


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000", "TGA", "ICO", "PCX"])
def test_a_whole_set_under_the_wrong_name_is_no_broken_one(flat, cache, kind):
    """As pages of the web are saved: every second file is a .jpg by name alone. None counts against the 5%."""
    for path in sorted(flat.glob("*/*.png"))[::2]:
        with Image.open(path) as picture:
            picture.save(path.with_suffix(".jpg"), kind)
        path.unlink()
    (flat / "cats/words.jpg").write_bytes(b"words")
    found = read_image_folder(flat, 8, cache=cache)
    assert np.bincount(found.labels["train"]).tolist() == [30, 20]
    assert len(found.findings.misnamed) == 25 and files(found.findings.quarantined) == ["cats/words.jpg"]


def test_a_camera_s_jpeg_with_a_second_one_behind_it_is_a_jpeg(flat, cache):
    first, second = Image.fromarray(photo(40)), Image.fromarray(photo(90))
    first.save(flat / "cats/two.jpg", "MPO", save_all=True, append_images=[second])
    found = read_image_folder(flat, 20, cache=cache)
    assert not found.findings.quarantined
    assert found.images["train"][30].mean() == pytest.approx(photo(40).mean(), abs=3)  # the first of the two


def test_ignored_files_are_listed_and_hidden_ones_are_not(pets, cache):
    before = read_image_folder(pets, 8, cache=cache)
    fill(pets / "train/cats", {"more": 2})
    fill(pets, {"birds": 2})
    (pets / "train/dogs/notes.txt").write_text("nice dogs")
    (pets / "README.md").write_text("read me")
    Image.fromarray(photo(5)).save(pets / "train/loose.png")
    for name in (".hidden.png", "._cats.000.png", "Thumbs.db", ".DS_Store"):
        (pets / "train/cats" / name).write_bytes(b"junk")
    (pets / "train/.ipynb_checkpoints").mkdir()
    (pets / "__MACOSX").mkdir()
    found = read_image_folder(pets, 8, cache=cache)
    same_arrays(found, before)
    assert sorted(files(found.findings.ignored)) == [
        "birds",
        "train/cats/more",
        "train/dogs/notes.txt",
        "train/loose.png",
    ]
    assert not found.findings.quarantined and not before.findings.ignored


def test_links_are_followed_and_loops_end(pets, cache, tmp_path):
    before = read_image_folder(pets, 8, cache=cache)
    outside = (pets / "train/cats").rename(tmp_path / "cats elsewhere")
    (pets / "train/cats").symlink_to(outside)
    real = (pets / "train/dogs/dogs.000.png").rename(tmp_path / "a dog.png")
    (pets / "train/dogs/dogs.000.png").symlink_to(real)
    (outside / "loop").symlink_to(pets)
    (pets / "train/dogs/loop").symlink_to(pets / "train/dogs")
    found = read_image_folder(pets, 8, cache=cache)
    same_arrays(found, before)
    assert sorted(files(found.findings.ignored)) == ["train/cats/loop", "train/dogs/loop"]


def test_the_same_picture_twice_is_reported_not_fatal(pets, cache):
    def copy(source, target):
        (pets / target).write_bytes((pets / source).read_bytes())

    copy("train/cats/cats.003.png", "test/cats/leak.png")
    copy("train/cats/cats.004.png", "train/dogs/odd.png")
    copy("train/dogs/dogs.005.png", "train/dogs/again.png")
    Image.open(pets / "train/dogs/dogs.006.png").save(pets / "validation/cats/both.bmp")  # other bytes, the same pixels
    found = read_image_folder(pets, 8, cache=cache).findings
    both = ("train/dogs/dogs.006.png", "validation/cats/both.bmp")
    assert found.across_splits == (("train/cats/cats.003.png", "test/cats/leak.png"), both)
    assert found.across_classes == (("train/cats/cats.004.png", "train/dogs/odd.png"), both)
    assert found.repeated == (("train/dogs/again.png", "train/dogs/dogs.005.png"),)


def test_the_summary_tells_each_kind_with_its_first(flat, pets, cache):
    assert read_image_folder(pets, 8, cache=cache).findings.summary() is None
    spoil(flat / "cats", "text.jpg")
    spoil(flat / "dogs", "empty.png")
    (flat / "dogs/copy.png").write_bytes((flat / "cats/cats.000.png").read_bytes())
    findings = load(flat).findings
    assert findings.summary() == (
        "2 left out (cats/text.jpg: it is not a picture that can be read, ...); "
        "1 the same in several classes (cats/cats.000.png = dogs/copy.png)"
    )
    document = findings.document()
    assert document["quarantined"][1] == {"file": "dogs/empty.png", "reason": "it is empty"}
    assert document["across_classes"] == [["cats/cats.000.png", "dogs/copy.png"]]


def test_a_name_that_is_no_text_is_listed_as_text(flat, cache):
    with open(os.fsencode(flat) + b"/cats/\xff.jpg", "wb") as file:  # noqa: PTH123  # a name of bytes
        file.write(b"words")
    assert files(read_image_folder(flat, 8, cache=cache).findings.quarantined) == ["cats/\\xff.jpg"]
    assert files(read_image_folder(flat, 8, cache=cache).findings.quarantined) == ["cats/\\xff.jpg"]


def test_classes_that_differ_between_parts_are_listed(pets, cache, refusal):
    fill(pets / "test", {"birds": 1, "fish": 1})
    (pets / "test/cats").rename(pets / "test/kittens")
    with refusal("train and test differ", "only in train: cats", "only in test: birds, fish, kittens"):
        read_image_folder(pets, 8, cache=cache)


LAYOUTS = {
    "one class": ({"cats": 2}, ["only the class folder cats", "two classes or more"]),
    "one class in train": ({"train/cats": 2}, ["only the class folder cats"]),
    "an empty class": ({"cats": 2, "dogs": 0}, ["dogs holds no picture (.jpg"]),
    "no train": ({"test/cats": 2, "test/dogs": 2}, ["has test/ but no train/"]),
    "two validations": (
        {f"{part}/{name}": 1 for part in ("train", "val", "valid") for name in TONES},
        ["val and valid", "keep one"],
    ),
    "no classes within": ({"train": 2, "test": 2}, ["train holds no class folders"]),
    "no classes in test": ({"train/cats": 2, "train/dogs": 2, "test": 2}, ["test holds no class folders"]),
    "a link to itself": ({"cats": 2, "loop": None}, ["loop holds no picture"]),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_that_are_none(tmp_path, cache, refusal, layout):
    counts, words = LAYOUTS[layout]
    folder = tmp_path / "set"
    for name, count in counts.items():
        if count is None:
            (folder / name).symlink_to(folder)
        else:
            fill(folder, {name: 0})
            for index in range(count):
                Image.fromarray(photo(9, index)).save(folder / name / f"{index}.png")
    with refusal(folder, *words):
        read_image_folder(folder, 8, cache=cache)


def test_a_class_may_be_called_train(tmp_path, cache):
    fill(tmp_path / "set", {"train": 2, "plane": 2})
    found = read_image_folder(tmp_path / "set", 8, cache=cache)
    assert found.classes == ("plane", "train") and found.labels["train"].tolist() == [0, 0, 1, 1]
    assert found.images.keys() == {"train"}


def test_a_file_that_changes_meanwhile_is_refused(flat, cache, monkeypatch, refusal):
    digest = folder_pixels.digest_of

    def meddling(path):
        found = digest(path)
        if path.name == "cats.003.png":
            path.write_bytes(b"something else")
        return found

    monkeypatch.setattr(folder_pixels, "digest_of", meddling)
    with refusal("cats.003.png changed while it was read"):
        read_image_folder(flat, 8, cache=cache)
    assert not list(cache.glob("*.npy"))


@pytest.mark.parametrize("pending", [1, 7 * 8 * 8 * 3, 1 << 28])
def test_progress_counts_every_file_once_in_order(flat, cache, monkeypatch, pending):
    monkeypatch.setattr(folder_pixels, "PENDING", pending)
    shown = []
    found = read_image_folder(flat, 8, cache=cache, show=lambda *news: shown.append((*news, threading.get_ident())))
    here = threading.get_ident()
    expected = [(f"{what} flat", index, 50, here) for what in ("checking", "decoding") for index in range(1, 51)]
    assert shown == expected
    assert ((found.images["train"].mean(axis=(1, 2, 3)) > 128) == found.labels["train"]).all()


def test_pictures_need_a_size_and_nothing_else_takes_one(pets, small_npz, refusal):
    with refusal(pets, "--data.size 150"):
        load(pets, size=None)
    for source in ("digits", small_npz):
        with refusal(f"data {source} is taken as it is", "leave data.size out"):
            load(source)
        with refusal("data.gray is for folders of picture files"):
            load(source, size=None, gray=True)


def test_idx_files_come_before_class_folders(tmp_path, idx_folder):
    fill(tmp_path / "set", dict.fromkeys(TONES, 2))
    idx_folder(tmp_path / "set", np.arange(20 * 16, dtype=np.uint8).reshape(20, 4, 4), np.arange(20) % 2)
    assert load(tmp_path / "set", size=None).images["train"].shape[1:] == (4, 4, 1)


def test_a_limit_on_training_pictures_takes_from_all_classes(pets):
    found = load(pets, train_limit=6)
    assert np.bincount(found.labels["train"]).tolist() == [3, 3] and len(found.labels["test"]) == 12
    assert ((found.images["train"].mean(axis=(1, 2, 3)) > 128) == found.labels["train"]).all()
