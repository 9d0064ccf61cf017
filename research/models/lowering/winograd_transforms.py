"""The transforms of Winograd's filtering F(4x4, 3x3), on arrays whose axes 1 and 2 are rows and columns.

Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks", section 4.2: Y = A' [(G g G') * (B' d B)] A.
They are written as sums of slices: additions on rows of neighbouring numbers, whichever axis is last.
"""

import jax
import jax.numpy as jnp
import numpy as np

OUT, TILE = 4, 6  # outputs and inputs of a tile, per axis

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

TilePoints = list[list[jax.Array]]  # one array per point of a tile: [column][row]


def tiles_of(x: jax.Array) -> jax.Array:
    """The transformed tiles of `x` [., H, W, .]: [6 (column), 6 (row), ., rows, columns, .]; zeros beyond the edge."""
    rows, columns = (-(-(length - 2) // OUT) for length in x.shape[1:3])
    x = _padded(x, OUT * rows + 2, OUT * columns + 2)
    lines = _mixed(INPUT, [x[:, i : i + OUT * rows - 3 : OUT] for i in range(TILE)])
    lines = _computed(jnp.stack(lines))
    return _computed(jnp.stack(_mixed(INPUT, [lines[:, :, :, j : j + OUT * columns - 3 : OUT] for j in range(TILE)])))


def weights_of(kernel: jax.Array) -> jax.Array:
    """The transformed `kernel` [3, 3, ., .]: [6 (column), 6 (row), ., .]."""
    return _both(KERNEL, kernel.transpose(1, 0, 2, 3))


def kernel_gradient(by_weights: jax.Array) -> jax.Array:
    """`weights_of` transposed: [6, 6, ., .] -> [3, 3, ., .]."""
    return _both(KERNEL.T, by_weights).transpose(1, 0, 2, 3)


def outputs_of(products: TilePoints) -> jax.Array:
    """6x6 products [., rows, columns, .] -> the outputs [., 4 * rows, 4 * columns, .].

    The axes of both stacks avoid a transposition, which makes it faster by a third.
    """
    lines = _computed(jnp.stack([jnp.stack(_mixed(OUTPUT, line), 2) for line in products]))
    outputs = jnp.stack(_mixed(OUTPUT, list(lines)), 4)
    first, rows, _, columns, _, last = outputs.shape
    return outputs.reshape(first, OUT * rows, OUT * columns, last)


def spread(gradient: jax.Array, rows: int, columns: int) -> jax.Array:
    """`outputs_of` transposed, for as many tiles: [., H, W, .] -> [6 (column), 6 (row), ., rows, columns, .]."""
    gradient = _padded(gradient, OUT * rows, OUT * columns)
    lines = _computed(jnp.stack(_mixed(OUTPUT.T, [gradient[:, i::OUT] for i in range(OUT)])))
    return _computed(jnp.stack(_mixed(OUTPUT.T, [lines[:, :, :, j::OUT] for j in range(OUT)])))


def input_gradient(by_tiles: TilePoints) -> jax.Array:
    """`tiles_of` transposed: 6x6 arrays [., rows, columns, .] -> [., at least H, at least W, .]."""
    lines = [_overlap_added(_mixed(INPUT.T, line), 1) for line in by_tiles]
    return _overlap_added(_mixed(INPUT.T, list(_computed(jnp.stack(lines)))), 2)


def _both(matrix: np.ndarray, x: jax.Array) -> jax.Array:
    """matrix @ x @ matrix.T on the first two axes of `x`."""
    lines = jnp.stack(_mixed(matrix, list(x)))
    return jnp.stack(_mixed(matrix, [lines[:, row] for row in range(x.shape[1])]), 1)


def _mixed(matrix: np.ndarray, arrays: list[jax.Array]) -> list[jax.Array]:
    """matrix @ arrays, as sums of whole arrays."""
    return [sum(_times(array, w) for array, w in zip(arrays, row, strict=True) if w) for row in matrix]  # pyright: ignore


def _times(array: jax.Array, weight: float) -> jax.Array:
    return array if weight == 1 else -array if weight == -1 else array * jnp.asarray(weight, array.dtype)


def _overlap_added(parts: list[jax.Array], axis: int) -> jax.Array:
    """6 points per tile along `axis`, 4 apart: the last two are added to the first two of the next tile."""
    first = [_moved(part, axis, 0) for part in parts[:OUT]]
    first[0] += _moved(parts[4], axis, 1)
    first[1] += _moved(parts[5], axis, 1)
    shape = list(first[0].shape)
    shape[axis] *= OUT
    return jnp.stack(first, axis + 1).reshape(shape)


def _moved(part: jax.Array, axis: int, by: int) -> jax.Array:
    return jnp.pad(part, [(by, 1 - by) if dimension == axis else (0, 0) for dimension in range(part.ndim)])


def _padded(x: jax.Array, rows: int, columns: int) -> jax.Array:
    return jnp.pad(x, ((0, 0), (0, rows - x.shape[1]), (0, columns - x.shape[2]), (0, 0)))


def _computed(x: jax.Array) -> jax.Array:
    """`x`, computed once: without the barrier XLA computes it again in each consumer."""
    return jax.lax.optimization_barrier(x)
