"""Convolution as a pure function, with a fast lowering for each platform.

On CPU, XLA's own convolution is slow inside `while_loop` and `scan` (its backward pass 7-12 times, jax-ml/jax#12868),
and a training program is such a loop. There a convolution is a matrix product: the kernel times the input's patches,
each laid out as a column ("im2col", Chellapilla et al. 2006). Both gradients are products of the same two matrices. The
program itself makes the choice (`lax.platform_dependent`).

While a batch is convolved and pooled, its examples are the last axis, [C, H, W, B]: copies move rows of B neighbouring
numbers, and products run twice as fast as those of [B, H, W, C]. The transposes cost nothing inside `jit`: XLA chooses
the layout of the arrays between two layers.
"""

import functools
import itertools
import math
from typing import Literal

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import DTypeLike

from research.models.lowering import winograd
from research.models.lowering.pooling import SMALLEST_BATCH, max_pool

__all__ = ["conv2d", "max_pool"]

Shape = tuple[int, ...]
Lowering = Literal["xla", "rows", "columns", "winograd", "winograd_channels"]

LARGEST_KERNEL = 15**2  # positions; patches take one slice for each, and 10,000 slices compile for minutes
LARGEST_PATCHES = 2**27  # numbers in the matrix of patches, 512 MiB of float32; its gradient takes as much again


def conv2d(
    x: jax.Array, kernel: jax.Array, bias: jax.Array, *, stride: Shape = (1, 1), padding: str = "valid"
) -> jax.Array:
    """Slide `kernel` [h, w, C, F] over `x` [B, H, W, C]: a map [B, H', W', F] of patch x kernel, summed, + `bias` [F].

    "valid" keeps patches inside; "same" pads with zeros to ceil(H / stride), the odd row below and right (as
    TensorFlow does). Computed in the kernel's type. First derivatives in reverse mode only (`jax.grad`, also under
    `vmap`): on CPU the gradient is written by hand, so `jax.jvp` and second derivatives raise.
    """
    x = x.astype(kernel.dtype)
    if padding == "same":
        before_after = (same_padding(*axis) for axis in zip(x.shape[1:3], kernel.shape[:2], stride, strict=True))
        x = jnp.pad(x, ((0, 0), *before_after, (0, 0)))
    lowering = choose_lowering(x.shape, kernel.shape, stride, kernel.dtype)
    if lowering == "xla":
        return _by_xla(x, kernel, bias, stride)
    on_cpu = functools.partial(_by_products, stride=stride, lowering=lowering)
    return lax.platform_dependent(x, kernel, bias, cpu=on_cpu, default=functools.partial(_by_xla, stride=stride))


def _by_xla(x: jax.Array, kernel: jax.Array, bias: jax.Array, stride: Shape) -> jax.Array:
    return lax.conv_general_dilated(x, kernel, stride, "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")) + bias


def _by_products(x: jax.Array, kernel: jax.Array, bias: jax.Array, stride: Shape, lowering: Lowering) -> jax.Array:
    """The convolution of padded `x` [B, H, W, C] as matrix products: [B, H', W', F]."""
    if lowering == "rows":
        return _patches_as_rows(x, kernel.shape, stride) @ kernel.reshape(-1, kernel.shape[-1]) + bias
    if lowering == "winograd_channels":
        return winograd.correlate(x, kernel, bias, "channels")
    if lowering == "winograd":
        return winograd.correlate(x.transpose(3, 1, 2, 0), kernel, bias, "examples").transpose(3, 1, 2, 0)
    return _correlate(x.transpose(3, 1, 2, 0), kernel, bias, stride).transpose(3, 1, 2, 0)


