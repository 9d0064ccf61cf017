"""The layers of nets of pictures, and those of any net; each is a `layer.Layer`."""

import itertools
import math
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layer import Layer, LayerInfo, Shape
from research.models.lowering.convolution import conv2d, max_pool, same_padding
from research.models.lowering.pooling import largest
from research.models.rounding import operand, outcome, product

Padding = Literal["valid", "same"]
Convention = Literal["caffe", "torch"]


class Rescale(Layer):
    """Raw pixels to the net's scale: `x * scale + offset`, in float32. [B, ...] -> [B, ...]."""

    scale: float = 1 / 255
    offset: float = 0.0

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        return x.astype(jnp.float32) * self.scale + self.offset

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        return LayerInfo("rescale", inputs[0])


class Preprocess(Layer):
    """An ImageNet net's preprocessing of RGB pixels 0..255, by the convention of its weights. [B, H, W, 3], same.

    "caffe" (Keras' VGG16, SqueezeNet): BGR minus the mean pixel of Simonyan & Zisserman 2014. "torch" (torchvision):
    RGB / 255, minus the channels' means, over their deviations (torchvision's `ImageClassification` preset).
    """

    convention: Convention = "caffe"

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        x = x.astype(jnp.float32)
        if self.convention == "caffe":
            return x[..., ::-1] - jnp.array([103.939, 116.779, 123.68], jnp.float32)
        return (x / 255 - jnp.array([0.485, 0.456, 0.406])) / jnp.array([0.229, 0.224, 0.225])

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        return LayerInfo("preprocess", inputs[0])


class Conv(Layer):
    """Convolution: each patch of the input times the kernel, summed, plus a bias. [B, H, W, C] -> [B, H', W', F].

    Kernels are initialized Glorot-uniform (Glorot & Bengio 2010, eq. 16), biases with zeros: Keras' defaults.
    """

    features: int
    size: Shape = (3, 3)
    stride: Shape = (1, 1)
    padding: Padding = "valid"
    activation: str = "relu"
    rounds: bool = False
    biased = True

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        kernel = self.param("kernel", nn.initializers.glorot_uniform(), (*self.size, x.shape[-1], self.features))
        none = jnp.zeros((self.features,), kernel.dtype)
        bias = self.param("bias", nn.initializers.zeros, (self.features,)) if self.biased else none
        if self.is_initializing():  # parameters follow from shapes, so initialization skips the rest
            return jnp.zeros((len(x), *self.info((x.shape[1:],)).output), kernel.dtype)
        x = operand(x.astype(kernel.dtype), rounds=self.rounds)
        return outcome(conv2d(x, kernel, bias, stride=self.stride, padding=self.padding), rounds=self.rounds)

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        rows, columns, channels = inputs[0]
        height, width = _slide((rows, columns), self.size, self.stride, self.padding)
        per_output = math.prod(self.size) * channels
        parameters = (per_output + self.biased) * self.features
        sizes = "*".join(map(str, (*self.size, channels)))
        formula = f"{f'({sizes} + 1)' if self.biased else sizes}*{self.features} = {parameters:,}"
        work = height * width * per_output * self.features
        output = (height, width, self.features)
        edges = (same_padding(*axis)[0] for axis in zip((rows, columns), self.size, self.stride, strict=True))
        before = tuple(edges) if self.padding == "same" else ()
        return LayerInfo("conv", output, formula, parameters, work, self.size, self.stride, before)


class UnbiasedConv(Conv):
    """A convolution without biases: the normalization after it has some."""

    biased = False


class DepthwiseConv(Layer):
    """Each channel convolved with a kernel of its own, plus a bias. [B, H, W, C] -> [B, H', W', C].

    Computed as the sum of shifted pictures, each times its weight: on CPU that is faster than XLA's convolution.
    """

    size: Shape = (3, 3)
    stride: Shape = (1, 1)
    padding: Padding = "valid"
    activation: str = "relu"

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        channels = x.shape[-1]
        # One channel in and one out: Glorot's bounds are those of its own kernel.
        kernel = self.param("kernel", nn.initializers.glorot_uniform(), (*self.size, 1, channels))
        bias = self.param("bias", nn.initializers.zeros, (channels,))
        rows, columns, _ = self.info((x.shape[1:],)).output
        if self.padding == "same":
            edges = [same_padding(*axis) for axis in zip(x.shape[1:3], self.size, self.stride, strict=True)]
            x = jnp.pad(x, ((0, 0), *edges, (0, 0)))
        down, across = self.stride
        for i, j in itertools.product(*map(range, self.size)):
            part = x[:, i : i + (rows - 1) * down + 1 : down, j : j + (columns - 1) * across + 1 : across]
            bias = bias + part * kernel[i, j, 0]
        return bias

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        rows, columns, channels = inputs[0]
        height, width = _slide((rows, columns), self.size, self.stride, self.padding)
        taps = math.prod(self.size)
        parameters = (taps + 1) * channels
        formula = f"({'*'.join(map(str, self.size))} + 1)*{channels} = {parameters:,}"
        edges = (same_padding(*axis)[0] for axis in zip((rows, columns), self.size, self.stride, strict=True))
        before = tuple(edges) if self.padding == "same" else ()
        work, output = height * width * taps * channels, (height, width, channels)
        return LayerInfo("depthwise_conv", output, formula, parameters, work, self.size, self.stride, before)


