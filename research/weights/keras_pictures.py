"""Differences of a Keras model's VGG16 or SqueezeNet from ours: settings, wiring, other layers."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from research.weights.keras_config import Configured, has_training, parsed
from research.weights.keras_graph import Graph, Node, Ref, graph_of
from research.weights.keras_kinds import FOLDED, NOTHING, REASONS, activation_name
from research.weights.keras_preprocessing import unprocessed
from research.weights.keras_wiring import INPUT, WIRING, Reads
from research.weights.weight_file import WeightFile

# keras.src.applications.vgg16; the last layer may have been made without its softmax, which ours adds.
CONVOLUTION = {"padding": "same", "strides": 1, "dilation_rate": 1, "groups": 1}
LAST, LAST_ACTIVATIONS = "predictions", ("softmax", "linear")
LAST_POOLED, LAST_POOL = "block5_conv3", Reads((), pool=2)
PREPROCESSING = "preprocess_input"
# Layers that are at work in training alone (those of Keras 3.15, called with training=False, give their input back).
AUGMENTING = (
    *("SpatialDropout2D", "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast"),
    *("RandomBrightness", "RandomHeight", "RandomWidth", "RandomShear", "RandomErasing", "RandomHue"),
    *("RandomSaturation", "RandomSharpness", "RandomColorJitter", "RandomColorDegeneration", "RandomGrayscale"),
    *("RandomGaussianBlur", "RandomInvert", "RandomPerspective", "RandomPosterization", "RandomElasticTransform"),
    *("RandAugment", "AugMix", "MixUp", "CutMix"),
)


class Between(NamedTuple):
    """The layers between one of our layers and those that it reads."""

    sources: tuple[str, ...]
    layers: tuple[Node, ...]


def picture_objections(file: WeightFile, architecture: str, leaves: Mapping[str, str]) -> dict[str, list[str]]:
    """{layer of ours: how its configuration differs from ours}, for the `leaves` {leaf: file array}.

    Only our layers and those that they read count: everything above the last of them is a user's head. Raises
    UserError for a configuration that cannot be read.
    """

    def objections(model: Any) -> dict[str, list[str]]:
        graph = graph_of(model)
        keys = _keys(graph, file, leaves)
        ours = {key: layer for layer, key in keys.items() if key is not None}
        return {layer: list(_of_layer(graph, architecture, layer, key, ours)) for layer, key in keys.items()}

    return parsed(file.notes, file.path, objections) or {}


def _keys(graph: Graph, file: WeightFile, leaves: Mapping[str, str]) -> dict[str, str | None]:
    """{layer of ours: its key in the graph, None where the configuration has no such layer}."""
    paths = {leaf: file.aliases.get(array, array) for leaf, array in leaves.items()}
    return {leaf.rpartition("/")[0]: graph.key_of(path) for leaf, path in paths.items()} if graph.nodes else {}


def _of_layer(graph: Graph, architecture: str, layer: str, key: str | None, ours: Mapping[str, str]) -> Iterator[str]:
    if key is None:
        yield f"{layer} (its configuration is not stated)"
        return
    node, reads = graph.nodes[key], WIRING[architecture][layer]
    activation = _activation(graph, key)
    if wrong := _different(node.layer, layer, reads, activation):
        yield f"{node.layer.name} ({', '.join(wrong)})"
    for call in node.calls:
        yield from _wiring(node.layer.name, reads, _between(graph, call[0], ours))
    for above in _above(graph, key) if layer == LAST_POOLED else ():
        yield from _fault(above, LAST_POOL, ()) if above.layer.kind in ("MaxPooling2D", "AveragePooling2D") else ()


def _different(configured: Configured, layer: str, reads: Reads, activation: str) -> list[str]:
    kind = "Dense" if reads.dense else "Conv2D"
    if configured.kind != kind:
        return [f"a {configured.kind}, ours a {kind}"]
    activations = LAST_ACTIVATIONS if layer == LAST else ("relu",)
    wrong = [] if activation in activations else [f"activation {activation}, ours {activations[0]}"]
    wanted: dict[str, Any] = {} if reads.dense else CONVOLUTION | {"strides": reads.stride, "padding": reads.padding}
    for key, own in wanted.items():
        value = configured.settings.get(key, own if key != "padding" else "valid")
        if own is not None and _number(value) != own:
            wrong.append(f"{key} {value}, ours {own}")
    return wrong


def _number(value: Any) -> Any:
    """2 for [2, 2]."""
    return value[0] if isinstance(value, list) and len(set(value)) == 1 else value


def _activation(graph: Graph, key: str) -> str:
    """A layer's own activation; where it has none, the one that a layer above it applies."""
    own = activation_name(graph.nodes[key].layer.settings.get("activation"))
    above = [_bend(node) for node in _above(graph, key, (*NOTHING, *AUGMENTING, "MaxPooling2D", "Concatenate"))]
    return next(iter(above), own) if own == "linear" else own


