"""Convolution step by step: the chip that is spelled out is the one that responds most, and fits a terminal."""

import numpy as np
import pytest

from research.errors import UserError
from research.microscope.convolution import arithmetic, feature_map, feature_maps, named_kernel, strongest_chip

PICTURE = np.random.default_rng(0).random((24, 20)).astype(np.float32)


@pytest.mark.parametrize("activation", ["relu", "linear", "tanh", "sigmoid"])
@pytest.mark.parametrize("bias", [0.0, -1.5])
def test_the_strongest_chip_is_where_the_map_is_largest(activation, bias):
    kernel = named_kernel("random", 0, 5) - 0.2  # mostly below zero
    chip = strongest_chip(PICTURE, kernel, bias=bias, activation=activation)
    found = feature_map(PICTURE, kernel, bias=bias, activation=activation, stride=1, padding="valid")
    assert abs(chip.activated) == pytest.approx(np.abs(found).max(), rel=1e-5)
    assert chip.activated == pytest.approx(found[chip.row, chip.column], rel=1e-5)


@pytest.mark.parametrize("side", [1, 2, 3, 4, 5, 11])
def test_the_arithmetic_fits_80_columns_and_adds_up(side):
    kernel = named_kernel("random", 1, side)
    chip = strongest_chip(PICTURE, kernel, bias=0.25, activation="linear")
    lines = arithmetic(chip, kernel, "linear").splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-1].endswith(f"= {(chip.values * kernel).sum() + 0.25:.3f}")


@pytest.mark.parametrize(("shape", "maps"), [((3, 3), 3), ((3, 9), 3), ((4, 4), 4), ((2, 9), None), ((9, 2), None)])
def test_whatever_the_kernel_fits_into_is_mapped(shape, maps):
    how = {"bias": 0.0, "activation": "linear"}
    if maps is None:
        with pytest.raises(UserError, match="too small to slide"):
            feature_maps(PICTURE[: shape[0], : shape[1]], named_kernel("blur", 0, 3), **how)
        return
    found = feature_maps(PICTURE[: shape[0], : shape[1]], named_kernel("blur", 0, 3), **how)
    assert len(found) == maps and found["valid"].shape == (shape[0] - 2, shape[1] - 2)
