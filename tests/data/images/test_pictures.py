import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageOps

from research.data.images.decoding import decode, extremes_in, squashed
from research.data.images.ink import measure_ink, solidity
from research.data.images.pictures import prepare_picture, read_gray
from research.data.images.sources import load_images
from research.errors import UserError

GRAY, COLOUR = (28, 28, 1), (28, 28, 3)


@pytest.fixture(scope="module")
def ink(drawings):
    return measure_ink(drawings)


def likeness(one, other):
    """The correlation of two pictures' pixels."""
    return float(np.corrcoef(one.ravel().astype(float), other.ravel().astype(float))[0, 1])


def enlarged(picture, margins=(60, 20, 150, 90)):
    """`picture` ten times larger with plain margins: left, top, right, bottom."""
    left, top, right, bottom = margins
    large = Image.fromarray(picture[..., 0]).resize((280, 280), Image.Resampling.BICUBIC)
    whole = Image.new("L", (280 + left + right, 280 + top + bottom))
    whole.paste(large, (left, top))
    return whole


def transparent(gray, mode):
    """The strokes of `gray` as ink of one tone, their strength as opacity."""
    tone = {"RGBA": (0, 0, 0), "LA": 255}[mode]
    layer = Image.new(mode[:-1], gray.size, tone)
    layer.putalpha(gray)
    return layer


