"""VGG16 with a head, as ours, and the parts of it that the races are about."""

from research.bench.workloads import CLASSES_OF_PHOTOS, HEAD_WIDTH, Workload
from research.models.network import Network, beyond, upto
from research.models.summary import summarize
from research.models.transfer import transfer_net


def frozen_net() -> Network:
    """What lies below the part that is fine-tuned: photos [B, H, W, 3] -> block4_pool."""
    return upto(_whole(), "block4_pool")


def raced_net(workload: Workload) -> Network:
    """The net that runs in `workload`: for features all below the head, else what is trained."""
    if workload.task == "features":
        return upto(_whole(), "block5_pool")
    return beyond(_whole(), "head/flatten" if workload.task == "head" else "block4_pool")


def flops(workload: Workload) -> int:
    """Floating-point operations of a step of ours, counted as in `nets.flops_per_step`."""
    work = [layer["multiply_adds"] for layer in summarize(raced_net(workload), _input_shape(workload))]
    if workload.task == "features":
        return 2 * workload.batch * sum(work)
    first = next(amount for amount in work if amount)
    examples = workload.examples if workload.task == "head" else workload.batch
    return 2 * examples * (3 * sum(work) - first)


def _input_shape(workload: Workload) -> tuple[int, ...]:
    pixels = (workload.side, workload.side, 3)
    if workload.task == "features":
        return pixels
    below = upto(_whole(), "head/flatten") if workload.task == "head" else frozen_net()
    return tuple(summarize(below, pixels)[-1]["output_shape"])


def _whole() -> Network:
    return transfer_net("vgg16", "caffe", CLASSES_OF_PHOTOS, pooling="flatten", hidden=(HEAD_WIDTH,))
