"""Maps over one picture: which pixels a prediction depends on (gradient, Grad-CAM), and where a filter responds."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.errors import UserError
from research.models.custom_taps import TapOf, offset_output
from research.models.layers import BinaryLogits, Concat, Conv
from research.models.network import Network, beyond, upto
from research.models.receptive_fields import ReceptiveField
from research.models.summary import summarize
from research.models.taps import PRE, check_tap

Tree = Any


def gradient(net: Network, params: Tree, image: np.ndarray, index: int) -> np.ndarray:
    """The gradient of the logit of class `index` by each pixel of `image` [H, W, C]: [H, W] float32, logits per unit.

    max over channels of |d logit / d pixel| (Simonyan et al. 2014, "Deep Inside Convolutional Networks", section 3.1).
    The logit is the input of the last softmax; with two classes and one output unit it is the class's log-odds.
    Compiled once per net and shape. Raises UserError for a class that the net does not have.
    """
    _check_class(net, image, index)
    return np.asarray(_gradient(net, params, image, jnp.int32(index)))


def grad_cam(net: Network, params: Tree, image: np.ndarray, index: int, layer: str | None = None) -> np.ndarray:
    """Where in `image` [H, W, C] the evidence for class `index` lies: [H, W] float32 from 0 to 1.

    relu(sum_k a_k A_k), with A_k the feature maps of `layer` and a_k the mean over positions of d logit / d A_k
    (Selvaraju et al. 2017, "Grad-CAM", eqs. 1 and 2; the logit as in `gradient`). Resized bilinearly to the
    picture, as in the paper, and divided by its maximum; all zero if there is no evidence. The default `layer` is the
    last convolution or concatenation on every path (`cam_layers`); of a Flax module of one's own the last module with
    positions. Compiled once per net and shape. Raises UserError for a class or layer that the net does not have, and
    for a layer without Grad-CAM.
    """
    _check_class(net, image, index)
    if isinstance(net.layers[-1], TapOf):
        return np.asarray(_tap_cam(net.layers[-1], _cam_tap(net), params, image, jnp.int32(index)))
    layer = _checked_layer(net, image, layer)
    return np.asarray(_grad_cam(upto(net, layer), beyond(net, layer), params, image, jnp.int32(index)))


def cam_layers(net: Network, picture: tuple[int, ...]) -> list[str]:
    """The layers with positions that every path through `net` passes, in order, for pictures [H, W, C] = `picture`."""
    rows = summarize(net, picture)
    return [row["name"] for row in rows[:-1] if len(row["output_shape"]) == 3 and _on_every_path(net, row["name"])]


@functools.partial(jax.jit, static_argnums=0)
def _gradient(net: Network, params: Tree, image: jax.Array, index: jax.Array) -> jax.Array:
    by_pixel = jax.grad(lambda x: _logit(net, params, x[None], index))(image.astype(jnp.float32))
    return jnp.abs(by_pixel).max(axis=-1)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _grad_cam(below: Network, above: Network, params: Tree, image: jax.Array, index: jax.Array) -> jax.Array:
    maps: jax.Array = below.apply({"params": params}, image.astype(jnp.float32)[None])[0]  # pyright: ignore[reportAssignmentType]
    # `above` starts from the maps; inside the whole net a pool may read the pre-activations instead.
    by_map = jax.grad(lambda x: _logit(above, params, x, index))(maps)
    return _evidence(maps, by_map, image)


def _cam_tap(net: Network) -> TapOf:
    """The last module with positions, among the taps of a net of one's own."""
    taps = [layer for layer in net.layers if isinstance(layer, TapOf)]
    maps = [tap for tap in taps if tap.called_once and len(tap.shape) == 3]
    if not maps:
        raise UserError("the net has no module with positions, so no Grad-CAM; ask for the gradient")
    return maps[-1]


@functools.partial(jax.jit, static_argnums=(0, 1))
def _tap_cam(last: TapOf, tap: TapOf, params: Tree, image: jax.Array, index: jax.Array) -> jax.Array:
    pixels, variables = image.astype(jnp.float32)[None], params[last.tap]
    maps = tap.net.apply(variables, pixels)[1][tap.tap]
    logit = lambda offset: offset_output(tap.net, variables, pixels, tap.tap, offset)[0, index]  # noqa: E731
    return _evidence(maps, jax.grad(logit)(jnp.zeros_like(maps)), image)


def _evidence(maps: jax.Array, by_map: jax.Array, image: jax.Array) -> jax.Array:
    """Grad-CAM [H, W] from feature maps and the logit's gradient by them, both [1, H', W', F]."""
    evidence = jax.nn.relu((by_map.mean(axis=(1, 2), keepdims=True) * maps).sum(axis=-1))[0]
    resized = jax.image.resize(evidence, image.shape[:2], "bilinear")
    peak = resized.max()
    return resized / jnp.where(peak == 0, 1, peak)


def _logit(net: Network, params: Tree, x: jax.Array, index: jax.Array) -> jax.Array:
    """The logit [] of class `index` of the one example `x` [1, ...]."""
    taps: dict[str, jax.Array] = net.apply({"params": params}, x)[1]  # pyright: ignore[reportAssignmentType]
    logits = taps.get(net.names[-1] + PRE, taps[net.names[-1]])[0]
    if isinstance(net.layers[-1], BinaryLogits):  # one of its two logits is always 0: use the difference
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
    allowed = cam_layers(net, image.shape)
    if layer is None:
        convolutional = [name for name in allowed if isinstance(net.layers[net.names.index(name)], Conv | Concat)]
        if not convolutional:
            raise UserError("the net has no convolution that everything passes, so no Grad-CAM; ask for the gradient")
        return convolutional[-1]
    check_tap(net, layer)
    if layer not in allowed:
        raise UserError(
            f"no Grad-CAM of {layer}: it has no positions, or is not passed by all ({', '.join(allowed)} are)"
        )
    return layer


def _on_every_path(net: Network, layer: str) -> bool:
    try:
        beyond(net, layer)
    except ValueError:
        return False
    return True


def upsampled_activation(activation: np.ndarray, field: ReceptiveField, picture: tuple[int, int]) -> np.ndarray:
    """Upsample a filter's `activation` [H', W'] to a `picture` of (H, W): [H, W] float32.

    Each value lies at the centre of its receptive field. Between centres the interpolation is bilinear; beyond the
    outermost centres it falls to zero within one step. A tap without positions (jump 0, `activation` [1, 1]) fills the
    picture. Raises ValueError for an activation with more positions than the tap has.
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
    """Weights [length, count] at each pixel of positions with centres `middle`, `middle` + `jump`, ..."""
    if not jump:
        return np.ones((length, count), np.float32)
    distance = np.abs(np.arange(length)[:, None] - (middle + jump * np.arange(count)))
    return np.maximum(1 - distance / jump, 0).astype(np.float32)