def rotated(gray):
    """A JPEG whose pixels lie on their side, as a phone writes it, with the EXIF tag that says so."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it
    return gray.transpose(Image.Transpose.ROTATE_90), {"exif": exif}


def written(gray, form, folder):
    """`gray` in a file of another form."""
    path, more = folder / "picture.png", {}
    if form == "JPEG turned":
        path, (gray, more) = folder / "picture.jpg", rotated(gray)
    elif form == "JPEG CMYK":
        path, gray = folder / "picture.jpg", Image.merge("RGB", [gray] * 3).convert("CMYK")
    elif form == "16 bits":
        gray = Image.fromarray(np.asarray(gray, np.uint16) * 257)
    elif form == "32 bit floats":
        path, gray = folder / "picture.tif", Image.fromarray(np.asarray(gray, np.float32) / 255)
    elif form in ("RGBA", "LA"):
        gray = transparent(gray, form)
    elif form == "P with transparency":
        indices = (np.asarray(gray) > 127).astype(np.uint8)
        gray = Image.fromarray(indices).convert("P")
        gray.putpalette([9, 9, 9, 200, 30, 30] + [0] * 762)
        more = {"transparency": b"\x00\xff"}
    elif form == "LAB":
        path, gray = folder / "picture.tif", Image.merge("LAB", [gray, *[Image.new("L", gray.size, 128)] * 2])
    else:
        gray = gray.convert(form)
    gray.save(path, **more)
    return path


OPAQUE = ["L", "RGB", "P", "1", "16 bits", "32 bit floats", "JPEG CMYK", "JPEG turned"]


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("form", OPAQUE)
def test_a_large_copy_in_any_form_comes_back_as_the_digit(tmp_path, drawings, ink, form, inverted):
    for picture in drawings[:4]:
        large = enlarged(picture)
        if inverted:
            large = Image.eval(large, lambda tone: 255 - tone)
        prepared = prepare_picture(written(large, form, tmp_path), GRAY, ink)
        assert prepared.pixels.shape == GRAY and prepared.pixels.dtype == np.uint8
        assert likeness(prepared.pixels, picture) > 0.9
        assert any("inverted" in step for step in prepared.steps) == inverted
        assert any("cropped" in step for step in prepared.steps)


@pytest.mark.parametrize("form", ["RGBA", "LA", "P with transparency"])
def test_ink_on_nothing_comes_back_as_the_digit(tmp_path, drawings, ink, form):
    for picture in drawings[:4]:
        prepared = prepare_picture(written(enlarged(picture), form, tmp_path), GRAY, ink)
        assert likeness(prepared.pixels, picture) > 0.9
        assert prepared.steps[0].startswith(f"converted {form.split()[0]} to L")


@pytest.mark.parametrize("margins", [(0, 0, 0, 0), (300, 0, 0, 300)])
def test_margins_and_position_do_not_matter(tmp_path, drawings, ink, margins):
    path = written(enlarged(drawings[1], margins), "L", tmp_path)
    assert likeness(prepare_picture(path, GRAY, ink).pixels, drawings[1]) > 0.95


LIGHTS = {  # what is left of it at shares of height and width from the upper left corner
    "from the left": lambda row, column: 1 - 0.6 * column,
    "from a corner": lambda row, column: 1 - 0.25 * row - 0.25 * column,
    "of a lens": lambda row, column: 1 - ((row - 0.5) ** 2 + (column - 0.5) ** 2),
    "in a half shadow": lambda row, column: np.where(row + column > 0.9, 0.5, 1.0),
}


INK, CHALK = (235, 40), (80, 250)  # ground, strokes


@pytest.mark.parametrize(
    ("light", "tones"), [*((light, INK) for light in LIGHTS), ("from the left", CHALK), ("from a corner", CHALK)]
)
def test_light_from_one_side_does_not_matter(tmp_path, drawings, ink, light, tones):
    for seed, drawing in enumerate(drawings[:4]):
        strokes = np.asarray(enlarged(drawing, (90, 60, 150, 90)), np.float32) / 255
        rows, columns = np.indices(strokes.shape) / np.reshape(strokes.shape, (2, 1, 1))
        lit = (tones[0] + (tones[1] - tones[0]) * strokes) * LIGHTS[light](rows, columns)
        lit += np.random.default_rng(seed).normal(0, 3, lit.shape)
        Image.fromarray(lit.clip(0, 255).astype(np.uint8)).save(tmp_path / "page.jpg")
        prepared = prepare_picture(tmp_path / "page.jpg", GRAY, ink)
        assert likeness(prepared.pixels, drawing) > 0.9
        assert "evened its light" in prepared.steps


@pytest.mark.parametrize("side", [64, 200])
@pytest.mark.parametrize("filtering", [Image.Resampling.BICUBIC, Image.Resampling.NEAREST])
def test_strokes_that_reach_the_border_are_no_light(tmp_path, side, filtering):
    images = load_images("digits", None, validation=0, test=0, split_seed=0, train_limit=None).images["train"][..., 0]
    ink = measure_ink(images[..., None])
    wide = [image for image in images if max(image[0].max(), image[-1].max(), image[:, 0].max()) > 128][:100]
    taken = 0
    for image in wide:
        large = Image.fromarray(image).resize((side, side), filtering)
        both = (large, ImageOps.invert(large))
        found = [prepare_picture(written(each, "L", tmp_path), (8, 8, 1), ink) for each in both]
        if not any("evened its light" in each.steps for each in found):
            assert likeness(*(each.pixels for each in found)) > 0.99, "its inverse is the same drawing"
            taken += 1
    assert taken >= 90


def test_for_a_dark_set_the_drawing_is_made_dark(tmp_path, drawings):
    path = written(enlarged(drawings[1]), "L", tmp_path)
    prepared = prepare_picture(path, GRAY, measure_ink(255 - drawings))
    assert likeness(prepared.pixels, 255 - drawings[1]) > 0.9
    assert prepared.pixels[0, 0, 0] == 255 and "inverted" in prepared.steps[0]


def test_a_small_copy_is_enlarged(tmp_path, drawings, ink):
    small = Image.fromarray(drawings[1, ..., 0]).resize((14, 14), Image.Resampling.BOX)
    assert likeness(prepare_picture(written(small, "L", tmp_path), GRAY, ink).pixels, drawings[1]) > 0.85


def test_the_drawing_fills_a_picture_that_is_not_square(tmp_path, drawings, ink):
    pixels = prepare_picture(written(enlarged(drawings[1]), "L", tmp_path), (20, 40, 1), ink).pixels
    rows, columns = np.nonzero(pixels[..., 0] > 64)
    assert np.ptp(rows) + 1 == pytest.approx(20 * ink["extent"], abs=2)  # the shorter side decides
    assert columns.mean() == pytest.approx(40 * ink["column"], abs=3)


def test_a_training_picture_is_taken_byte_for_byte(tmp_path, drawings, ink):
    for picture in drawings:
        prepared = prepare_picture(written(Image.fromarray(picture[..., 0]), "L", tmp_path), GRAY, ink)
        np.testing.assert_array_equal(prepared.pixels, picture)
        assert prepared.steps == ("taken as it is",)


@pytest.mark.parametrize("dark_set", [False, True])
def test_a_negative_of_a_training_picture_is_turned_round(tmp_path, drawings, dark_set):
    known = 255 - drawings if dark_set else drawings
    layout = measure_ink(known)
    for picture in known:
        prepared = prepare_picture(written(Image.fromarray(255 - picture[..., 0]), "L", tmp_path), GRAY, layout)
        np.testing.assert_array_equal(prepared.pixels, picture)
        assert "inverted" in prepared.steps[0] and len(prepared.steps) == 1


def test_ink_is_measured_as_it_was_drawn(drawings):
    light, dark = measure_ink(drawings), measure_ink(255 - drawings)
    assert light == pytest.approx(dark | {"light_on_dark": True}) and not dark["light_on_dark"]
    assert light["extent"] == pytest.approx(20 / 28, abs=0.04)
    assert (light["row"], light["column"]) == pytest.approx((0.5, 0.5), abs=0.03)
    shifted = np.roll(drawings[:, ::-1], 3, axis=2)
    assert measure_ink(shifted)["column"] == pytest.approx(light["column"] + 3 / 28, abs=0.01)


def test_what_is_not_drawn_has_no_ink(drawings):
    generator = np.random.default_rng(0)
    assert measure_ink(np.repeat(drawings, 3, axis=3)) is None
    assert measure_ink(generator.integers(0, 256, drawings.shape).astype(np.uint8)) is None
    assert measure_ink(np.zeros_like(drawings)) is None
    assert measure_ink(drawings[:, :3]) is None
    assert measure_ink(np.concatenate([drawings, 255 - drawings])) is None  # no one tone


def garments(count=60):
    """Things on black, 28 pixels, made as Fashion-MNIST is: filled, shaded, as large as the picture, no two alike."""
    generator, found = np.random.default_rng(3), []
    outlines = [
        [(0, 10), (20, 0), (36, 0), (56, 10), (50, 30), (44, 22), (44, 55), (12, 55), (12, 22), (6, 30)],  # shirt
        [(14, 0), (42, 0), (44, 55), (31, 55), (28, 16), (25, 55), (12, 55)],  # trousers
        [(0, 16), (56, 16), (52, 48), (4, 48)],  # bag
        [(8, 6), (26, 6), (30, 28), (56, 40), (56, 50), (6, 50)],  # boot
        [(20, 0), (36, 0), (34, 18), (46, 55), (10, 55), (22, 18)],  # dress
    ]
    rows, columns = np.indices((56, 56))
    for index in range(count):
        mask = Image.new("L", (56, 56))
        corners = [(x * generator.uniform(0.9, 1.0), y * generator.uniform(0.95, 1.0)) for x, y in outlines[index % 5]]
        ImageDraw.Draw(mask).polygon(corners, fill=1)
        folds = np.sin(columns / generator.uniform(2, 6) + generator.uniform(0, 6)) * 40 + rows * generator.uniform(
            -1, 1
        )
        tones = np.asarray(mask) * (generator.uniform(90, 210) + folds).clip(20, 255)
        found.append(np.asarray(Image.fromarray(tones.astype(np.uint8)).resize((28, 28), Image.Resampling.BOX)))
    return np.stack(found)[..., None]


@pytest.mark.parametrize("turned", [False, True])
def test_things_on_a_plain_ground_are_no_drawings(tmp_path, turned):
    """Enlarged they come back as what they were: not cropped, and not inverted where they fill the picture."""
    things = 255 - garments() if turned else garments()
    ink = measure_ink(things)
    assert ink is None
    for thing in things[:20]:
        Image.fromarray(thing[..., 0]).resize((280, 280), Image.Resampling.BICUBIC).save(tmp_path / "a.png")
        prepared = prepare_picture(tmp_path / "a.png", GRAY, ink)
        assert np.abs(prepared.pixels.astype(int) - thing).mean() < 6
        assert prepared.steps == ("cropped to the middle and scaled from 280x280",)


@pytest.mark.parametrize("width", [20, 44, 60])
def test_bold_and_fine_strokes_are_drawings(draw, width):
    assert measure_ink(draw(width)) is not None


def test_how_much_of_it_is_solid():
    filled, stroke = np.zeros((28, 28), np.float32), np.zeros((28, 28), np.float32)
    filled[5:23, 5:23], stroke[5:23, 12:16] = 100, 255
    assert solidity(filled, 7) == 1 and solidity(stroke, 7) == 0 and solidity(0 * stroke, 7) == 0
    assert solidity(filled + 2 * stroke, 7) == pytest.approx(18 * 18 * 100 / (18 * 18 * 100 + 18 * 4 * 510))


def test_the_digits_of_scikit_learn_are_drawn_light_on_dark():
    from research.data.images.sources import read

    found = measure_ink(read("digits", None).images["train"][..., None])
    assert found is not None and found["light_on_dark"] and found["extent"] == 1


def test_a_photo_is_cropped_to_its_middle(tmp_path):
    wide = np.zeros((40, 100, 3), np.uint8)
    wide[:, 30:70] = (10, 200, 90)  # the middle square is of one colour
    Image.fromarray(wide).save(tmp_path / "wide.png")
    prepared = prepare_picture(tmp_path / "wide.png", (8, 8, 3), None)
    assert (np.abs(prepared.pixels.astype(int) - (10, 200, 90)) <= 30).all()  # the filter rings at the edges
    same = prepare_picture(tmp_path / "wide.png", (40, 100, 3), None)
    np.testing.assert_array_equal(same.pixels, wide)
    assert same.steps == ("taken as it is",)


def test_gray_values_are_read_whole(tmp_path, drawings):
    path = written(Image.fromarray(drawings[0, ..., 0]), "RGB", tmp_path)
    np.testing.assert_array_equal(read_gray(path), drawings[0, ..., 0])
    np.testing.assert_array_equal(read_gray(str(path)), drawings[0, ..., 0])


@pytest.mark.parametrize("tone", [0, 7, 128, 255])
@pytest.mark.parametrize("size", [(28, 28), (300, 200)])
@pytest.mark.parametrize("dark_set", [False, True])
def test_a_blank_picture_shows_nothing(tmp_path, drawings, refusal, tone, size, dark_set):
    Image.new("L", size, tone).save(tmp_path / "blank.png")
    with refusal(tmp_path / "blank.png", "shows nothing"):
        prepare_picture(tmp_path / "blank.png", GRAY, measure_ink(255 - drawings if dark_set else drawings))


def test_all_but_even_tones_show_nothing(tmp_path, ink, refusal):
    faint = np.full((60, 60), 100, np.uint8)
    faint[20:40, 25:30] = 110
    Image.fromarray(faint).save(tmp_path / "faint.png")
    with refusal(tmp_path / "faint.png", "shows nothing"):
        prepare_picture(tmp_path / "faint.png", GRAY, ink)


@pytest.mark.parametrize("dark_set", [False, True])
def test_a_dark_picture_of_the_training_size_is_taken_byte_for_byte(tmp_path, drawings, dark_set):
    """Of a set of 16 bits whose brightest picture has 4,095, a picture of at most 250 has at most 16 tones."""
    ground_tone = 4095 if dark_set else 0
    known = {"integers": (0, 4095)}
    layout = measure_ink(255 - drawings if dark_set else drawings)
    for seed, picture in enumerate(drawings[:6]):
        noise = np.random.default_rng(seed).uniform(0, 80, picture.shape)  # its median is nearer to the strokes of some
        values = np.abs(ground_tone - (picture * 0.6 + noise)).astype(np.uint16)
        Image.fromarray(values[..., 0]).save(tmp_path / "dark.png")
        prepared = prepare_picture(tmp_path / "dark.png", GRAY, layout, ranges=known)
        np.testing.assert_array_equal(prepared.pixels, np.rint(values / 4095 * 255).astype(np.uint8))
        assert prepared.steps[-1] == "taken as it is"
        inverse = prepare_picture(written(Image.fromarray(255 - prepared.pixels[..., 0]), "L", tmp_path), GRAY, layout)
        np.testing.assert_array_equal(inverse.pixels, prepared.pixels)


def test_a_faint_picture_of_class_folders_is_squashed_as_in_training(tmp_path, drawings, ink):
    values = np.asarray(enlarged(drawings[0])) // 20
    Image.fromarray(values).save(tmp_path / "faint.png")
    prepared = prepare_picture(tmp_path / "faint.png", GRAY, ink, squash=True)
    np.testing.assert_array_equal(prepared.pixels, squashed(Image.fromarray(values), 28))


def test_the_reason_why_nothing_is_shown_is_true(tmp_path, ink, refusal):
    faint = np.full((60, 60), 100, np.uint8)
    faint[20:40, 25:30] = 110
    Image.fromarray(faint).save(tmp_path / "faint.png")
    with refusal(tmp_path / "faint.png", "differ from the ground by 10 of 255"):
        prepare_picture(tmp_path / "faint.png", GRAY, ink)


def claiming(width, height):
    """A PNG whose header claims that size, with next to no pixels."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not a picture"),
        (b"just some text", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),  # a program, as in training
        (claiming(60_000, 60_000), "60"),
        (claiming(12_000, 12_000), "12000 x 12000 pixels, too many"),
        (claiming(9_700, 9_700), "cannot read"),  # above the size that Pillow warns of, below ours
    ],
)
def test_files_that_are_no_pictures(tmp_path, refusal, content, complaint):
    path = tmp_path / "some.png"
    path.write_bytes(content)
    with refusal(path, complaint):
        prepare_picture(path, GRAY, None)


