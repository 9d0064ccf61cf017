"""Convolution as a pure function, lowered to what the platform runs fast.

On CPU, XLA's own convolution is slow inside `while_loop` and `scan` (its backward pass 7-12 times, jax-ml/jax#12868),
and training lives in one. So there, chosen inside the program, a convolution is a matrix product: every chip of the
input laid out as a column ("im2col", Chellapilla et al. 2006), the kernel times that. Both gradients are products of
the same two matrices.

A batch is held with its examples innermost, [C, H, W, B], while it is convolved and pooled. Then laying out chips,
adding their gradients up and pooling move whole rows of B neighbouring numbers, and the products run at 170-200
GFLOP/s where those of [B, H, W, C] run at 92-106. The transposes at the border cost nothing inside `jit`: XLA lays the
arrays between two layers out so that they are none.
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

LARGEST_KERNEL = 15**2  # positions; chips are cut by one operation at each, and of 10,000 XLA compiles for minutes
LARGEST_CHIPS = 2**27  # numbers in the matrix of chips, 512 MiB of float32; its gradient takes as much again


def conv2d(
    x: jax.Array, kernel: jax.Array, bias: jax.Array, *, stride: Shape = (1, 1), padding: str = "valid"
) -> jax.Array:
    """Slide `kernel` [h, w, C, F] over `x` [B, H, W, C]: a map [B, H', W', F] of chip x kernel, summed, + `bias` [F].

    "valid" keeps chips inside; "same" pads with zeros to ceil(H / stride), the odd row below and right (as
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
    """`x` [B, H, W, C], padded, as matrix products."""
    if lowering == "rows":
        return _chips_as_rows(x, kernel.shape, stride) @ kernel.reshape(-1, kernel.shape[-1]) + bias
    if lowering == "winograd_channels":
        return winograd.correlate(x, kernel, bias, "channels")
    if lowering == "winograd":
        return winograd.correlate(x.transpose(3, 1, 2, 0), kernel, bias, "examples").transpose(3, 1, 2, 0)
    return _correlate(x.transpose(3, 1, 2, 0), kernel, bias, stride).transpose(3, 1, 2, 0)


def choose_lowering(image: Shape, kernel: Shape, stride: Shape, precision: DTypeLike = jnp.float32) -> Lowering:
    """How a CPU convolves padded images [B, H, W, C] with a kernel [h, w, C, F] in `precision`; others do by "xla".

    Measured in nets of such layers (2 shared cores, AVX-512; minima), ms per training step in a loop; one layer's
    gradients take "xla" 7-25 times as long. The digit net with B = 128 is measured on a quiet machine, the others are
    not, so compare within a column:

        like the digit net, 28x28x1, B =     8     16     32     64    the digit net, 128    photos 150x150x3, B = 20
        "rows", [B, H', W', h * w * C]     2.1    7.9    8.8   19.2    26.9                  890
        "columns", [h * w * C, H' W' B]    1.8    4.9    4.4    8.7    20.6                  482
        "winograd" where it suits, too                                 14.8

    Winograd's products pay from 16 channels and 5 positions on: its transforms cost as much as they save below. With
    many more features than examples those are the longer rows of neighbours, and the transforms as they are written
    serve [B, H, W, C] too: "winograd_channels", which takes any batch, works large ones off in groups, and so never has
    too many chips. (Where chips do fit, not with a few more features: between layers of both kinds lie transposes,
    which make a training step of the photos' net 960 ms with 32 examples, in the place of 340.) VGG16's layers, B = 16,
    forward (2 quiet cores, AVX2; minima; PyTorch's channels last and our "xla" beside):

        ms at 224 x 64 -> 64   112 x 64 -> 128   56 x 128 -> 256   56 x 256   28 x 512   14 x 512   all at 224 pixels
        "winograd_channels" 324      104                90            159        147         53          1750
        PyTorch             342      168               166            374        348         86          3023
        "xla"               411      236               194            386        391        105          3677

    In less than float32 its coefficients of up to 24 would lose what bits there are. Forward alone "rows" and "columns"
    are equal from B = 32 on; below 16, where "columns" fill no register, "rows" are faster (0.5 against 0.8 ms at
    B = 8). When the chips would not fit in memory "xla" is left; its forward pass is the fastest of the three for large
    pictures (photos above: 248 ms, "rows" 286, "columns" 302), its kernel gradient is not.
    """
    rows, columns = _positions(image[1:3], kernel, stride)
    plain = tuple(kernel[:2]) == (3, 3) and tuple(stride) == (1, 1) and precision == jnp.float32
    suits = plain and min(kernel[2:]) >= 16 and min(rows, columns) >= 5
    if kernel[0] * kernel[1] > LARGEST_KERNEL:
        return "xla"
    too_many = image[0] * rows * columns * kernel[0] * kernel[1] * kernel[2] > LARGEST_CHIPS
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
    """Rows and columns of places where the kernel fits into the image."""
    return (image[0] - kernel[0]) // stride[0] + 1, (image[1] - kernel[1]) // stride[1] + 1


def _chips_as_rows(x: jax.Array, kernel: Shape, stride: Shape) -> jax.Array:
    """Every chip of `x` [B, H, W, C], laid out as the kernel is: [B, H', W', h * w * C]."""
    rows, columns = _positions(x.shape[1:3], kernel, stride)
    return jnp.concatenate([part for line in _shifts(x, kernel, stride, rows, columns) for part in line], axis=-1)


def _shifts(x: jax.Array, kernel: Shape, stride: Shape, rows: int, columns: int) -> list[list[jax.Array]]:
    """For each row and column of the kernel, the part of `x` [., H, W, .] that it meets: [., H', W', .]."""
    tops = [slice(top, top + (rows - 1) * stride[0] + 1, stride[0]) for top in range(kernel[0])]
    lefts = [slice(left, left + (columns - 1) * stride[1] + 1, stride[1]) for left in range(kernel[1])]
    return [[x[:, top, left] for left in lefts] for top in tops]


def _chips_as_columns(x: jax.Array, kernel: Shape, stride: Shape) -> jax.Array:
    """Every chip of `x` [C, H, W, B], laid out as the kernel is: [h * w * C, H' * W' * B].

    Up to eight parts XLA writes in one threaded pass, more it copies twice: hence stacks of stacks (0.5 ms against 1.7
    for the second layer of the digit net).

    The chips of pictures get a row of ones below, for the bias (`_with_bias`), and are copied once more: pictures are
    gathered from bytes.
    """
    parts = _shifts(x, kernel, stride, *_positions(x.shape[1:3], kernel, stride))
    if _is_picture(kernel):
        flat = [part for line in parts for part in line]
        return jnp.concatenate([*flat, jnp.ones_like(flat[0][:1])]).reshape(math.prod(kernel[:3]) + 1, -1)
    return jnp.stack([jnp.stack(line) for line in parts]).reshape(math.prod(kernel[:3]), -1)


def _is_picture(kernel: Shape) -> bool:
    """Whether a kernel reads few channels: then its chips are thin, and one row more costs nothing."""
    return kernel[2] <= 4


def _with_bias(kernel: jax.Array, bias: jax.Array) -> jax.Array:
    """The kernel as a matrix [h * w * C, F], with the bias below where the chips have their ones."""
    matrix = kernel.reshape(-1, kernel.shape[-1])
    return jnp.concatenate([matrix, bias[None]]) if _is_picture(kernel.shape) else matrix


def _product(x: jax.Array, kernel: jax.Array, bias: jax.Array, stride: Shape) -> jax.Array:
    """`x` [C, H, W, B], `kernel` [h, w, C, F] and `bias` [F] -> [F, H', W', B]."""
    return _correlate_forward(x, kernel, bias, stride)[0]


_correlate = jax.custom_vjp(_product, nondiff_argnums=(3,))


def _correlate_forward(x: jax.Array, kernel: jax.Array, bias: jax.Array, stride: Shape) -> tuple[jax.Array, tuple]:
    chips = _chips_as_columns(x, kernel.shape, stride)
    found = _with_bias(kernel, bias).T @ chips
    found = found.reshape(-1, *_positions(x.shape[1:3], kernel.shape, stride), x.shape[-1])
    return found if _is_picture(kernel.shape) else found + bias[:, None, None, None], (x, kernel, chips)


def _correlate_backward(stride: Shape, kept: tuple, gradient: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    x, kernel, chips = kept
    height, width, channels, features = kernel.shape
    flat = gradient.reshape(features, -1)
    by_matrix = chips @ flat.T
    # A sum over the gradient itself would make XLA compute it twice, here and for the product.
    by_bias = by_matrix[-1] if _is_picture(kernel.shape) else flat.sum(axis=1)
    by_kernel = by_matrix[: height * width * channels].reshape(kernel.shape)
    by_chips = (kernel.reshape(-1, features) @ flat).reshape(height, width, channels, *gradient.shape[1:])
    lines = _overlap_add([by_chips[:, left] for left in range(width)], 3, stride[1], x.shape[2])
    return _overlap_add([lines[top] for top in range(height)], 1, stride[0], x.shape[1]), by_kernel, by_bias


_correlate.defvjp(_correlate_forward, _correlate_backward)


def _overlap_add(parts: list[jax.Array], axis: int, step: int, length: int) -> jax.Array:
    """The sum of `parts`, part t spread by `step` along `axis` and moved by t, in an axis of `length`.

    Pieces with the same parts in them are added and joined. A sum of padded parts would be less to say and less to
    do (0.3 ms against 0.9), but XLA moves such a sum into what reads it and works it out there up to four times.
    """
    spread = [(0, 0, step - 1 if place == axis else 0) for place in range(parts[0].ndim)]
    parts = [lax.pad(part, jnp.zeros((), part.dtype), spread) for part in parts] if step > 1 else parts
    reach = parts[0].shape[axis]
    cuts = sorted({moved + end for moved in range(len(parts)) for end in (0, reach)})
    pieces = []
    for start, stop in itertools.pairwise(cuts):
        present = [(moved, part) for moved, part in enumerate(parts) if moved <= start and stop <= moved + reach]
        slices = [lax.slice_in_dim(part, start - moved, stop - moved, axis=axis) for moved, part in present]
        pieces.append(functools.reduce(jnp.add, slices))
    if length > cuts[-1]:  # what lies beyond the last chip
        shape = list(parts[0].shape)
        shape[axis] = length - cuts[-1]
        pieces.append(jnp.zeros(shape, parts[0].dtype))
    return jnp.concatenate(pieces, axis)