class MaxPool(Layer):
    """The largest value of each window; windows are `stride` apart, by default adjacent. [B, H, W, C], same."""

    window: Shape = (2, 2)
    stride: Shape | None = None

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        return max_pool(x, window=self.window, stride=self.stride)

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        rows, columns, channels = inputs[0]
        stride = self.stride or self.window
        height, width = _slide((rows, columns), self.window, stride, "valid")
        return LayerInfo("max_pool", (height, width, channels), window=self.window, stride=stride)


class AvgPool(Layer):
    """The mean of each window; windows are `stride` apart, by default adjacent. [B, H, W, C], same."""

    window: Shape = (2, 2)
    stride: Shape | None = None

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        return nn.avg_pool(x, self.window, self.stride or self.window)

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        rows, columns, channels = inputs[0]
        stride = self.stride or self.window
        height, width = _slide((rows, columns), self.window, stride, "valid")
        return LayerInfo("avg_pool", (height, width, channels), window=self.window, stride=stride)


class GlobalPool(Layer):
    """The mean or the maximum of each channel over all positions. [B, H, W, C] -> [B, C]."""

    mode: Literal["avg", "max"] = "avg"

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        flat = x.reshape(len(x), -1, x.shape[-1])
        return flat.mean(axis=1) if self.mode == "avg" else largest(flat)

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        return LayerInfo(f"global_{self.mode}", inputs[0][-1:], window=None)


class Concat(Layer):
    """The concatenated channels of the inputs. [B, H, W, C1], [B, H, W, C2] ... -> [B, H, W, C1 + C2 ...]."""

    def __call__(self, x: jax.Array, *more: jax.Array, train: bool = False) -> jax.Array:
        return jnp.concatenate([x, *more], axis=-1)

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        return LayerInfo("concat", (*inputs[0][:-1], sum(shape[-1] for shape in inputs)))


class Add(Layer):
    """The sum of inputs of one shape, as at the end of a residual block. [B, ...], [B, ...] -> [B, ...]."""

    activation: str = "linear"

    def __call__(self, x: jax.Array, *more: jax.Array, train: bool = False) -> jax.Array:
        return sum(more, start=x)

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        if len(set(inputs)) > 1:
            raise ValueError(f"{self.name} adds maps of one shape, not {' and '.join(map(str, inputs))}")
        return LayerInfo("add", inputs[0])


class Shortcut(Layer):
    """Every `stride`-th position, with channels of zeros added: [B, H, W, C] -> [B, H', W', features].

    He et al. 2016, "Deep Residual Learning", section 4.2: option A of a residual block that changes the shape.
    """

    features: int
    stride: Shape = (2, 2)

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        return jnp.pad(x[:, :: self.stride[0], :: self.stride[1]], ((0, 0),) * 3 + ((0, self.features - x.shape[-1]),))

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        output = (*_slide(inputs[0][:2], (1, 1), self.stride, "valid"), self.features)
        return LayerInfo("shortcut", output, window=(1, 1), stride=self.stride)


class Flatten(Layer):
    """All axes except the batch as one, row by row, channels last. [B, H, W, C] -> [B, H*W*C]."""

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        return x.reshape(x.shape[0], -1)

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        return LayerInfo("flatten", (math.prod(inputs[0]),), window=None)


class Dense(Layer):
    """A weighted sum of all inputs plus a bias, `features` times. [B, D] -> [B, F]. Initialized like `Conv`."""

    features: int
    activation: str = "relu"
    rounds: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        kernel = self.param("kernel", nn.initializers.glorot_uniform(), (x.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        return product(x, kernel, rounds=self.rounds) + bias

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        size = inputs[0][-1]
        parameters = (size + 1) * self.features
        formula = f"({size} + 1)*{self.features} = {parameters:,}"
        return LayerInfo("dense", (self.features,), formula, parameters, size * self.features, window=None)


class BinaryLogits(Layer):
    """The log-odds z of the second of two classes as logits [0, z], whose softmax is z's sigmoid. [B, 1] -> [B, 2]."""

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        return jnp.pad(x, ((0, 0), (1, 0)))

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        return LayerInfo("binary_logits", (2,), window=None)


class Dropout(Layer):
    """In training, zero a share `rate` of the values and scale the others up by 1 / (1 - rate) (Srivastava 2014)."""

    rate: float

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        return nn.Dropout(self.rate)(x, deterministic=not train)

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        return LayerInfo("dropout", inputs[0])


def _slide(size: Shape, window: Shape, stride: Shape, padding: Padding) -> Shape:
    """Positions of a sliding window per axis; not positive where the window does not fit."""
    if padding == "same":
        return tuple(-(-length // step) for length, step in zip(size, stride, strict=True))
    return tuple((length - width) // step + 1 for length, width, step in zip(size, window, stride, strict=True))