def test_missing_files_and_folders(tmp_path, refusal):
    with refusal("there is no picture or folder", tmp_path / "absent.png"):
        prepare_picture(tmp_path / "absent.png", GRAY, None)
    with refusal(tmp_path, "directory"):
        prepare_picture(tmp_path, GRAY, None)


def test_numbers_of_16_bits_are_read_by_the_range_of_the_training_pictures(tmp_path):
    values = np.array([[0, 250], [100, 200]], np.uint16)
    Image.fromarray(values).save(tmp_path / "dark.png")
    Image.fromarray(values * 30).save(tmp_path / "bright.png")
    known = {"integers": (0, 4095)}
    dark = prepare_picture(tmp_path / "dark.png", (2, 2, 1), None, ranges=known)
    assert dark.pixels.ravel().tolist() == [0, 16, 6, 12]
    assert dark.steps == ("converted I;16 to L: 0 to 4,095 become 0 to 255", "taken as it is")
    bright = prepare_picture(tmp_path / "bright.png", (2, 2, 3), None, ranges=known)
    assert bright.pixels[..., 0].ravel().tolist() == [0, 255, 187, 255]
    assert bright.steps[0].endswith("0 to 4,095 become 0 to 255, beyond which it goes (0 to 7,500)")
    guessed = prepare_picture(tmp_path / "bright.png", (2, 2, 1), None)
    assert guessed.steps[0].endswith("0 to 16,383 become 0 to 255, a guess from this file alone")


