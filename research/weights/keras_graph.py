"""A Keras model's configuration as a graph: which tensors each layer reads, through the models within the model."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from research.weights.keras_config import Configured, layer_of, tensors_in

UNNAMED_INPUT = "(input)"  # of a Sequential without an InputLayer


class Ref(NamedTuple):
    """An output of one call of a layer; `key` is the layer's name, preceded by the names of the models around it."""

    key: str
    call: int
    output: int


class Node(NamedTuple):
    """A layer, the tensors that it reads at each of its calls, and these calls as the file has them."""

    layer: Configured
    calls: tuple[tuple[Ref, ...], ...]
    inbound: Any


class Graph(NamedTuple):
    """The layers by key, and the outputs of every inner model by its key."""

    nodes: dict[str, Node]
    models: dict[str, tuple[Ref, ...]]

    def source(self, ref: Ref) -> Ref:
        """`ref`, or the inner model's tensor that it refers to."""
        while ref.key in self.models:
            ref = self.models[ref.key][ref.output]
        return ref

    def reads(self, ref: Ref) -> tuple[Ref, ...]:
        """The tensors that the call of `ref` reads; none for an input of the whole model."""
        calls = self.nodes[ref.key].calls
        return calls[min(ref.call, len(calls) - 1)] if calls else ()

    def key_of(self, path: str) -> str | None:
        """The key of the layer of the array at `path` (LAYER/NAME, perhaps after models)."""
        named = (
            (len(node.layer.name), key) for key, node in self.nodes.items() if f"/{node.layer.name}/" in f"/{path}"
        )
        return max(named, default=(0, None), key=lambda found: found[0])[1]


def graph_of(model: Any) -> Graph:
    """The graph of a `model` as JSON; without nodes where its configuration lists no layers."""
    graph = Graph({}, {})
    _add(graph, "", model, ())
    return graph


def _add(graph: Graph, prefix: str, model: Any, calls: Sequence[Sequence[Ref]]) -> tuple[Ref, ...]:
    """Add the layers of `model`, which reads the tensors of `calls`; its outputs are returned."""
    config = model["config"] if isinstance(model, Mapping) else None
    entries = config.get("layers") if isinstance(config, Mapping) else config
    if not isinstance(entries, list) or not entries:
        return ()
    if not isinstance(config, Mapping) or not any("inbound_nodes" in entry for entry in entries):
        config, entries = _chained(entries)
    inputs = [name for name, *_ in tensors_in(config["input_layers"])]
    for entry in entries:
        layer, inbound = layer_of(entry), entry.get("inbound_nodes", [])
        reads = tuple(tuple(Ref(f"{prefix}{read[0]}", *read[1:]) for read in tensors_in(call)) for call in inbound)
        if layer.name in inputs:
            reads = tuple((call[inputs.index(layer.name)],) for call in calls)
        within = _model_within(entry)
        if within is None:
            graph.nodes[f"{prefix}{layer.name}"] = Node(layer, reads, inbound)
        else:
            graph.models[f"{prefix}{layer.name}"] = _add(graph, f"{prefix}{layer.name}/", within, reads)
    return tuple(Ref(f"{prefix}{name}", call, output) for name, call, output in tensors_in(config["output_layers"]))


def _chained(layers: Sequence[Any]) -> tuple[Mapping[str, Any], list[Any]]:
    """A Sequential's layers as those of a functional model: each reads the one before it."""
    first = {"class_name": "InputLayer", "config": {"name": UNNAMED_INPUT}}
    every = [*([] if layers[0]["class_name"] == "InputLayer" else [first]), *layers]
    names = [layer_of(entry).name for entry in every]
    reads = [[], *([[[name, 0, 0]]] for name in names)]
    entries = [entry | {"inbound_nodes": read} for entry, read in zip(every, reads, strict=False)]
    return {"input_layers": [[names[0], 0, 0]], "output_layers": [[names[-1], 0, 0]]}, entries


def _model_within(entry: Any) -> Any:
    """The model that a layer is, or applies at each step; None for any other layer."""
    settings = entry["config"]
    if isinstance(settings, list) or (isinstance(settings, Mapping) and isinstance(settings.get("layers"), list)):
        return entry
    wraps = entry["class_name"] == "TimeDistributed" and isinstance(settings.get("layer"), Mapping)
    return _model_within(settings["layer"]) if wraps else None
