"""Keras' `preprocess_input` of VGG16 as a part of a model: equal to our nets' own preprocessing for such weights."""

from collections.abc import Iterator
from typing import Any

from research.weights.keras_graph import Graph, Ref

MEANS = (-103.939, -116.779, -123.68)  # keras.src.applications.imagenet_utils, "caffe": BGR, added
ELLIPSIS = {"class_name": "__ellipsis__"}
REVERSED = {"start": None, "stop": None, "step": -1}


def unprocessed(graph: Graph, ref: Ref) -> Ref | None:
    """The input of `preprocess_input` if `ref` is its output; else None."""
    node = graph.nodes[ref.key]
    added = [number for call in node.inbound for number in _floats(call)]
    if node.layer.kind not in ("Add", "TFOpLambda") or len(added) != len(MEANS):
        return None
    if any(abs(number - mean) > 1e-3 for number, mean in zip(added, MEANS, strict=True)):
        return None
    if node.layer.kind == "TFOpLambda" and node.layer.settings.get("function") != "nn.bias_add":
        return None
    flipped = graph.source(graph.reads(ref)[0])
    kind, reads = graph.nodes[flipped.key].layer.kind, graph.reads(flipped)
    if kind == "SlicingOpLambda":
        slices = graph.nodes[flipped.key].inbound[flipped.call][3]["slice_spec"]
        return reads[0] if slices == [ELLIPSIS, REVERSED] else None
    return _stacked(graph, reads) if kind == "Stack" else None


def _stacked(graph: Graph, channels: tuple[Ref, ...]) -> Ref | None:
    """The tensor of which `channels` are the last, the middle and the first, as Keras 3 turns RGB round."""
    nodes = [graph.nodes[channel.key] for channel in channels]
    if [node.layer.kind for node in nodes] != ["GetItem"] * 3:
        return None
    calls = [node.inbound[channel.call]["args"][1] for node, channel in zip(nodes, channels, strict=True)]
    sources = {graph.source(graph.reads(channel)[0]) for channel in channels}
    right = [call[-1] for call in calls] == [2, 1, 0] and all(len(call) == 2 for call in calls)
    return sources.pop() if right and len(sources) == 1 else None


def _floats(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _floats(each)