def test_a_pgm_declares_its_range(tmp_path):
    """Which its header says, so there is nothing to guess."""
    (tmp_path / "a.pgm").write_bytes(b"P5\n2 1\n4095\n" + np.array([250, 4095], ">u2").tobytes())
    assert extremes_in(tmp_path / "a.pgm") is None
    for known in ({}, {"integers": (0, 255)}):
        found = prepare_picture(tmp_path / "a.pgm", (1, 2, 1), None, ranges=known)
        assert found.pixels.ravel().tolist() == [16, 255] and "guess" not in found.steps[0]


def test_a_tiff_of_16_bits_whose_zero_is_white_is_inverted(tmp_path):
    values = np.array([[0, 65535]], np.uint16)
    for photometric, expected in ((0, [255, 0]), (1, [0, 255])):
        Image.fromarray(values).save(tmp_path / "a.tif", tiffinfo={262: photometric})
        assert prepare_picture(tmp_path / "a.tif", (1, 2, 1), None).pixels.ravel().tolist() == expected


def test_a_mode_that_has_no_way_to_gray(tmp_path, drawings, refusal):
    with refusal("picture.tif", "LAB"):
        prepare_picture(written(Image.fromarray(drawings[0, ..., 0]), "LAB", tmp_path), GRAY, None)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 100_000), change=st.integers(0, 255))
