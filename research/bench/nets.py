"""Our net of a workload, and the arithmetic that a step of it takes."""

from research.bench import ascent_nets, forecast_nets, vgg_nets
from research.bench.workloads import BATCH, CLASSES, SIDE, Workload
from research.models.cnn import cnn
from research.models.dense import dense_sequence
from research.models.network import Network
from research.models.summary import summarize


def network_of(workload: Workload) -> Network:
    """The net of `workload` as ours."""
    if workload.channels:
        return cnn(workload.channels, workload.hidden, CLASSES)
    return dense_sequence(workload.hidden, CLASSES)


def flops_per_step(workload: Workload) -> int:
    """Floating-point operations of the matrix products of one step: two per multiply-add, biases left out.

    Training takes three products per layer (forward, gradient of the kernel, gradient of the input), but nobody asks
    for the gradient of the pictures: the first layer takes two.
    """
    if workload.task in ("features", "head", "fine_tune"):
        return vgg_nets.flops(workload)
    if workload.task == "ascent":
        return ascent_nets.flops(workload)
    if workload.task in ("forecast", "forecast_run"):
        return forecast_nets.flops(workload)
    work = [layer["multiply_adds"] for layer in summarize(network_of(workload), (SIDE, SIDE, 1))]
    if workload.task == "forward":
        return 2 * BATCH * sum(work)
    first = next(amount for amount in work if amount)
    return 2 * BATCH * (3 * sum(work) - first)
