"""Our nets of the workloads, and the operations of a step."""

from research.bench.architectures import GATES
from research.bench.ascent import STEPS, first_picture
from research.bench.attack import most_queries
from research.bench.data import experiment_of, table_of
from research.bench.victims import LENET5
from research.bench.workloads import CLASSES_OF_DIGITS, CLASSES_OF_OBJECTS, CLASSES_OF_PHOTOS, HEAD_WIDTH, Workload
from research.config import Net
from research.experiment.tables.net import build_network
from research.models.classifiers import cnn, dense_sequence
from research.models.forecasters import ForecastSpec, dense_forecaster, recurrent_forecaster
from research.models.network import Network, beyond, upto
from research.models.squeezenet import squeezenet
from research.models.summary import summarize
from research.models.taps import part_for
from research.models.transfer import transfer_net
from research.models.vgg16 import vgg16
from research.models.wired import wired_net


def network_of(workload: Workload) -> Network:
    """The net of `workload`. For VGG16 with a head, only the part that the race runs; for an ascent, the whole net."""
    spec = ForecastSpec(workload.window[1], workload.window[2])
    if workload.net == "lstm":
        return recurrent_forecaster(spec, "lstm", workload.hidden)
    if workload.net == "dense_forecaster":
        return dense_forecaster(spec, workload.hidden)
    if workload.net == "table":
        return build_network(experiment_of(workload), table_of(workload).schema)
    if workload.net == "cnn":
        return cnn(workload.features, workload.hidden, CLASSES_OF_DIGITS)
    if workload.net == "lenet5":
        return wired_net(Net(LENET5), CLASSES_OF_OBJECTS)
    if workload.net == "dense":
        return dense_sequence(workload.hidden, CLASSES_OF_DIGITS)
    if workload.task == "ascent":
        return squeezenet() if workload.net == "squeezenet" else vgg16()
    if workload.net == "vgg16":
        return upto(_vgg16_with_head(), "block5_pool")
    return beyond(_vgg16_with_head(), "head/flatten" if workload.net == "vgg16_head" else "block4_pool")


def frozen_net() -> Network:
    """The net below the trained part of "vgg16_block5": photos [B, H, W, 3] -> block4_pool."""
    return upto(_vgg16_with_head(), "block4_pool")


def flops_per_step(workload: Workload) -> int:
    """Floating-point operations of the matrix products of one step: two per multiply-add, biases left out.

    Training takes three products per layer (forward, gradient of the kernel, gradient of the input), but the
    first layer takes two, since no gradient of the net's input is needed.
    """
    if workload.task == "ascent":
        return _flops_of_ascent(workload)
    work = [layer["multiply_adds"] for layer in summarize(network_of(workload), _input_shape(workload))]
    if workload.task == "infer":
        return 2 * workload.batch * sum(work)
    if workload.task == "attack":
        return 2 * most_queries(workload) * sum(work)
    first = next(amount for amount in work if amount)
    if workload.net == "lstm":  # its first layer also multiplies the state, whose gradient is needed
        context, _, channels = workload.window
        first = context * channels * GATES * workload.hidden[0]
    rows = workload.folds * workload.seeds * workload.examples if workload.epochs else workload.batch
    return 2 * rows * (3 * sum(work) - first)


def _flops_of_ascent(workload: Workload) -> int:
    """The operations for one filter, the mean over all filters of the workload.

    Each step runs the layers below and the one filter, forward and back to the picture, without gradients of kernels.
    """
    net, total, filters = network_of(workload), 0, 0
    for layer in workload.layers:
        *below, own = summarize(part_for(net, [layer]), first_picture(workload).shape)
        features = own["output_shape"][-1]
        total += features * sum(part["multiply_adds"] for part in below) + own["multiply_adds"]
        filters += features
    return 2 * 2 * STEPS * total // filters


def _input_shape(workload: Workload) -> tuple[int, ...]:
    if workload.forecasts:
        return workload.window[0], workload.window[2]
    if workload.net == "table":
        return (workload.columns[0] + workload.columns[2],)
    shape = (workload.side, workload.side, 1 if workload.net in ("cnn", "dense") else 3)
    if workload.net in ("vgg16_head", "vgg16_block5"):
        below = upto(_vgg16_with_head(), "head/flatten") if workload.net == "vgg16_head" else frozen_net()
        return tuple(summarize(below, shape)[-1]["output_shape"])
    return shape


def _vgg16_with_head() -> Network:
    return transfer_net("vgg16", "caffe", CLASSES_OF_PHOTOS, pooling="flatten", hidden=(HEAD_WIDTH,))