def choose_lowering(image: Shape, kernel: Shape, stride: Shape, precision: DTypeLike = jnp.float32) -> Lowering:
    """How a CPU convolves padded images [B, H, W, C] with a kernel [h, w, C, F] in `precision`; other platforms: "xla".

    "rows" and "columns" are the layout of patches: [B, H', W', h * w * C] and [h * w * C, H' W' B]. In a training loop
    the digit net's gradients take "xla" 7-25 times as long. "columns" are faster from `SMALLEST_BATCH` examples on;
    fewer fill no vector register (B = 8: rows 0.5 ms forward, columns 0.8).

    Winograd's products pay from 16 channels and 5 positions on (a training step of the digit net, B = 128: 14.8 ms
    against 20.6); below, the transforms cost as much as the products save. In less than float32 its coefficients of up
    to 24 lose too many bits. "winograd_channels" takes [B, H, W, C] for many more features than examples, and works
    large batches off in groups, so that it never has too many patches. It is not chosen for a few more features: the
    transposes between layers of both kinds make a step of a net of photos three times as long.

    Measured on 2 cores; docs/speed.md has the tables.
    """
    rows, columns = _positions(image[1:3], kernel, stride)
    plain = tuple(kernel[:2]) == (3, 3) and tuple(stride) == (1, 1) and precision == jnp.float32
    suits = plain and min(kernel[2:]) >= 16 and min(rows, columns) >= 5
    if kernel[0] * kernel[1] > LARGEST_KERNEL:
        return "xla"
    too_many = image[0] * rows * columns * kernel[0] * kernel[1] * kernel[2] > LARGEST_PATCHES
    if suits and (too_many or kernel[-1] >= 8 * image[0]):
        return "winograd_channels"
    if too_many:
        return "xla"
    if image[0] < SMALLEST_BATCH:
        return "rows"
    return "winograd" if suits else "columns"


