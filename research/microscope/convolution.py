"""Convolution step by step: the arithmetic of one chip as text, and the feature maps of a whole picture."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from research.errors import UserError
from research.models.layer import ACTIVATIONS
from research.models.lowering.convolution import conv2d, max_pool

# Sobel & Feldman 1968 as in Duda & Hart 1973, p. 271; the others are the textbook 3x3 kernels (Gonzalez & Woods).
KERNELS = {
    "sobel_x": np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32),
    "sobel_y": np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], np.float32),
    "blur": np.full((3, 3), 1 / 9, np.float32),
    "sharpen": np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], np.float32),
    "laplace": np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float32),
    "identity": np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], np.float32),
}
SIDE_BY_SIDE = 3  # largest kernel width whose three blocks fit side by side into 80 columns


class Chip(NamedTuple):
    """One chip (window) of a picture, and its convolution with the kernel."""

    row: int
    column: int
    values: np.ndarray  # [h, w] of the picture
    products: np.ndarray  # [h, w]: values * kernel
    total: float
    bias: float
    activated: float


def named_kernel(name: str, seed: int, side: int) -> np.ndarray:
    """The kernel [h, w] called `name`; for "random" `side` x `side` standard normal numbers by `seed`."""
    if name == "random":
        return np.random.default_rng(seed).standard_normal((side, side)).astype(np.float32)
    if name not in KERNELS:
        raise UserError(f"no kernel {name!r}; there are random, {', '.join(KERNELS)}")
    return KERNELS[name]


def feature_map(
    picture: np.ndarray, kernel: np.ndarray, *, bias: float, activation: str, stride: int, padding: str
) -> np.ndarray:
    """The activation [H', W'] of the kernel [h, w] slid over the picture [H, W], by the layers' own convolution."""
    x = jnp.asarray(picture, jnp.float32)[None, :, :, None]
    y = conv2d(x, jnp.asarray(kernel)[:, :, None, None], jnp.full(1, bias), stride=(stride, stride), padding=padding)
    return np.asarray(ACTIVATIONS[activation](y))[0, :, :, 0]


def feature_maps(picture: np.ndarray, kernel: np.ndarray, *, bias: float, activation: str) -> dict[str, np.ndarray]:
    """The maps of the course: valid, same, same with stride 2, and valid max-pooled 2x2 if at least that large."""
    if any(np.less(picture.shape, kernel.shape)):
        raise UserError(
            f"the picture is {picture.shape[0]}x{picture.shape[1]}, too small to slide a kernel of "
            f"{kernel.shape[0]}x{kernel.shape[1]} over; take a larger picture"
        )
    shared = {"bias": bias, "activation": activation}
    valid = feature_map(picture, kernel, stride=1, padding="valid", **shared)
    maps = {
        "valid": valid,
        "same": feature_map(picture, kernel, stride=1, padding="same", **shared),
        "same, stride 2": feature_map(picture, kernel, stride=2, padding="same", **shared),
    }
    if min(valid.shape) < 2:
        return maps
    pooled = max_pool(jnp.asarray(valid)[None, :, :, None], window=(2, 2))
    return maps | {"valid, max-pooled 2x2": np.asarray(pooled)[0, :, :, 0]}


def strongest_chip(picture: np.ndarray, kernel: np.ndarray, *, bias: float, activation: str) -> Chip:
    """The chip with the largest absolute activation."""
    response = feature_map(picture, kernel, bias=bias, activation=activation, stride=1, padding="valid")
    row, column = np.unravel_index(np.argmax(np.abs(response)), response.shape)
    return chip_at(picture, kernel, int(row), int(column), bias=bias, activation=activation)


def chip_at(picture: np.ndarray, kernel: np.ndarray, row: int, column: int, *, bias: float, activation: str) -> Chip:
    """The chip whose upper left corner is at (row, column), computed in plain NumPy."""
    height, width = kernel.shape
    if not (0 <= row <= picture.shape[0] - height and 0 <= column <= picture.shape[1] - width):
        most = f"{picture.shape[0] - height},{picture.shape[1] - width}"
        raise UserError(f"no whole chip starts at {row},{column}; corners go from 0,0 to {most}")
    values = picture[row : row + height, column : column + width].astype(np.float64)
    products = values * kernel
    total = float(products.sum())
    return Chip(row, column, values, products, total, bias, float(ACTIVATIONS[activation](total + bias)))


def arithmetic(chip: Chip, kernel: np.ndarray, activation: str) -> str:
    """The chip's arithmetic line by line; for wide kernels block by block."""
    lines = [f"chip at row {chip.row}, column {chip.column}: chip x kernel = products"]
    blocks = (chip.values, kernel, chip.products)
    if kernel.shape[1] <= SIDE_BY_SIDE:
        for values, weights, products in zip(*blocks, strict=True):
            lines.append(f"  {_numbers(values)}   x {_numbers(weights)}   = {_numbers(products)}")
    else:
        for name, block in zip(("the chip", "x the kernel", "= the products"), blocks, strict=True):
            lines += [name, *(f"  {_numbers(row)}" for row in block)]
    before = chip.total + chip.bias
    lines.append(f"sum of the products    {chip.total:.3f}")
    lines.append(f"plus bias              {chip.total:.3f} + {chip.bias:.3f} = {before:.3f}")
    lines.append(f"{activation + ' activation':<22} {activation}({before:.3f}) = {chip.activated:.3f}")
    return "\n".join(lines)


def _numbers(row: np.ndarray) -> str:
    return " ".join(f"{value:6.2f}" for value in row)
