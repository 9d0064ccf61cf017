"""Pooling as a pure function, with a gradient that XLA does not slow down."""

import functools

import jax
import jax.numpy as jnp
from jax import lax

Shape = tuple[int, ...]


def max_pool(x: jax.Array, *, window: Shape = (2, 2), stride: Shape | None = None) -> jax.Array:
    """The maximum of each window of `x` [B, H, W, C]; windows are `stride` apart, side by side without it.

    What does not fill a window is left out: [B, (H - h) // stride + 1, (W - w) // stride + 1, C]. The gradient goes to
    the largest value of a window, to the first one (row by row) of several that are equal, as in torch and TensorFlow.
    Reverse mode only, as in `convolution.conv2d`.

    Like there, examples lie innermost while it works. The strided maxima take 0.2 ms for the first pool of the digit
    net (`lax.reduce_window` doubles the whole training step), finding their places 0.2, the gradient 0.2; autodiff 6.
    """
    return _largest(x.transpose(3, 1, 2, 0), window, stride or window, x.shape[1:3]).transpose(3, 1, 2, 0)


def _maxima(x: jax.Array, window: Shape, stride: Shape, size: Shape) -> jax.Array:
    """`x` [C, H, W, B] of `size` (H, W) -> [C, H', W', B]."""
    return functools.reduce(jnp.maximum, _places(x, window, stride))


_largest = jax.custom_vjp(_maxima, nondiff_argnums=(1, 2, 3))


def _largest_forward(x: jax.Array, window: Shape, stride: Shape, size: Shape) -> tuple[jax.Array, jax.Array]:
    """The maxima, and where in its window each was: float32, which XLA compares four times as fast as bytes."""
    largest, *others = _places(x, window, stride)
    where = jnp.zeros(largest.shape, jnp.float32)
    for place, other in enumerate(others, start=1):
        where = jnp.where(other > largest, jnp.float32(place), where)
        largest = jnp.maximum(largest, other)
    return largest, where


def _largest_backward(
    window: Shape, stride: Shape, size: Shape, where: jax.Array, gradient: jax.Array
) -> tuple[jax.Array]:
    if window != stride:
        return (_scattered(window, stride, size, where, gradient),)
    shares = [jnp.where(where == place, gradient, 0) for place in range(window[0] * window[1])]
    C, rows, columns, B = gradient.shape
    # Stacks, which XLA computes once; a broadcast comparison it works out anew, slowly, in everything that reads it.
    lines = [jnp.stack(shares[start : start + window[1]], 3) for start in range(0, len(shares), window[1])]
    lines = [line.reshape(C, rows, columns * window[1], B) for line in lines]
    spread = jnp.stack(lines, 2).reshape(C, rows * window[0], columns * window[1], B)
    missing = (size[0] - spread.shape[1], size[1] - spread.shape[2])
    return (jnp.pad(spread, ((0, 0), (0, missing[0]), (0, missing[1]), (0, 0))),)


_largest.defvjp(_largest_forward, _largest_backward)


def _scattered(window: Shape, stride: Shape, size: Shape, where: jax.Array, gradient: jax.Array) -> jax.Array:
    """The gradient of windows that overlap, or leave gaps: each place's share spread by the stride, and added up."""
    total = jnp.zeros((gradient.shape[0], *size, gradient.shape[3]), gradient.dtype)
    for place in range(window[0] * window[1]):
        share = jnp.where(where == place, gradient, 0)
        spread = [(0, 0, 0)]
        for axis, start in enumerate(divmod(place, window[1])):
            length = (gradient.shape[axis + 1] - 1) * stride[axis] + 1
            spread.append((start, size[axis] - start - length, stride[axis] - 1))
        total += lax.pad(share, jnp.zeros((), share.dtype), [*spread, (0, 0, 0)])
    return total


def _places(x: jax.Array, window: Shape, stride: Shape) -> list[jax.Array]:
    """For each place in a window, row by row, what `x` [., H, W, .] holds there: [., H', W', .]."""
    rows, columns = ((n - k) // s for n, k, s in zip(x.shape[1:3], window, stride, strict=True))
    return [
        x[:, top : top + rows * stride[0] + 1 : stride[0], left : left + columns * stride[1] + 1 : stride[1]]
        for top in range(window[0])
        for left in range(window[1])
    ]
