"""A net of one hidden ReLU layer; many widths, label noises, step sizes and seeds are trained in one program.

Shapes: S seeds, V variants (of width, labels or step sizes), n training rows, N test rows, D inputs, H hidden units
(of the widest variant), K classes, R records.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax

from research.keys import key

Loss = Literal["cross_entropy", "squared_error"]


class Net(NamedTuple):
    """The parameters: kernels [D, H] and [H, K], biases [H] and [K]."""

    hidden: jax.Array
    hidden_bias: jax.Array
    output: jax.Array
    output_bias: jax.Array


class Split(NamedTuple):
    """Training and test rows: inputs [n, D] and [N, D]; targets [n, K] (with their noise) and [N, K], one-hot."""

    x: jax.Array
    y: jax.Array
    test_x: jax.Array
    test_y: jax.Array


class Curves(NamedTuple):
    """What is measured at each of R records: shares of rows classified wrongly, and the mean loss.

    What is of training is against the noisy targets.
    """

    test_error: jax.Array
    test_loss: jax.Array
    train_error: jax.Array
    train_loss: jax.Array


def initial_nets(seeds: jax.Array, widths: Sequence[int], *, inputs: int, classes: int) -> Net:
    """Nets of all `seeds` [S] and `widths` [V], padded to the widest: leaves [S, V, ...]."""
    of_width = partial(initial_net, inputs=inputs, units=max(widths), classes=classes)
    over_widths = jax.vmap(of_width, in_axes=(None, 0))
    return jax.vmap(over_widths, in_axes=(0, None))(seeds, jnp.asarray(widths))


def uniform_rates(rate: float, variants: int) -> Net:
    """One learning rate for all parameters of V variants, as `train` takes them."""
    return layer_rates(jnp.full((variants, 2), rate))


def layer_rates(rates: jax.Array) -> Net:
    """Learning rates [V, 2], of the hidden and of the output layer, as `train` takes them."""
    hidden, output = rates[:, 0], rates[:, 1]
    return Net(hidden[:, None, None], hidden[:, None], output[:, None, None], output[:, None])


def initial_net(seed: jax.Array | int, width: jax.Array | int, *, inputs: int, units: int, classes: int) -> Net:
    """A net with `width` hidden units, padded with zeros to `units`; the padding stays zero in training.

    The units of a narrow net are the first ones of a wider net with the same seed, up to the output's scale. Kernels
    are normal with variance 2/D and 1/width (He et al. 2015, "Delving deep into rectifiers"), biases zero.
    """
    used = jnp.arange(units) < width
    hidden = jax.random.normal(key(seed, "hidden"), (units, inputs)).T * jnp.sqrt(2 / inputs)
    output = jax.random.normal(key(seed, "output"), (units, classes)) / jnp.sqrt(width)
    return Net(hidden * used, jnp.zeros(units), output * used[:, None], jnp.zeros(classes))


def outputs(net: Net, x: jax.Array) -> jax.Array:
    """The K outputs of `net` for the rows `x` [n, D]."""
    return jax.nn.relu(x @ net.hidden + net.hidden_bias) @ net.output + net.output_bias


def cross_entropy(net: Net, x: jax.Array, y: jax.Array) -> jax.Array:
    """The mean cross-entropy in nats over the rows `x` [n, D] with targets `y` [n, K]."""
    return optax.softmax_cross_entropy(outputs(net, x), y).mean()


def squared_error(net: Net, x: jax.Array, y: jax.Array) -> jax.Array:
    """The squared error, summed over the K outputs and averaged over rows: a regression per class."""
    return jnp.square(outputs(net, x) - y).sum(axis=-1).mean()


LOSSES: dict[Loss, Callable[[Net, jax.Array, jax.Array], jax.Array]] = {
    "cross_entropy": cross_entropy,
    "squared_error": squared_error,
}


@partial(jax.jit, static_argnames=("loss", "batch_size"))
def train(
    nets: Net,
    splits: Split,
    seeds: jax.Array,
    rates: Net,
    records: jax.Array,
    *,
    loss: Loss,
    batch_size: int,
) -> Curves:
    """Train S x V nets with Adam and measure them after the epochs in `records`.

    nets     leaves [S, V, ...]
    splits   leaves [S, ...]; y is [S, V, n, K]
    seeds    [S], of the order of batches
    rates    leaves [V, ...], learning rates that broadcast to the parameters, see `layer_rates`
    records  [R], epochs in increasing order
    Returns curves [S, V, R]. Variants of a seed see the same batches. Rows that fill no batch are left out of an epoch,
    other ones each time.
    """
    axes = Split(None, 0, None, None)  # pyright: ignore[reportArgumentType]  # as vmap takes it
    member = partial(_train_one, records=records, loss=loss, batch_size=batch_size)
    over_variants = jax.vmap(member, in_axes=(0, axes, None, 0))
    return jax.vmap(over_variants, in_axes=(0, 0, 0, None))(nets, splits, seeds, rates)


def _train_one(
    net: Net,
    split: Split,
    seed: jax.Array,
    rates: Net,
    *,
    records: jax.Array,
    loss: Loss,
    batch_size: int,
) -> Curves:
    direction = optax.scale_by_adam()

    def step(carry: tuple, index: jax.Array) -> tuple[tuple, None]:
        now, state = carry
        gradient = jax.grad(LOSSES[loss])(now, split.x[index], split.y[index])
        updates, state = direction.update(gradient, state)
        return (jax.tree.map(lambda leaf, rate, change: leaf - rate * change, now, rates, updates), state), None

    def epoch(number: jax.Array, carry: tuple) -> tuple:
        return jax.lax.scan(step, carry, _batches(seed, number, len(split.x), batch_size))[0]

    def record(carry: tuple, ends: jax.Array) -> tuple[tuple, Curves]:
        carry = jax.lax.fori_loop(ends[0], ends[1], epoch, carry)
        return carry, _measured(carry[0], split, loss)

    starts = jnp.concatenate([jnp.zeros(1, records.dtype), records[:-1]])
    return jax.lax.scan(record, (net, direction.init(net)), jnp.stack([starts, records], axis=1))[1]


def _batches(seed: jax.Array, epoch: jax.Array, rows: int, batch_size: int) -> jax.Array:
    """The rows of each batch of `epoch`, int32 [steps, B]."""
    if batch_size >= rows:
        return jnp.arange(rows)[None]
    order = jax.random.permutation(key(seed, "order", epoch), rows)
    return order[: rows // batch_size * batch_size].reshape(-1, batch_size)


def _measured(net: Net, split: Split, loss: Loss) -> Curves:
    def of(x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        wrong = outputs(net, x).argmax(axis=-1) != y.argmax(axis=-1)
        return wrong.mean(), LOSSES[loss](net, x, y)

    return Curves(*of(split.test_x, split.test_y), *of(split.x, split.y))
