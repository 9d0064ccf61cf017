"""Pooling as a pure function, with a gradient that XLA does not slow down."""

import functools

import jax
import jax.numpy as jnp
from jax import lax

Shape = tuple[int, ...]

SMALLEST_BATCH = 16  # examples that fill the vector registers of a core (AVX-512: 16 float32)


def max_pool(x: jax.Array, *, window: Shape = (2, 2), stride: Shape | None = None) -> jax.Array:
    """The maximum of each window of `x` [B, H, W, C]; windows are `stride` apart, by default adjacent.

    Rows and columns that do not fill a window are left out: [B, (H - h) // stride + 1, (W - w) // stride + 1, C]. The
    gradient goes to the largest value of a window, and of several equal ones to the first (row by row), as in torch and
    TensorFlow. Reverse mode only, as in `convolution.conv2d`.

    Large batches have their examples as the last axis, as in `convolution`. The digit net's first pool of 128 examples
    takes 0.6 ms with its gradient, and 6 by autodiff; `lax.reduce_window` doubles the whole training step.
    """
    if len(x) >= SMALLEST_BATCH:
        return _pool(x.transpose(3, 1, 2, 0), window, stride or window).transpose(3, 1, 2, 0)
    return _pool(x, window, stride or window)


def largest(x: jax.Array) -> jax.Array:
    """`x.max(axis=1)` of [B, P, ...], whose gradient goes to the first of the largest values.

    The gradient of `max` divides by the number of values that equal it, which is 0 where XLA computes them a second
    time with another rounding.
    """
    return jnp.take_along_axis(x, x.argmax(axis=1, keepdims=True), axis=1).squeeze(1)


def _pool(x: jax.Array, window: Shape, stride: Shape) -> jax.Array:
    """`x` [., H, W, .] -> [., H', W', .]."""
    if window == stride:
        return _without_overlap(x, window, x.shape[1:3])
    # A window's maximum is that of its rows' maxima, and the first that is equal to it is in the first such row.
    return _along(_along(x, 2, window[1], stride[1], x.shape[2]), 1, window[0], stride[0], x.shape[1])


def _maxima(x: jax.Array, window: Shape, size: Shape) -> jax.Array:
    """The maxima of windows that do not overlap; `size` is (H, W)."""
    return functools.reduce(jnp.maximum, _offsets(x, window))


_without_overlap = jax.custom_vjp(_maxima, nondiff_argnums=(1, 2))


def _maxima_forward(x: jax.Array, window: Shape, size: Shape) -> tuple[jax.Array, jax.Array]:
    return _largest(_offsets(x, window))


def _maxima_backward(window: Shape, size: Shape, where: jax.Array, gradient: jax.Array) -> tuple[jax.Array]:
    shares = [jnp.where(where == index, gradient, 0) for index in range(window[0] * window[1])]
    outer, rows, columns, inner = gradient.shape
    # XLA computes stacks once, and a broadcast comparison again in each consumer.
    lines = [jnp.stack(shares[start : start + window[1]], 3) for start in range(0, len(shares), window[1])]
    lines = [line.reshape(outer, rows, columns * window[1], inner) for line in lines]
    spread = jnp.stack(lines, 2).reshape(outer, rows * window[0], columns * window[1], inner)
    missing = (size[0] - spread.shape[1], size[1] - spread.shape[2])
    return (jnp.pad(spread, ((0, 0), (0, missing[0]), (0, missing[1]), (0, 0))),)


_without_overlap.defvjp(_maxima_forward, _maxima_backward)


def _offsets(x: jax.Array, window: Shape) -> list[jax.Array]:
    """For each offset in a window, row by row, the values of `x` [., H, W, .] there: [., H', W', .]."""
    rows, columns = (length // width * width for length, width in zip(x.shape[1:3], window, strict=True))
    return [
        x[:, top : rows : window[0], left : columns : window[1]]
        for top in range(window[0])
        for left in range(window[1])
    ]


def _maxima_along(x: jax.Array, axis: int, window: int, step: int, length: int) -> jax.Array:
    """The maxima of windows along `axis`, where `x` has `length` positions."""
    return functools.reduce(jnp.maximum, _offsets_along(x, axis, window, step))


_along = jax.custom_vjp(_maxima_along, nondiff_argnums=(1, 2, 3, 4))


def _along_forward(x: jax.Array, axis: int, window: int, step: int, length: int) -> tuple[jax.Array, jax.Array]:
    return _largest(_offsets_along(x, axis, window, step))


def _along_backward(
    axis: int, window: int, step: int, length: int, where: jax.Array, gradient: jax.Array
) -> tuple[jax.Array]:
    """Each position gathers the gradients of the windows of which it is the largest value: the last window that begins
    at or before it, and earlier ones.

    A sum of gradients that are padded with zeros is 15 times as slow on CPU (18 ms against 1.2 for SqueezeNet's first
    pool).
    """
    before, count = -(-window // step) - 1, -(-length // step)
    padding = [(0, 0)] * gradient.ndim
    padding[axis] = (before, count - gradient.shape[axis])
    padded = lax.optimization_barrier((jnp.pad(gradient, padding), jnp.pad(where, padding)))
    offsets = jnp.arange(step, dtype=where.dtype).reshape(step, *[1] * (gradient.ndim - 1 - axis))
    total = jnp.zeros((), gradient.dtype)
    for back in range(before + 1):
        start = before - back
        share, largest = (
            jnp.expand_dims(lax.slice_in_dim(each, start, start + count, axis=axis), axis + 1) for each in padded
        )
        total += jnp.where(largest == offsets + back * step, share, 0)
    joined = total.reshape(*gradient.shape[:axis], count * step, *gradient.shape[axis + 1 :])
    return (lax.optimization_barrier(lax.slice_in_dim(joined, 0, length, axis=axis)),)


_along.defvjp(_along_forward, _along_backward)


def _offsets_along(x: jax.Array, axis: int, window: int, step: int) -> list[jax.Array]:
    reach = (x.shape[axis] - window) // step * step + 1
    return [lax.slice_in_dim(x, offset, offset + reach, step, axis) for offset in range(window)]


def _largest(values: list[jax.Array]) -> tuple[jax.Array, jax.Array]:
    """The largest of several arrays, and the index of the first such one.

    The index is float32, which XLA compares four times as fast as bytes.
    """
    largest, *others = values
    where = jnp.zeros(largest.shape, jnp.float32)
    for index, other in enumerate(others, start=1):
        where = jnp.where(other > largest, jnp.float32(index), where)
        largest = jnp.maximum(largest, other)
    return largest, where