def same_padding(length: int, window: int, step: int) -> tuple[int, int]:
    """Zeros before and after an axis so that ceil(length / step) windows fit (TensorFlow's "SAME")."""
    total = max((-(-length // step) - 1) * step + window - length, 0)
    return total // 2, total - total // 2


def _positions(image: Shape, kernel: Shape, stride: Shape) -> tuple[int, int]:
    """Rows and columns of positions where the kernel fits into the image."""
    return (image[0] - kernel[0]) // stride[0] + 1, (image[1] - kernel[1]) // stride[1] + 1


def _patches_as_rows(x: jax.Array, kernel: Shape, stride: Shape) -> jax.Array:
    """Every patch of `x` [B, H, W, C], in the order of the kernel: [B, H', W', h * w * C]."""
    rows, columns = _positions(x.shape[1:3], kernel, stride)
    return jnp.concatenate([part for line in _shifts(x, kernel, stride, rows, columns) for part in line], axis=-1)


def _shifts(x: jax.Array, kernel: Shape, stride: Shape, rows: int, columns: int) -> list[list[jax.Array]]:
    """For each row and column of the kernel, the part of `x` [., H, W, .] that it meets: [., H', W', .]."""
    tops = [slice(top, top + (rows - 1) * stride[0] + 1, stride[0]) for top in range(kernel[0])]
    lefts = [slice(left, left + (columns - 1) * stride[1] + 1, stride[1]) for left in range(kernel[1])]
    return [[x[:, top, left] for left in lefts] for top in tops]


def _patches_as_columns(x: jax.Array, kernel: Shape, stride: Shape) -> jax.Array:
    """Every patch of `x` [C, H, W, B], in the order of the kernel: [h * w * C, H' * W' * B].

    XLA writes up to eight parts in one threaded pass and copies more of them twice, hence stacks of stacks (0.5 ms
    against 1.7 for the second layer of the digit net). Patches of pictures get a last row of ones for the bias
    (`_with_bias`).
    """
    parts = _shifts(x, kernel, stride, *_positions(x.shape[1:3], kernel, stride))
    if _is_picture(kernel):
        flat = [part for line in parts for part in line]
        return jnp.concatenate([*flat, jnp.ones_like(flat[0][:1])]).reshape(math.prod(kernel[:3]) + 1, -1)
    return jnp.stack([jnp.stack(line) for line in parts]).reshape(math.prod(kernel[:3]), -1)


def _is_picture(kernel: Shape) -> bool:
    """Whether a kernel reads few channels: then its patches are thin, and one row more costs nothing."""
    return kernel[2] <= 4


def _with_bias(kernel: jax.Array, bias: jax.Array) -> jax.Array:
    """The kernel as a matrix [h * w * C, F]; of pictures with the bias as its last row, where patches have ones."""
    matrix = kernel.reshape(-1, kernel.shape[-1])
    return jnp.concatenate([matrix, bias[None]]) if _is_picture(kernel.shape) else matrix


def _product(x: jax.Array, kernel: jax.Array, bias: jax.Array, stride: Shape) -> jax.Array:
    """`x` [C, H, W, B], `kernel` [h, w, C, F] and `bias` [F] -> [F, H', W', B]."""
    return _correlate_forward(x, kernel, bias, stride)[0]


_correlate = jax.custom_vjp(_product, nondiff_argnums=(3,))


def _correlate_forward(x: jax.Array, kernel: jax.Array, bias: jax.Array, stride: Shape) -> tuple[jax.Array, tuple]:
    patches = _patches_as_columns(x, kernel.shape, stride)
    output = _with_bias(kernel, bias).T @ patches
    output = output.reshape(-1, *_positions(x.shape[1:3], kernel.shape, stride), x.shape[-1])
    return output if _is_picture(kernel.shape) else output + bias[:, None, None, None], (x, kernel, patches)


def _correlate_backward(stride: Shape, residuals: tuple, gradient: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    x, kernel, patches = residuals
    height, width, channels, features = kernel.shape
    flat = gradient.reshape(features, -1)
    by_matrix = patches @ flat.T
    # `flat.sum` only where patches have no ones: XLA computes the gradient twice for it, here and for the product.
    by_bias = by_matrix[-1] if _is_picture(kernel.shape) else flat.sum(axis=1)
    by_kernel = by_matrix[: height * width * channels].reshape(kernel.shape)
    by_patches = (kernel.reshape(-1, features) @ flat).reshape(height, width, channels, *gradient.shape[1:])
    lines = _overlap_add([by_patches[:, left] for left in range(width)], 3, stride[1], x.shape[2])
    return _overlap_add([lines[top] for top in range(height)], 1, stride[0], x.shape[1]), by_kernel, by_bias


_correlate.defvjp(_correlate_forward, _correlate_backward)


def _overlap_add(parts: list[jax.Array], axis: int, step: int, length: int) -> jax.Array:
    """The sum of `parts`, part t spread by `step` along `axis` and moved by t, in an axis of `length`.

    The axis is divided into segments with the same parts in each; these are added, and the segments joined. A sum of
    padded parts is shorter, but XLA fuses it into its consumers and computes it up to four times.
    """
    spread = [(0, 0, step - 1 if dimension == axis else 0) for dimension in range(parts[0].ndim)]
    parts = [lax.pad(part, jnp.zeros((), part.dtype), spread) for part in parts] if step > 1 else parts
    reach = parts[0].shape[axis]
    borders = sorted({moved + end for moved in range(len(parts)) for end in (0, reach)})
    pieces = []
    for start, stop in itertools.pairwise(borders):
        present = [(moved, part) for moved, part in enumerate(parts) if moved <= start and stop <= moved + reach]
        slices = [lax.slice_in_dim(part, start - moved, stop - moved, axis=axis) for moved, part in present]
        pieces.append(functools.reduce(jnp.add, slices))
    if length > borders[-1]:  # beyond the last patch
        shape = list(parts[0].shape)
        shape[axis] = length - borders[-1]
        pieces.append(jnp.zeros(shape, parts[0].dtype))
    return jnp.concatenate(pieces, axis)
