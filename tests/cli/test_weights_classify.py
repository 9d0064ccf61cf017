"""`weights.py classify` on a VGG16 of full size whose every number is known: a red corner makes an elephant."""

import json
import math
import struct

import numpy as np
import pytest
from PIL import Image

from research.cli.weights import weights
from research.cli.weights_leaves import leaf_shapes
from research.models.imagenet import class_names

ELEPHANT, CAT = 386, 285
CONVS = [f"block{b}_conv{c}" for b, n in enumerate((2, 2, 3, 3, 3), 1) for c in range(1, n + 1)]


@pytest.fixture(scope="module")
def red_corner(tmp_path_factory):
    """Weights that carry red - its mean to fc1 and on to one class; the file's zeros take no room on the disk.

    Of block5_pool's first position, which is the largest red of the top left 32 x 32 pixels, to the elephant's logit;
    the cat's is 10 whatever there is.
    """
    ones = {"block1_conv1/kernel": (1, 1, 2, 0), **{f"{name}/kernel": (1, 1, 0, 0) for name in CONVS[1:]}}
    ones |= {"fc1/kernel": (0, 0), "fc2/kernel": (0, 0), "predictions/kernel": (0, ELEPHANT)}
    values = {name: (index, 1.0) for name, index in ones.items()} | {"predictions/bias": ((CAT,), 10.0)}
    header, end = {}, 0
    for name, shape in leaf_shapes("vgg16", include_top=True).items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + 4 * math.prod(shape)]}
        end += 4 * math.prod(shape)
    head = json.dumps(header).encode()
    path = tmp_path_factory.mktemp("vgg16") / "red.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        for name, (index, value) in values.items():
            at = int(np.ravel_multi_index(index, header[name]["shape"]))
            file.seek(8 + len(head) + header[name]["data_offsets"][0] + 4 * at)
            file.write(struct.pack("<f", value))
        file.truncate(8 + len(head) + end)
    return path


def picture(path, red):
    pixels = np.zeros((224, 224, 3), np.uint8)
    pixels[3, 5] = (red, 0, 255)
    Image.fromarray(pixels).resize((448, 448), Image.Resampling.NEAREST).save(path)
    return str(path)


@pytest.mark.slow
def test_pictures_are_named_in_the_words_of_imagenet(red_corner, tmp_path, capsys):
    (tmp_path / "no.png").write_text("no picture")
    files = [picture(tmp_path / "red.png", 200), str(tmp_path / "no.png"), picture(tmp_path / "dark.png", 20)]
    assert weights(["classify", str(red_corner), *files, "--top", "2"]) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and "no.png" in said.err
    red, dark = map(json.loads, said.out.splitlines())
    assert (red["input"], dark["input"]) == (files[0], files[2])
    best = [guess["name"] for guess in red["predictions"]]
    assert best == [class_names()[ELEPHANT].name, class_names()[CAT].name]
    cat = dark["predictions"][0]
    share = math.exp(10) / (math.exp(10) + 999)
    assert cat == {"synset": "n02124075", "name": "Egyptian_cat", "probability": pytest.approx(share, abs=1e-5)}
    assert any("scaled from 448x448" in step for step in red["prepared"])


def test_a_folder_without_pictures_is_refused_before_the_weights_are_read(tmp_path, refusal):
    (tmp_path / "empty").mkdir()
    with refusal("no pictures in", tmp_path / "empty"):
        weights(["classify", "absent.npz", str(tmp_path / "empty")])


def test_other_files_are_refused_in_words(tmp_path, thin, thin_squeezenet, write_legacy, refusal):
    with refusal("vgg16 without ImageNet's classifier", "fetch vgg16 --top"):
        weights(["classify", str(write_legacy(tmp_path / "notop.h5", thin())), "a.png"])
    np.savez(tmp_path / "squeezenet.npz", **thin_squeezenet)
    with refusal("squeezenet without ImageNet's classifier"):
        weights(["classify", str(tmp_path / "squeezenet.npz"), "a.png"])
    with refusal("does not fit vgg16", "block1_conv1/kernel is 3x3x3x4"):
        weights(["classify", str(write_legacy(tmp_path / "own.h5", thin(top=True))), "a.png"])
    with refusal("PICTURE is missing"):
        weights(["classify", "x.h5"])
    with refusal("--top", "not 0"):
        weights(["classify", "x.h5", "a.png", "--top", "0"])