def test_a_damaged_picture_is_refused_or_read(tmp_path, drawings, kind, position, change):
    """change 0: cut at `position`; else one byte changed there. Never another error, never a warning."""
    file = io.BytesIO()
    Image.fromarray(drawings[1, ..., 0]).convert("RGB").save(
        file, kind, exif=rotated(Image.new("L", (1, 1)))[1]["exif"]
    )
    content = bytearray(file.getvalue())
    position %= len(content)
    content[position] ^= change
    path = tmp_path / f"damaged.{kind}"
    path.write_bytes(content if change else content[:position])
    try:
        assert prepare_picture(path, COLOUR, None).pixels.shape == COLOUR
    except UserError as error:
        assert str(path) in str(error) and "\n" not in str(error)


def test_a_png_that_is_cut_in_its_pixels(tmp_path, drawings, refusal):
    path = written(enlarged(drawings[0]), "L", tmp_path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with refusal(f"cannot read {path}"):
        prepare_picture(path, GRAY, None)


def test_a_picture_or_folder_that_there_is_not(tmp_path, refusal):
    with refusal(f"there is no picture or folder {tmp_path / 'photos'}"):
        prepare_picture(tmp_path / "photos", GRAY, None)


def test_ink_cut_out_of_paper_keeps_its_paper(tmp_path):
    """The palette's paper is transparent, and the rim of the strokes, blended with it, outnumbers their core."""
    strokes = np.full((60, 60), 255, np.uint8)
    strokes[10:50, 20:40] = 200  # a wide rim
    strokes[15:45, 27:33] = 0
    for ink, paper in ((strokes, 255), (255 - strokes, 0)):
        picture = Image.fromarray(ink).convert("P", palette=Image.Palette.ADAPTIVE)
        index = int(np.asarray(picture)[0, 0])
        picture.save(tmp_path / "p.png", transparency=index)
        opaque = np.asarray(decode(tmp_path / "p.png", gray=True).image, int)
        assert abs(opaque[0, 0] - paper) <= 8
