"""Our side of the race: the training program that `train.py` runs, and the inference that `predict.py` runs."""

import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from research.bench.nets import network_of
from research.bench.work import Work
from research.bench.workloads import BATCH, LEARNING_RATE, SIDE, Workload, pictures
from research.models.apply import apply_of
from research.models.inference import outputs
from research.runtime import device_name, prepare
from research.training.objectives import classification
from research.training.program import Plan, build_advance, start
from research.training.state import DataSet, Examples
from research.training.step import Objective, size

MATMUL_SIDE = 2048
MATMUL_TIMES = 4


def build(workload: Workload, *, loop: bool) -> Work:
    """`workload` by our library: all steps of a round in one call, or with `loop` one call per step."""
    prepare()
    net = network_of(workload)

    apply = apply_of(net)

    def initialize(key):
        return net.init(key, jnp.zeros((1, SIDE, SIDE, 1), jnp.uint8))["params"]

    parameters = sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(initialize, jax.random.key(0))))
    images, labels = pictures()
    if workload.task == "forward":
        run = inference(apply, jax.jit(initialize)(jax.random.key(0)), images, BATCH)
    else:
        run = training(apply, initialize, images, labels, BATCH, loop=loop)
    versions = {"jax": version("jax"), "flax": version("flax")}
    return Work(run, parameters, versions, device_name(), matmul_seconds)


def training(
    apply: Callable, initialize: Callable, inputs: np.ndarray, labels: np.ndarray, batch: int, *, loop: bool = False
) -> Callable[[int], float]:
    """`run(steps) -> seconds` of training with Adam on `inputs` [N, ...] and `labels` [N] from `initialize(key)` on."""
    data = Examples(jnp.asarray(inputs), jnp.asarray(labels))
    return trained(apply, initialize, data, batch, classification, ("loss", "accuracy"), loop=loop)


def trained(
    apply: Callable,
    initialize: Callable,
    data: DataSet,
    batch: int,
    objective: Objective,
    metrics: tuple[str, ...],
    *,
    loop: bool = False,
) -> Callable[[int], float]:
    """`run(steps) -> seconds` of training with Adam on `data` for `objective`, which gives `metrics`."""
    epochs = 1000  # the length of the history; steps beyond it run just the same
    plan = Plan(size(data), batch, epochs, l2=0.0, patience=None, monitor="loss", metrics=metrics)
    optimizer = optax.adam(LEARNING_RATE)
    advance = build_advance(plan, apply=apply, objective=objective, optimizer=optimizer)
    state, done = start(np.zeros(1, np.int32), initialize, optimizer, plan), 0

    def run(steps: int) -> float:
        nonlocal state, done
        begun = time.perf_counter()
        stops = range(done + 1, done + steps + 1) if loop else [done + steps]
        for stop in stops:
            state, _ = advance(state, data, None, jnp.int32(stop))
        jax.block_until_ready(state)
        done += steps
        return time.perf_counter() - begun

    return run


def inference(apply: Callable, params: Any, images: np.ndarray, batch: int) -> Callable[[int], float]:
    """`run(steps) -> seconds` of that many batches of `images` [N, ...] through the net, and back to the host."""
    batches = len(images) // batch

    def run(steps: int) -> float:
        begun = time.perf_counter()
        for left in range(steps, 0, -batches):
            outputs(apply, params, images[: min(left, batches) * batch], batch_size=batch)
        return time.perf_counter() - begun

    return run


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
