"""The transforms of Winograd's filtering F(m x m, 3x3), m = 3 or 4, on arrays whose axes 1 and 2 are rows and columns.

Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks", section 4.2: Y = A' [(G g G') * (B' d B)] A.
They are sums of slices, which add rows of neighbouring numbers whatever the last axis is.
"""

import jax
import jax.numpy as jnp
import numpy as np

# For m outputs of a tile per axis, which has m + 2 inputs: B', G and A' of the paper. Those of F(3, 3) are by the same
# construction (Toom-Cook; Winograd 1980) for the points 0, 1, -1, 2 and infinity.
INPUT = {
    3: np.array(
        [[2, -1, -2, 1, 0], [0, -2, -1, 1, 0], [0, 2, -3, 1, 0], [0, -1, 0, 1, 0], [0, 2, -1, -2, 1]],
        np.float32,
    ),
    4: np.array(
        [
            [4, 0, -5, 0, 1, 0],
            [0, -4, -4, 1, 1, 0],
            [0, 4, -4, -1, 1, 0],
            [0, -2, -1, 2, 1, 0],
            [0, 2, -1, -2, 1, 0],
            [0, 4, 0, -5, 0, 1],
        ],
        np.float32,
    ),
}
KERNEL = {
    3: np.array([[3, 0, 0], [-3, -3, -3], [-1, 1, -1], [1, 2, 4], [0, 0, 6]], np.float32) / np.float32(6),
    4: np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]], np.float32) / np.float32(24),
}
OUTPUT = {
    3: np.array([[1, 1, 1, 1, 0], [0, 1, -1, 2, 0], [0, 1, 1, 4, 1]], np.float32),
    4: np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], np.float32),
}

TilePoints = list[list[jax.Array]]  # one array for each of the (m + 2)^2 points of a tile: [column][row]


def tiles_of(x: jax.Array, m: int) -> jax.Array:
    """The transformed tiles of `x` [., H, W, .]: [m + 2 (column), m + 2 (row), ., rows, columns, .], zeros beyond the
    edge.
    """
    rows, columns = (-(-(length - 2) // m) for length in x.shape[1:3])
    x = _padded(x, m * rows + 2, m * columns + 2)
    lines = _mixed(INPUT[m], [x[:, i : i + m * rows - m + 1 : m] for i in range(m + 2)])
    lines = _computed(jnp.stack(lines))
    columns = [lines[:, :, :, j : j + m * columns - m + 1 : m] for j in range(m + 2)]
    return _computed(jnp.stack(_mixed(INPUT[m], columns)))


def weights_of(kernel: jax.Array, m: int) -> jax.Array:
    """The transformed `kernel` [3, 3, ., .]: [m + 2 (column), m + 2 (row), ., .]."""
    return _both(KERNEL[m], kernel.transpose(1, 0, 2, 3))


def kernel_gradient(by_weights: jax.Array) -> jax.Array:
    """`weights_of` transposed: [m + 2, m + 2, ., .] -> [3, 3, ., .]."""
    return _both(KERNEL[len(by_weights) - 2].T, by_weights).transpose(1, 0, 2, 3)


def outputs_of(products: TilePoints) -> jax.Array:
    """The products of all points [., rows, columns, .] -> the outputs [., m * rows, m * columns, .].

    The axes of both stacks avoid a transposition, which makes it faster by a third.
    """
    m = len(products) - 2
    lines = _computed(jnp.stack([jnp.stack(_mixed(OUTPUT[m], line), 2) for line in products]))
    outputs = jnp.stack(_mixed(OUTPUT[m], list(lines)), 4)
    first, rows, _, columns, _, last = outputs.shape
    return outputs.reshape(first, m * rows, m * columns, last)


def spread(gradient: jax.Array, rows: int, columns: int, m: int) -> jax.Array:
    """`outputs_of` transposed, for as many tiles: [., H, W, .] -> [m + 2, m + 2, ., rows, columns, .]."""
    gradient = _padded(gradient, m * rows, m * columns)
    lines = _computed(jnp.stack(_mixed(OUTPUT[m].T, [gradient[:, i::m] for i in range(m)])))
    return _computed(jnp.stack(_mixed(OUTPUT[m].T, [lines[:, :, :, j::m] for j in range(m)])))


def input_gradient(by_tiles: TilePoints) -> jax.Array:
    """`tiles_of` transposed: arrays of all points [., rows, columns, .] -> [., at least H, at least W, .]."""
    transposed = INPUT[len(by_tiles) - 2].T
    lines = [_overlap_added(_mixed(transposed, line), 1) for line in by_tiles]
    return _overlap_added(_mixed(transposed, list(_computed(jnp.stack(lines)))), 2)


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
    """m + 2 points per tile along `axis`, m apart: the last two are added to the first two of the next tile."""
    first = [_moved(part, axis, 0) for part in parts[:-2]]
    first[0] += _moved(parts[-2], axis, 1)
    first[1] += _moved(parts[-1], axis, 1)
    shape = list(first[0].shape)
    shape[axis] *= len(first)
    return jnp.stack(first, axis + 1).reshape(shape)


def _moved(part: jax.Array, axis: int, by: int) -> jax.Array:
    return jnp.pad(part, [(by, 1 - by) if dimension == axis else (0, 0) for dimension in range(part.ndim)])


def _padded(x: jax.Array, rows: int, columns: int) -> jax.Array:
    return jnp.pad(x, ((0, 0), (0, rows - x.shape[1]), (0, columns - x.shape[2]), (0, 0)))


def _computed(x: jax.Array) -> jax.Array:
    """`x`, computed once: without the barrier XLA computes it again in each consumer."""
    return jax.lax.optimization_barrier(x)