def _above(graph: Graph, key: str, passed: tuple[str, ...] = (*NOTHING, *FOLDED)) -> Iterator[Node]:
    """The first layers above one that are of another kind than those `passed`, on each way."""
    for above, node in graph.nodes.items():
        if any(graph.source(read).key == key for call in node.calls for read in call):
            same = node.layer.kind in passed or (node.layer.kind in FOLDED and _bend(node) == "linear")
            yield from _above(graph, above, passed) if same else (node,)


def _bend(node: Node) -> str:
    return FOLDED[node.layer.kind](node.layer.settings) if node.layer.kind in FOLDED else "linear"


def _between(graph: Graph, ref: Ref, ours: Mapping[str, str]) -> Between:
    """The path back from a tensor to our layers or to the input."""
    ref = graph.source(ref)
    node, reads = graph.nodes[ref.key], graph.reads(ref)
    if ref.key in ours:
        return Between((ours[ref.key],), ())
    if (given := unprocessed(graph, ref)) is not None:
        before, made = _between(graph, given, ours), Configured(node.layer.name, PREPROCESSING, {})
        return Between(before.sources, (*before.layers, Node(made, (), ())))
    if not reads:
        return Between((INPUT,), () if node.layer.kind == "InputLayer" else (node,))
    called = node.layer.kind == "InputLayer"  # of a model within the model, at each of its calls
    reads = tuple(read for call in node.calls for read in call) if called else reads
    joins = called or node.layer.kind == "Concatenate"
    found = [_between(graph, read, ours) for read in (reads if joins else reads[:1])]
    sources = tuple(source for each in found for source in each.sources)
    layers = tuple(layer for each in found for layer in each.layers)
    return Between(tuple(dict.fromkeys(sources)) if called else sources, (*layers, node))


def _wiring(name: str, reads: Reads, between: Between) -> Iterator[str]:
    """The differences between the inputs of a layer and those of ours."""
    faults = [fault for node in between.layers for fault in _fault(node, reads, between.sources)]
    yield from faults
    if faults:
        return
    kinds = [node.layer.kind for node in between.layers]
    if kinds.count(PREPROCESSING) > (between.sources == (INPUT,)):
        yield f"{name} (reads what {PREPROCESSING} made of anything but the input)"
    if between.sources != reads.sources:
        yield f"{name} (reads {' and '.join(between.sources)}, ours {' and '.join(reads.sources)})"
    for kind, wanted in (("MaxPooling2D", reads.pool > 0), ("Flatten", reads.flat), ("Concatenate", reads.joins)):
        if kinds.count(kind) != wanted:
            yield f"{name} ({kinds.count(kind)} {kind} before it, ours {int(wanted)})"


def _fault(node: Node, reads: Reads, sources: tuple[str, ...]) -> Iterator[str]:
    """The computation of a layer between two of ours that ours lack."""
    name, kind, settings = node.layer
    if has_training(node.inbound):
        yield f"{name} (always in training)"
    elif kind in FOLDED:
        bent = _bend(node)
        if bent != "linear" and (bent != "relu" or INPUT in sources):
            yield f"{name} ({bent} of the input)" if INPUT in sources else f"{name} (activation {bent}, ours relu)"
    elif kind == "MaxPooling2D":
        size = _number(settings.get("pool_size", 2))
        pool = {"pool_size": size, "strides": _number(settings.get("strides") or size)}
        pool |= {"padding": settings.get("padding", "valid")}
        own = {"pool_size": reads.pool, "strides": 2, "padding": "valid"} if reads.pool else pool
        wrong = [f"{key} {pool[key]}, ours {own[key]}" for key in pool if pool[key] != own[key]]
        yield from [f"{name} ({', '.join(wrong)})"] if wrong else []
    elif kind == "Concatenate":
        axis = settings.get("axis", -1)
        yield from [f"{name} (axis {axis}, ours 3)"] if axis not in (-1, 3) else []
    elif kind not in (*NOTHING, *AUGMENTING, "Flatten", PREPROCESSING):
        reason = f", which {REASONS[kind]}" if kind in REASONS else ""
        yield f"{name} ({'an' if kind[0] in 'AEIOU' else 'a'} {kind}{reason})"
