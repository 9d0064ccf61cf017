"""The nets of the ascent's races as ours, their weights as ours, and the arithmetic that a climb takes."""

import jax.numpy as jnp

from research.bench.climbs import STEPS, start, weights
from research.bench.workloads import CLASSES, Workload
from research.models.cnn import cnn
from research.models.network import Network
from research.models.squeezenet import squeezenet
from research.models.summary import summarize
from research.models.taps import part_for
from research.models.vgg16 import vgg16
from research.trees import Tree


def network_of(workload: Workload) -> Network:
    """The whole net: ours runs it only as deep as the layer."""
    if workload.net == "squeezenet":
        return squeezenet()
    return vgg16() if workload.net == "vgg16" else cnn(workload.channels, workload.hidden, CLASSES)


def parameters_of(workload: Workload) -> Tree:
    """{layer: {"kernel", "bias"}}, of no more layers than the race needs."""
    found: dict[str, dict] = {}
    for name, leaf in weights(workload).items():
        layer, kind = name.rsplit("/", 1)
        found.setdefault(layer, {})[kind] = jnp.asarray(leaf)
    return found


def flops(workload: Workload) -> int:
    """Floating-point operations of the climb for one filter, the mean over all filters of the workload.

    Two per multiply-add, biases left out: in each step what lies below the layer and the filter alone, forward and
    back to the picture; nobody asks for the gradient of kernels.
    """
    net, total, filters = network_of(workload), 0, 0
    for layer in workload.layers:
        *below, own = summarize(part_for(net, [layer]), start(workload).shape)
        features = own["output_shape"][-1]
        total += features * sum(part["multiply_adds"] for part in below) + own["multiply_adds"]
        filters += features
    return 2 * 2 * STEPS * total // filters
