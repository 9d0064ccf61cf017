"""Convolution with 3x3 kernels by Winograd's minimal filtering: 36 products for 16 outputs instead of 144.

Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks", F(4x4, 3x3). The input is divided into tiles of
6x6 that overlap by 2. Tiles and kernel are transformed by small matrices, multiplied point by point (36 matrix products
over the channels), and transformed back to 4x4 outputs each. Maps that 4 divides badly take F(3x3, 3x3), 25 products
for 9 outputs: one of 9x9 then has 225 instead of 324. Relative error in float32: 1e-6 to 5e-6.

Arrays are [C, H, W, B] (`innermost` "examples", as in `convolution`) or [B, H, W, C] ("channels"). With "channels",
large batches are processed in groups of examples, so that the tiles of all examples never exist at once.
"""

import functools
import math
from typing import Literal

import jax
import jax.numpy as jnp

from research.models.lowering.winograd_transforms import (
    TilePoints,
    input_gradient,
    kernel_gradient,
    outputs_of,
    spread,
    tiles_of,
    weights_of,
)

Innermost = Literal["examples", "channels"]

SMALL_PRODUCT = 2_500_000  # multiply-adds
GROUP_TILES = 2**25  # numbers in the transformed tiles of a group, 128 MiB: half and double are as fast


def _map(x: jax.Array, kernel: jax.Array, bias: jax.Array, innermost: Innermost) -> jax.Array:
    """`x` [C, H, W, B] or [B, H, W, C], `kernel` [3, 3, C, F] and `bias` [F] -> [F, H - 2, W - 2, B] or as `x`.

    Reverse mode only.
    """
    return _forward(x, kernel, bias, innermost)[0]


correlate = jax.custom_vjp(_map, nondiff_argnums=(3,))


