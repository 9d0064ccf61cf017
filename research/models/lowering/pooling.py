"""Pooling as a pure function, with a gradient that XLA does not slow down."""

import functools

import jax
import jax.numpy as jnp
from jax import lax

Shape = tuple[int, ...]

SMALLEST_BATCH = 16  # examples that fill the vector registers of a core (AVX-512: 16 float32)


def max_pool(x: jax.Array, *, window: Shape = (2, 2), stride: Shape | None = None) -> jax.Array:
    """The maximum of each window of `x` [B, H, W, C]; windows are `stride` apart, side by side without it.

    What does not fill a window is left out: [B, (H - h) // stride + 1, (W - w) // stride + 1, C]. The gradient goes to
    the largest value of a window, to the first one (row by row) of several that are equal, as in torch and TensorFlow.
    Reverse mode only, as in `convolution.conv2d`.

    Like there, examples lie innermost while it works, if they are many. Measured with 128 of the digit net's first
    pool: the strided maxima take 0.2 ms (`lax.reduce_window` doubles the whole training step), finding their places
    0.2, the gradient 0.2; autodiff 6.
    """
    if len(x) >= SMALLEST_BATCH:
        return _pool(x.transpose(3, 1, 2, 0), window, stride or window).transpose(3, 1, 2, 0)
    return _pool(x, window, stride or window)


def largest(x: jax.Array) -> jax.Array:
    """`x.max(axis=1)` of [B, P, ...], with a slope of 1 where the first of the largest stands.

    The slope of `max` asks which numbers equal it and divides by how many: by none, where XLA works them out anew and
    rounds otherwise.
    """
    return jnp.take_along_axis(x, x.argmax(axis=1, keepdims=True), axis=1).squeeze(1)


def _pool(x: jax.Array, window: Shape, stride: Shape) -> jax.Array:
    """`x` [., H, W, .] -> [., H', W', .]."""
    if window == stride:
        return _side_by_side(x, window, x.shape[1:3])
    # A window's maximum is that of its rows' maxima, and the first that is equal to it is in the first such row.
    return _along(_along(x, 2, window[1], stride[1], x.shape[2]), 1, window[0], stride[0], x.shape[1])


def _maxima(x: jax.Array, window: Shape, size: Shape) -> jax.Array:
    """Of windows that do not overlap; `size` is (H, W)."""
    return functools.reduce(jnp.maximum, _places(x, window))


_side_by_side = jax.custom_vjp(_maxima, nondiff_argnums=(1, 2))


def _maxima_forward(x: jax.Array, window: Shape, size: Shape) -> tuple[jax.Array, jax.Array]:
    return _largest(_places(x, window))


def _maxima_backward(window: Shape, size: Shape, where: jax.Array, gradient: jax.Array) -> tuple[jax.Array]:
    shares = [jnp.where(where == place, gradient, 0) for place in range(window[0] * window[1])]
    outer, rows, columns, inner = gradient.shape
    # Stacks, which XLA computes once; a broadcast comparison it works out anew, slowly, in everything that reads it.
    lines = [jnp.stack(shares[start : start + window[1]], 3) for start in range(0, len(shares), window[1])]
    lines = [line.reshape(outer, rows, columns * window[1], inner) for line in lines]
    spread = jnp.stack(lines, 2).reshape(outer, rows * window[0], columns * window[1], inner)
    missing = (size[0] - spread.shape[1], size[1] - spread.shape[2])
    return (jnp.pad(spread, ((0, 0), (0, missing[0]), (0, missing[1]), (0, 0))),)


_side_by_side.defvjp(_maxima_forward, _maxima_backward)


def _places(x: jax.Array, window: Shape) -> list[jax.Array]:
    """For each place in a window, row by row, what `x` [., H, W, .] holds there: [., H', W', .]."""
    rows, columns = (length // width * width for length, width in zip(x.shape[1:3], window, strict=True))
    return [
        x[:, top : rows : window[0], left : columns : window[1]]
        for top in range(window[0])
        for left in range(window[1])
    ]


def _maxima_along(x: jax.Array, axis: int, window: int, step: int, length: int) -> jax.Array:
    """Of windows along `axis`, where `x` has `length` places."""
    return functools.reduce(jnp.maximum, _places_along(x, axis, window, step))


_along = jax.custom_vjp(_maxima_along, nondiff_argnums=(1, 2, 3, 4))


def _along_forward(x: jax.Array, axis: int, window: int, step: int, length: int) -> tuple[jax.Array, jax.Array]:
    return _largest(_places_along(x, axis, window, step))


def _along_backward(
    axis: int, window: int, step: int, length: int, where: jax.Array, gradient: jax.Array
) -> tuple[jax.Array]:
    """Each place looks at the windows that may have found it the largest: its own by `step`, and those before.

    Shares that are padded with zeros in between and added up, XLA works out number by number: 18 ms in the place of
    1.2 for the first pool of SqueezeNet on 8 pictures of 96 pixels, nine shares in the place of two times two.
    """
    before, count = -(-window // step) - 1, -(-length // step)
    padding = [(0, 0)] * gradient.ndim
    padding[axis] = (before, count - gradient.shape[axis])
    padded = lax.optimization_barrier((jnp.pad(gradient, padding), jnp.pad(where, padding)))
    places = jnp.arange(step, dtype=where.dtype).reshape(step, *[1] * (gradient.ndim - 1 - axis))
    found = jnp.zeros((), gradient.dtype)
    for back in range(before + 1):
        start = before - back
        share, largest = (
            jnp.expand_dims(lax.slice_in_dim(each, start, start + count, axis=axis), axis + 1) for each in padded
        )
        found += jnp.where(largest == places + back * step, share, 0)
    joined = found.reshape(*gradient.shape[:axis], count * step, *gradient.shape[axis + 1 :])
    return (lax.optimization_barrier(lax.slice_in_dim(joined, 0, length, axis=axis)),)


_along.defvjp(_along_forward, _along_backward)


def _places_along(x: jax.Array, axis: int, window: int, step: int) -> list[jax.Array]:
    reach = (x.shape[axis] - window) // step * step + 1
    return [lax.slice_in_dim(x, place, place + reach, step, axis) for place in range(window)]


def _largest(places: list[jax.Array]) -> tuple[jax.Array, jax.Array]:
    """The largest of several, and which was the first: as float32, which XLA compares four times as fast as bytes."""
    largest, *others = places
    where = jnp.zeros(largest.shape, jnp.float32)
    for place, other in enumerate(others, start=1):
        where = jnp.where(other > largest, jnp.float32(place), where)
        largest = jnp.maximum(largest, other)
    return largest, where
