"""Which part of one picture a prediction rests on: the gradient by pixel, and Grad-CAM by feature map."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.errors import UserError
from research.models.layers import BinaryLogits, Concat, Conv
from research.models.network import Network, beyond, upto
from research.models.receptive_fields import ReceptiveField
from research.models.summary import summarize
from research.models.taps import PRE, check_tap

Tree = Any


def gradient(net: Network, params: Tree, image: np.ndarray, index: int) -> np.ndarray:
    """How much each pixel of `image` [H, W, C] moves the logit of class `index`: [H, W] float32, logits per unit.

    max over channels of |d logit / d pixel| (Simonyan et al. 2014, "Deep Inside Convolutional Networks", section 3.1).
    The logit is what stands before a last softmax; of two classes told apart by one unit, the class's log-odds.
    Compiled once per net and shape. Raises UserError for a class that the net does not have.
    """
    _check_class(net, image, index)
    return np.asarray(_gradient(net, params, image, jnp.int32(index)))


def grad_cam(net: Network, params: Tree, image: np.ndarray, index: int, layer: str | None = None) -> np.ndarray:
    """Where in `image` [H, W, C] the evidence for class `index` lies: [H, W] float32 from 0 to 1.

    relu(sum_k a_k A_k), with A_k the feature maps of `layer` and a_k the mean over positions of d logit / d A_k
    (Selvaraju et al. 2017, "Grad-CAM", eqs. 1 and 2; the logit as in `gradient`). Spread bilinearly over the picture,
    as there, and divided by its maximum; all zero where nothing speaks for the class. Without `layer` it is the last
    convolution, or concatenation of some, that everything passes (`cam_layers`). Compiled once per net and shape.
    Raises UserError for a class or layer that the net does not have, and for a layer of which there is no Grad-CAM.
    """
    _check_class(net, image, index)
    layer = _checked_layer(net, image, layer)
    return np.asarray(_grad_cam(upto(net, layer), beyond(net, layer), params, image, jnp.int32(index)))


def cam_layers(net: Network, picture: tuple[int, ...]) -> list[str]:
    """The layers of `net` with places that all of a picture of shape `picture` [H, W, C] passes, first to last."""
    rows = summarize(net, picture)
    return [row["name"] for row in rows[:-1] if len(row["output_shape"]) == 3 and _only_way(net, row["name"])]


@functools.partial(jax.jit, static_argnums=0)
def _gradient(net: Network, params: Tree, image: jax.Array, index: jax.Array) -> jax.Array:
    by_pixel = jax.grad(lambda x: _logit(net, params, x[None], index))(image.astype(jnp.float32))
    return jnp.abs(by_pixel).max(axis=-1)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _grad_cam(below: Network, above: Network, params: Tree, image: jax.Array, index: jax.Array) -> jax.Array:
    maps: jax.Array = below.apply({"params": params}, image.astype(jnp.float32)[None])[0]  # pyright: ignore[reportAssignmentType]
    # `above` reads the maps themselves: within the whole net a pool may read what stands before their nonlinearity.
    by_map = jax.grad(lambda x: _logit(above, params, x, index))(maps)
    evidence = jax.nn.relu((by_map.mean(axis=(1, 2), keepdims=True) * maps).sum(axis=-1))[0]
    spread = jax.image.resize(evidence, image.shape[:2], "bilinear")
    peak = spread.max()
    return spread / jnp.where(peak == 0, 1, peak)


def _logit(net: Network, params: Tree, x: jax.Array, index: jax.Array) -> jax.Array:
    """The logit [] of class `index` of the one example `x` [1, ...]."""
    taps: dict[str, jax.Array] = net.apply({"params": params}, x)[1]  # pyright: ignore[reportAssignmentType]
    logits = taps.get(net.names[-1] + PRE, taps[net.names[-1]])[0]
    if isinstance(
        net.layers[-1], BinaryLogits
    ):  # one of its two logits is 0 whatever the picture: take each against the other
        logits = logits - logits[::-1]
    return logits[index]


def _check_class(net: Network, image: np.ndarray, index: int) -> None:
    if image.ndim != 3:
        raise ValueError(f"one picture is [H, W, C], not {image.shape}")
    last = summarize(net, image.shape)[-1]
    if len(last["output_shape"]) != 1:
        raise UserError(f"the net tells no classes apart: it ends in {last['name']}; give one with a head")
    classes = last["output_shape"][0]
    if not 0 <= index < classes:
        raise UserError(f"no class {index}: the net tells {classes} apart, 0 to {classes - 1}")


def _checked_layer(net: Network, image: np.ndarray, layer: str | None) -> str:
    able = cam_layers(net, image.shape)
    if layer is None:
        convolutional = [name for name in able if isinstance(net.layers[net.names.index(name)], Conv | Concat)]
        if not convolutional:
            raise UserError("the net has no convolution that everything passes, so no Grad-CAM; ask for the gradient")
        return convolutional[-1]
    check_tap(net, layer)
    if layer not in able:
        raise UserError(f"no Grad-CAM of {layer}: it has no places, or is not passed by all ({', '.join(able)} are)")
    return layer


def _only_way(net: Network, layer: str) -> bool:
    try:
        beyond(net, layer)
    except ValueError:
        return False
    return True


def upsampled_activation(activation: np.ndarray, field: ReceptiveField, picture: tuple[int, int]) -> np.ndarray:
    """A filter's `activation` [H', W'] laid over the `picture` of (H, W): [H, W] float32.

    Each position's value stands at the middle of its receptive field and falls off linearly to nothing at its
    neighbours' middles: bilinear interpolation between positions, and zero from one step beyond the outermost on,
    where no position has its middle. A tap without places (jump 0, `activation` [1, 1]) fills the picture.
    Raises ValueError when the activation has so many positions that the last would see nothing of the picture.
    """
    activation = np.asarray(activation, np.float32)
    last = activation.shape[0] - 1, activation.shape[1] - 1
    field.seen(*last)
    down, across = (
        _tents(count, middle, jump, length)
        for count, middle, jump, length in zip(activation.shape, field.center(0, 0), field.jump, picture, strict=True)
    )
    return down @ activation @ across.T


def _tents(count: int, middle: float, jump: int, length: int) -> np.ndarray:
    """[length, count]: how much of each position, `jump` apart from `middle` on, is felt at each pixel."""
    if not jump:
        return np.ones((length, count), np.float32)
    distance = np.abs(np.arange(length)[:, None] - (middle + jump * np.arange(count)))
    return np.maximum(1 - distance / jump, 0).astype(np.float32)