def tile_outputs(rows: int, columns: int) -> int:
    """Outputs of a tile per axis, 4 or 3: those with fewer products for maps of `rows` x `columns`, 4 in doubt."""
    points = {m: math.prod(-(-length // m) * (m + 2) for length in (rows, columns)) for m in (4, 3)}
    return min(points, key=lambda m: points[m])


def _forward(x: jax.Array, kernel: jax.Array, bias: jax.Array, innermost: Innermost) -> tuple[jax.Array, tuple]:
    m = tile_outputs(x.shape[1] - 2, x.shape[2] - 2)
    weights = weights_of(kernel, m)
    size = group_size(x.shape, kernel.shape) if innermost == "channels" else len(x)
    if size == len(x):
        tiles = tiles_of(x, m)
        output = _outputs(tiles, weights, innermost)
    else:
        tiles = None  # too many to save: the gradient computes them again
        output = jax.lax.map(lambda part: _outputs(tiles_of(part, m), weights, innermost), _grouped(x, size))
        output = output.reshape(len(x), *output.shape[2:])
    output = output[:, : x.shape[1] - 2, : x.shape[2] - 2]
    output += bias if innermost == "channels" else bias[:, None, None, None]
    return output, (x, weights, tiles)


def _backward(innermost: Innermost, residuals: tuple, gradient: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    x, weights, tiles = residuals
    if tiles is not None:
        by_x, by_weights = _gradients(tiles, weights, gradient, innermost)
    else:
        size = group_size(x.shape, (3, 3, *weights.shape[2:]))

        def add(total: jax.Array, group: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            part, by_part = group
            by_x, by_weights = _gradients(tiles_of(part, len(weights) - 2), weights, by_part, innermost)
            return total + by_weights, by_x

        groups = (_grouped(x, size), _grouped(gradient, size))
        by_weights, by_x = jax.lax.scan(add, jnp.zeros_like(weights), groups)
        by_x = by_x.reshape(len(x), *by_x.shape[2:])
    by_bias = gradient.sum(axis=(0, 1, 2) if innermost == "channels" else (1, 2, 3))
    return by_x[:, : x.shape[1], : x.shape[2]], kernel_gradient(by_weights), by_bias


correlate.defvjp(_forward, _backward)


def group_size(image: tuple[int, ...], kernel: tuple[int, ...]) -> int:
    """The examples of [B, H, W, C] in a group: the largest divisor of B within `GROUP_TILES`."""
    m = tile_outputs(image[1] - 2, image[2] - 2)
    rows, columns = (-(-(length - 2) // m) for length in image[1:3])
    fitting = GROUP_TILES // ((m + 2) ** 2 * rows * columns * max(kernel[2:]))
    return max(size for size in range(1, image[0] + 1) if image[0] % size == 0 and size <= max(fitting, 1))


def _grouped(x: jax.Array, size: int) -> jax.Array:
    """[B, ...] -> [B // size, size, ...]."""
    return x.reshape(-1, size, *x.shape[1:])


# This and the next function are jitted so that both halves of a batch trace them once; XLA inlines them.
@functools.partial(jax.jit, static_argnames="innermost")
def _outputs(tiles: jax.Array, weights: jax.Array, innermost: Innermost) -> jax.Array:
    """The map, at least as large as needed, of `tiles` [., ., ., rows, columns, .] and `weights` [., ., C, F]."""
    flat = _flat(tiles, innermost)
    if innermost == "channels":
        return outputs_of(_shaped(_together("nc,cf->nf", flat, weights), (*tiles.shape[2:5], -1)))
    return outputs_of(_shaped(_products("cf,cn->fn", weights, flat), (-1, *tiles.shape[3:])))


@functools.partial(jax.jit, static_argnames="innermost")
def _gradients(
    tiles: jax.Array, weights: jax.Array, gradient: jax.Array, innermost: Innermost
) -> tuple[jax.Array, jax.Array]:
    """The gradients by x, at least as large as x, and by weights [m + 2, m + 2, C, F]."""
    flat = _flat(tiles, innermost)
    by_products = _flat(spread(gradient, tiles.shape[3], tiles.shape[4], len(tiles) - 2), innermost)
    if innermost == "channels":
        by_weights = _together("nc,nf->cf", flat, by_products)
        by_tiles = _together("nf,cf->nc", by_products, weights)
    else:
        by_weights = _products("cn,fn->cf", flat, by_products)
        by_tiles = _products("cf,fn->cn", weights, by_products)
    by_x = input_gradient(_shaped(by_tiles, tiles.shape[2:]))
    return by_x, jnp.stack([jnp.stack(line) for line in by_weights])


def _flat(tiles: jax.Array, innermost: Innermost) -> jax.Array:
    """[., ., ., rows, columns, .] -> [., ., channels, the rest], or [., ., the rest, channels]."""
    if innermost == "channels":
        return tiles.reshape(*tiles.shape[:2], -1, tiles.shape[-1])
    return tiles.reshape(*tiles.shape[:3], -1)


def _shaped(points: TilePoints, shape: tuple[int, ...]) -> TilePoints:
    return [[point.reshape(shape) for point in line] for line in points]


def _products(equation: str, left: jax.Array, right: jax.Array) -> TilePoints:
    """The matrix product `equation` of each point of `left` and `right`, [m + 2, m + 2, ., .] each.

    Small products are an operation each, which the cores run in parallel (2.4 ms against 4.6 for both gradients of the
    digit net's second layer). Large ones are one operation: each fills all cores, and fewer operations compile faster.
    """
    first, second, _ = equation.replace("->", ",").split(",")
    sizes = dict(zip(first, left.shape[2:], strict=True)) | dict(zip(second, right.shape[2:], strict=True))
    if math.prod(sizes.values()) > SMALL_PRODUCT:
        return _together(equation, left, right)
    return [[jnp.einsum(equation, left[c, r], right[c, r]) for r in range(len(left))] for c in range(len(left))]


def _together(equation: str, left: jax.Array, right: jax.Array) -> TilePoints:
    """`_products` as one operation. With channels innermost it is faster for small products, too (0.7 to 0.9 times)."""
    first, second, result = equation.replace("->", ",").split(",")
    together = jnp.einsum(f"ij{first},ij{second}->ij{result}", left, right)
    return [[together[c, r] for r in range(len(left))] for c in range(len(left))]
