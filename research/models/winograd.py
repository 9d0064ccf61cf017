"""Convolution with 3x3 kernels by Winograd's minimal filtering: 36 products for 16 outputs in the place of 144.

Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks", F(4x4, 3x3): an input is cut into tiles of 6x6
that overlap by 2; tiles and kernel are transformed by small matrices, multiplied point by point (36 matrix products
over the channels), and transformed back to 4x4 outputs each. Relative error in float32: 1e-6 to 5e-6.

Arrays are [C, H, W, B], as in `convolution`. Transforms are written as sums of slices: additions on rows of B numbers.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

OUT, TILE = 4, 6  # outputs and inputs of a tile, per axis
SMALL_PRODUCT = 2_500_000  # multiply-adds

# Section 4.2 of the paper: Y = A' [(G g G') * (B' d B)] A.
INPUT = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    np.float32,
)
KERNEL = np.array(
    [[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]],
    np.float32,
) / np.float32(24)
OUTPUT = np.array(
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    np.float32,
)


@jax.custom_vjp
def correlate(x: jax.Array, kernel: jax.Array, bias: jax.Array) -> jax.Array:
    """`x` [C, H, W, B], `kernel` [3, 3, C, F] and `bias` [F] -> [F, H - 2, W - 2, B]. Reverse mode only."""
    return _forward(x, kernel, bias)[0]


def _forward(x: jax.Array, kernel: jax.Array, bias: jax.Array) -> tuple[jax.Array, tuple]:
    tiles, weights = _tiles(x), _both(KERNEL, kernel.transpose(1, 0, 3, 2))
    products = _products("fc,cn->fn", weights, _flat(tiles))
    shaped = [[product.reshape(-1, *tiles.shape[3:]) for product in line] for line in products]
    lines = [jnp.stack(_mixed(OUTPUT, line)) for line in shaped]
    found = jnp.stack(_mixed(OUTPUT, list(_computed(jnp.stack(lines)))), 4)  # [4, F, rows, columns, 4, B]
    found = found.transpose(1, 2, 0, 3, 4, 5).reshape(kernel.shape[-1], OUT * tiles.shape[3], -1, x.shape[-1])
    found = found[:, : x.shape[1] - 2, : x.shape[2] - 2] + bias[:, None, None, None]
    return found, (tiles, weights, x)


def _backward(kept: tuple, gradient: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    tiles, weights, x = kept
    rows, columns = tiles.shape[3:5]
    by_products = _flat(_spread(_padded(gradient, OUT * rows, OUT * columns)))
    by_weights = _products("cn,fn->cf", _flat(tiles), by_products)
    by_kernel = _both(KERNEL.T, jnp.stack([jnp.stack(line) for line in by_weights])).transpose(1, 0, 2, 3)
    by_tiles = _products("fc,fn->cn", weights, by_products)
    shaped = [[part.reshape(tiles.shape[2:]) for part in line] for line in by_tiles]
    lines = [_overlap_added(_mixed(INPUT.T, line), 1) for line in shaped]
    by_x = _overlap_added(_mixed(INPUT.T, list(_computed(jnp.stack(lines)))), 2)
    return by_x[:, : x.shape[1], : x.shape[2]], by_kernel, gradient.sum(axis=(1, 2, 3))


correlate.defvjp(_forward, _backward)


def _tiles(x: jax.Array) -> jax.Array:
    """The transformed tiles of `x` [C, H, W, B]: [6 (column), 6 (row), C, rows, columns, B]; zeros beyond the edge."""
    rows, columns = (-(-(length - 2) // OUT) for length in x.shape[1:3])
    x = _padded(x, OUT * rows + 2, OUT * columns + 2)
    lines = _mixed(INPUT, [x[:, i : i + OUT * rows - 3 : OUT] for i in range(TILE)])
    lines = _computed(jnp.stack(lines))
    return _computed(jnp.stack(_mixed(INPUT, [lines[:, :, :, j : j + OUT * columns - 3 : OUT] for j in range(TILE)])))


def _spread(gradient: jax.Array) -> jax.Array:
    """4x4 places of each tile to 6x6, the outputs' transform transposed: [6 (column), 6 (row), F, rows, columns, B]."""
    lines = _computed(jnp.stack(_mixed(OUTPUT.T, [gradient[:, i::OUT] for i in range(OUT)])))
    return _computed(jnp.stack(_mixed(OUTPUT.T, [lines[:, :, :, j::OUT] for j in range(OUT)])))


def _both(matrix: np.ndarray, x: jax.Array) -> jax.Array:
    """matrix @ x @ matrix.T on the first two axes of `x`."""
    lines = jnp.stack(_mixed(matrix, list(x)))
    return jnp.stack(_mixed(matrix, [lines[:, place] for place in range(x.shape[1])]), 1)


def _mixed(matrix: np.ndarray, arrays: list[jax.Array]) -> list[jax.Array]:
    """matrix @ arrays, as sums of whole arrays."""
    return [sum(_times(array, w) for array, w in zip(arrays, row, strict=True) if w) for row in matrix]  # pyright: ignore


def _times(array: jax.Array, weight: float) -> jax.Array:
    return array if weight == 1 else -array if weight == -1 else array * jnp.asarray(weight, array.dtype)


def _overlap_added(parts: list[jax.Array], axis: int) -> jax.Array:
    """6 places per tile along `axis`, 4 apart: the last two are added to the first two of the next tile."""
    first = [_moved(part, axis, 0) for part in parts[:OUT]]
    first[0] += _moved(parts[4], axis, 1)
    first[1] += _moved(parts[5], axis, 1)
    shape = list(first[0].shape)
    shape[axis] *= OUT
    return jnp.stack(first, axis + 1).reshape(shape)


def _moved(part: jax.Array, axis: int, by: int) -> jax.Array:
    return jnp.pad(part, [(by, 1 - by) if place == axis else (0, 0) for place in range(part.ndim)])


def _padded(x: jax.Array, rows: int, columns: int) -> jax.Array:
    return jnp.pad(x, ((0, 0), (0, rows - x.shape[1]), (0, columns - x.shape[2]), (0, 0)))


def _flat(tiles: jax.Array) -> jax.Array:
    """[6, 6, channels, rows, columns, B] -> [6, 6, channels, the rest]."""
    return tiles.reshape(*tiles.shape[:3], -1)


def _products(equation: str, left: jax.Array, right: jax.Array) -> list[list[jax.Array]]:
    """The matrix product `equation` of each of the 6x6 places of `left` and `right`, [6, 6, ., .] each.

    Small ones as 36 products, which the cores work off side by side (2.4 ms against 4.6 for both gradients of the digit
    net's second layer); large ones keep all cores busy by themselves, and a deep net of so many would compile forever.
    """
    first, second, result = equation.replace("->", ",").split(",")
    sizes = dict(zip(first, left.shape[2:], strict=True)) | dict(zip(second, right.shape[2:], strict=True))
    if math.prod(sizes.values()) <= SMALL_PRODUCT:
        return [[jnp.einsum(equation, left[c, r], right[c, r]) for r in range(TILE)] for c in range(TILE)]
    together = jnp.einsum(f"ij{first},ij{second}->ij{result}", left, right)
    return [[together[c, r] for r in range(TILE)] for c in range(TILE)]


def _computed(x: jax.Array) -> jax.Array:
    """`x`, computed here: XLA would work it out anew in everything that reads it."""
    return jax.lax.optimization_barrier(x)
