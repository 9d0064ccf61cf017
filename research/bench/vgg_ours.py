"""Our side of the races on VGG16: features by `inference.outputs`, training by the program that `train.py` runs."""

from importlib.metadata import version
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.bench.party_ours import inference, matmul_seconds, training
from research.bench.photos import feature_rows, leaves, photos, sampled
from research.bench.vgg_nets import frozen_net, raced_net
from research.bench.work import Work
from research.bench.workloads import Workload
from research.models.apply import apply_of
from research.models.inference import outputs
from research.models.network import Network
from research.runtime import device_name, prepare
from research.trees import count, from_named

Tree = Any


def build(workload: Workload) -> Work:
    """`workload` by our library."""
    prepare()
    inputs, labels = data_of(workload)
    net = raced_net(workload)
    params, apply = own(net, workload, inputs), apply_of(net)
    sample = sampled(outputs(apply, params, inputs[: workload.batch], batch_size=workload.batch))
    if workload.task == "features":
        run = inference(apply, params, inputs, workload.batch)
    else:
        steps = workload.examples // workload.batch if workload.task == "head" else 1  # of training in one of the race
        once = training(apply, lambda key: params, inputs, labels, workload.batch)
        run = lambda times: once(times * steps)  # noqa: E731
    versions = {"jax": version("jax"), "flax": version("flax")}
    return Work(run, count(params), versions, device_name(), matmul_seconds, sample)


def data_of(workload: Workload) -> tuple[np.ndarray, np.ndarray]:
    """What the raced net reads, and labels; to fine-tune, what the frozen layers make of the photos, kept."""
    if workload.task == "head":
        return feature_rows(workload)
    images, labels = photos(workload)
    if workload.task == "features":
        return images, labels
    below = frozen_net()
    return outputs(apply_of(below), own(below, workload, images), images, batch_size=workload.batch), labels


def own(net: Network, workload: Workload, inputs: np.ndarray) -> Tree:
    """The workload's weights, as many as `net` has."""
    like = jax.eval_shape(net.init, jax.random.key(0), inputs[:1])["params"]
    taken = {name: jnp.asarray(leaf) for name, leaf in leaves(workload).items() if name.rsplit("/", 1)[0] in net.names}
    return from_named(taken, like)
