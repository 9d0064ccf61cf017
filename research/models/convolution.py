"""Convolution and pooling as pure functions, lowered to what the platform runs fast.

On CPU, XLA's own convolution is slow inside `while_loop` and `scan` (its backward pass 7-12 times, jax-ml/jax#12868), and
training lives in one. So there a convolution is a matrix product of the chips: every chip of the input laid out as a
row ("im2col", Chellapilla et al. 2006), times the kernel laid out as columns. Its gradients are two more products.
"""

import jax
import jax.numpy as jnp

Shape = tuple[int, ...]


def conv2d(x: jax.Array, kernel: jax.Array, *, stride: Shape = (1, 1), padding: str = "valid") -> jax.Array:
    """Slide `kernel` [h, w, C, F] over `x` [B, H, W, C]: a map [B, H', W', F] of chip x kernel, summed.

    "valid" keeps chips inside; "same" pads with zeros to ceil(H / stride), the odd row below and right (as
    TensorFlow does).
    """
    if jax.default_backend() != "cpu":
        return jax.lax.conv_general_dilated(
            x, kernel, stride, padding.upper(), dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
    height, width, channels, features = kernel.shape
    return chips(x, (height, width), stride, padding) @ kernel.reshape(height * width * channels, features)


def chips(x: jax.Array, size: Shape, stride: Shape, padding: str) -> jax.Array:
    """Every chip of `x` [B, H, W, C], laid out as the kernel is: [B, H', W', h * w * C]."""
    if padding == "same":
        x = jnp.pad(
            x, ((0, 0), *(same_padding(n, k, s) for n, k, s in zip(x.shape[1:3], size, stride, strict=True)), (0, 0))
        )
    rows, columns = ((n - k) // s + 1 for n, k, s in zip(x.shape[1:3], size, stride, strict=True))
    corners = [(top, left) for top in range(size[0]) for left in range(size[1])]
    slices = [
        x[
            :,
            top : top + (rows - 1) * stride[0] + 1 : stride[0],
            left : left + (columns - 1) * stride[1] + 1 : stride[1],
        ]
        for top, left in corners
    ]
    return jnp.concatenate(slices, axis=-1)


def same_padding(length: int, window: int, step: int) -> tuple[int, int]:
    """Zeros before and after an axis so that ceil(length / step) windows fit (TensorFlow's "SAME")."""
    total = max((-(-length // step) - 1) * step + window - length, 0)
    return total // 2, total - total // 2


def max_pool(x: jax.Array, *, window: Shape = (2, 2)) -> jax.Array:
    """The maximum of each window of `x` [B, H, W, C], windows side by side; what does not fill one is left out."""
    rows, columns = x.shape[1] // window[0], x.shape[2] // window[1]
    found = None
    for top in range(window[0]):
        for left in range(window[1]):
            part = x[:, top : rows * window[0] : window[0], left : columns * window[1] : window[1]]
            found = part if found is None else jnp.maximum(found, part)
    assert found is not None
    return found
