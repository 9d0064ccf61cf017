"""Our side of the race: what `train.py`, `predict.py` and `microscope.py` run."""

import dataclasses
import functools
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from research.ascent.parameterizations import Pixels
from research.ascent.steps import AscentConfig
from research.attack.local import ROUNDING, Asker, local_asker
from research.attack.one_pixel import Attack, aims_of, search_pixels
from research.batches import DataSet, whole_set
from research.bench import attack
from research.bench.ascent import HALF, RATE, STEPS, RunAscent, first_picture, timed
from research.bench.attack import POPULATION, Search, Searched
from research.bench.data import examples, experiment_of, pictures, sampled, series, table_of, weights
from research.bench.our_nets import frozen_net, network_of
from research.bench.workloads import LEARNING_RATE, Work, Workload
from research.data.sampling import uniform
from research.data.series.windowed_series import WindowedSeries
from research.experiment.images import loss as images_loss
from research.experiment.series import loss as series_loss
from research.experiment.tables.build import TablePlan, build_for
from research.microscope.exemplars import exemplars
from research.models.apply import apply_of
from research.models.inference import outputs
from research.models.network import Network
from research.models.taps import run_taps
from research.runtime import device_name, prepare
from research.training.plan import TrainingPlan
from research.training.program import build_advance, start
from research.training.state import take_member, variables_of
from research.trees import Tree, count, from_named

MATMUL_SIDE = 2048
MATMUL_TIMES = 4
EPOCHS = 1000  # the length of a training's history; further steps run as well

Run = Callable[[int], float]  # steps -> seconds


def build(workload: Workload, *, loop: bool = False) -> Work:
    """`workload` by our library: all steps of a round in one call, or with `loop` one call per step."""
    prepare()
    if workload.task == "attack":
        return _attack(workload)
    train = _ensemble if workload.net == "table" else functools.partial(_training, loop=loop)
    make = {"train": train, "infer": _inference, "ascent": _ascent}[workload.task]
    run, parameters, sample = make(workload)
    versions = {"jax": version("jax"), "flax": version("flax")}
    return Work(run, parameters, versions, sample, device_name(), matmul_seconds)


def parameters_of(net: Network, workload: Workload, inputs: Any) -> Tree:
    """The workload's weights for the leaves of `net`, which reads `inputs` [B, ...]."""
    like = jax.eval_shape(net.init, jax.random.key(0), inputs)["params"]
    leaves = weights(workload).leaves.items()
    return from_named({name: jnp.asarray(leaf) for name, leaf in leaves if name.rsplit("/", 1)[0] in net.names}, like)


def data_set(workload: Workload) -> DataSet:
    """The net's training data, on the device. For fine-tuning it is the frozen layers' outputs for the photos."""
    if workload.forecasts:
        return windowed_series(workload)
    inputs, labels = examples(workload)
    if workload.net == "vgg16_block5":
        below = frozen_net()
        params = parameters_of(below, workload, inputs[:1])
        inputs = outputs(apply_of(below), {"params": params}, inputs, batch_size=workload.batch)
    return jax.device_put(whole_set(inputs, labels))


def windowed_series(workload: Workload) -> WindowedSeries:
    """The series on the device, all values known and unscaled, with the starts of its windows."""
    context, horizon, _ = workload.window
    values = jnp.asarray(series(workload))
    return WindowedSeries(
        values=values,
        known=jnp.ones_like(values),
        calendar=jnp.zeros((len(values), 0)),
        starts=jnp.arange(workload.examples),
        context=jnp.arange(context),
        horizon=jnp.arange(context, context + horizon),
    )


def _training(workload: Workload, *, loop: bool) -> tuple[Run, int, list[float]]:
    net, data = network_of(workload), data_set(workload)
    apply, inputs = apply_of(net), data.take(jnp.arange(workload.batch)).inputs
    params = parameters_of(net, workload, inputs)
    sample = sampled(jax.jit(apply, static_argnums=2)({"params": params}, inputs, None)[0])
    plan = training_plan(workload, data, params, EPOCHS)
    return _runner(plan, [0], data, workload, loop=loop), count(params), sample


def _ensemble(workload: Workload) -> tuple[Run, int, list[float]]:
    """All folds of all seeds side by side; the sample is of the first fold's first training rows."""
    plan = ensemble_plan(workload)
    data, members = plan.data_set("train"), range(workload.folds * workload.seeds)
    variables = variables_of(take_member(start([0], plan), 0))
    inputs = data.take(jnp.asarray(plan.splits[0].train[: workload.batch])).inputs
    sample = sampled(jax.jit(plan.apply, static_argnums=2)(variables, inputs, None)[0][:, 0])
    return _runner(plan, members, data, workload, loop=False), count(variables["params"]), sample


def ensemble_plan(workload: Workload) -> TablePlan:
    """What `train.py` builds for the workload's table, but that all members start from the workload's weights."""
    config, table = experiment_of(workload), table_of(workload)
    plan = build_for(config, table)
    params = parameters_of(plan.net, workload, table.rows._asdict())
    return dataclasses.replace(plan, initialize=lambda key: plan.initialize(key) | {"params": params})


def _runner(plan: TrainingPlan, members: Sequence[int], data: DataSet, workload: Workload, *, loop: bool) -> Run:
    advance, state, done, row_weights = build_advance(plan), start(members, plan), 0, plan.row_weights or {}
    each = plan.steps_per_epoch if workload.epochs else 1

    def run(steps: int) -> float:
        nonlocal state, done
        begun = time.perf_counter()
        end = done + steps * each
        for stop in range(done + 1, end + 1) if loop else [end]:
            state, _ = advance(state, data, None, jnp.int32(stop), row_weights)
        jax.block_until_ready(state)
        done = end
        return time.perf_counter() - begun

    return run


