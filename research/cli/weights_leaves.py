"""The leaves of an architecture's net, to compare with a weight file."""

import jax

from research.models.imagenet import CLASSES
from research.models.squeezenet import squeezenet
from research.models.vgg16 import SMALLEST_SIDE, TOP_SIDE, vgg16
from research.trees import named_leaves


def leaf_shapes(architecture: str, *, include_top: bool = False, classes: int = CLASSES) -> dict[str, tuple[int, ...]]:
    """{leaf name: shape} of an architecture's net, in its own order; nothing is computed."""
    if architecture == "vgg16":
        net, side = vgg16(include_top=include_top, classes=classes), TOP_SIDE if include_top else SMALLEST_SIDE
    else:
        net, side = squeezenet(), TOP_SIDE
    variables = jax.eval_shape(net.init, jax.random.key(0), jax.ShapeDtypeStruct((1, side, side, 3), "float32"))
    return {name: leaf.shape for name, leaf in named_leaves(variables["params"]).items()}