def training_plan(workload: Workload, data: DataSet, params: Tree, epochs: int) -> TrainingPlan:
    """The training of the workload's net, which starts from `params`, on `data`."""
    return TrainingPlan(
        examples={"train": data.size},
        data_set=lambda split: data,
        identity="",
        initialize=lambda key: {"params": params},
        apply=apply_of(network_of(workload)),
        loss_fn=series_loss.forecasting("mse") if workload.forecasts else images_loss.classification,
        metrics=series_loss.METRICS if workload.forecasts else images_loss.METRICS,
        order=uniform(data.size, workload.batch),
        optimizer=optax.adam(LEARNING_RATE),
        epochs=epochs,
    )


def _inference(workload: Workload) -> tuple[Run, int, list[float]]:
    """Batches of pictures through the net, and back to the host."""
    net, (images, _) = network_of(workload), pictures(workload)
    params, apply = parameters_of(net, workload, images[:1]), apply_of(net)
    infer = functools.partial(outputs, apply, {"params": params}, batch_size=workload.batch)
    batches = workload.examples // workload.batch

    def run(steps: int) -> float:
        begun = time.perf_counter()
        for left in range(steps, 0, -batches):
            infer(images[: min(left, batches) * workload.batch])
        return time.perf_counter() - begun

    return run, count(params), sampled(infer(images[: workload.batch]))


def _attack(workload: Workload) -> Work:
    net, (images, _) = network_of(workload), pictures(workload)
    params, apply = parameters_of(net, workload, images[:1]), apply_of(net)
    logits = outputs(apply, {"params": params}, images, batch_size=workload.batch)

    asker = local_asker(net, params, images.shape[1:])
    assert asker is not None, "LeNet-5 begins with a convolution"
    run, tally = attack.timed(workload, attack_search(asker, images, logits.argmax(1), workload.generations))
    versions = {"jax": version("jax"), "flax": version("flax")}
    return Work(run, count(params), versions, sampled(logits), device_name(), matmul_seconds, tally)


def attack_search(asker: Asker, images: np.ndarray, labels: np.ndarray, generations: int) -> Search:
    """The search of `scripts/attack.py` on `images` [N, H, W, C] with `labels` [N], all asked for in one call."""
    how = Attack(population=POPULATION, generations=generations, rounding=ROUNDING)
    attacked = jax.jit(
        lambda chosen, labels, numbers: search_pixels(
            jax.random.key(0), asker, chosen, aims_of(labels, None), attack=how, indices=numbers
        )
    )

    def search(numbers: np.ndarray) -> Searched:
        index = numbers % len(images)
        found = jax.device_get(attacked(images[index], labels[index], numbers))
        return Searched(found.success, int(found.evaluations.sum()))

    return search


def _ascent(workload: Workload) -> tuple[Run, int, list[float]]:
    return timed(workload, build_ascent(workload)), count(ascent_parameters(workload)), first_activations(workload)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class GivenPixels:
    """`pixels` that start as `numbers` [H, W, C] of -1..1, whatever the key."""

    pixels: Pixels
    numbers: jax.Array

    def start(self, key: jax.Array) -> jax.Array:
        """[H, W, C]."""
        return self.numbers

    def render(self, numbers: jax.Array) -> jax.Array:
        """[H, W, C] -> [H, W, C]."""
        return self.pixels.render(numbers)

    def project(self, numbers: jax.Array) -> jax.Array:
        """[H, W, C] -> [H, W, C]."""
        return self.pixels.project(numbers)

    def invert(self, picture: np.ndarray) -> np.ndarray:
        """[H, W, C] -> [H, W, C]."""
        return self.pixels.invert(picture)


def build_ascent(workload: Workload, steps: int = STEPS) -> RunAscent:
    """`ascend({layer: filters})`: the filters' exemplars (`research.microscope.exemplars`) after `steps` steps."""
    net, params, picture = network_of(workload), ascent_parameters(workload), first_picture(workload)
    height, width, channels = picture.shape
    pixels = GivenPixels(Pixels((height, width, channels)), jnp.asarray(picture / np.float32(HALF) - 1))
    config = AscentConfig(steps=steps, rate=RATE)

    def ascend(filters):
        found = (exemplars(net, params, layer, pixels, config, filters=own) for layer, own in filters.items())
        return [each for layer in found for each in layer]

    return ascend


def ascent_parameters(workload: Workload) -> Tree:
    """{layer: {"kernel", "bias"}}, of only the layers that the ascent needs."""
    found: dict[str, dict] = {}
    for name, leaf in weights(workload).leaves.items():
        layer, kind = name.rsplit("/", 1)
        found.setdefault(layer, {})[kind] = jnp.asarray(leaf)
    return found


def first_activations(workload: Workload) -> list[float]:
    """The mean activation of every filter on the picture that the ascents start from, layer by layer."""
    picture = jnp.asarray(first_picture(workload))[None]
    taps = run_taps(network_of(workload), ascent_parameters(workload), picture, workload.layers)
    return [float(mean) for tap in taps.values() for mean in tap.mean(axis=(0, 1, 2))]


def matmul_seconds() -> tuple[float, float]:
    """A float32 matrix product of 2048 x 2048: (floating-point operations, the least seconds that it took)."""
    square = jnp.full((MATMUL_SIDE, MATMUL_SIDE), 0.5, jnp.float32)
    product = jax.jit(jnp.matmul)
    product(square, square).block_until_ready()
    least = float("inf")
    for _ in range(MATMUL_TIMES):
        begun = time.perf_counter()
        product(square, square).block_until_ready()
        least = min(least, time.perf_counter() - begun)
    return 2.0 * MATMUL_SIDE**3, least
