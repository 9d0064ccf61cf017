"""ONNX Runtime's and OpenVINO's side of the race: VGG16's features, by one ONNX graph with our weights.

Both read pictures as bytes; the graph turns them into floats, channels first. Each chooses its own layout inside. Out
of the box both run with their defaults, but OpenVINO's precision is always set: its own choice is bfloat16 where the
processor has it. At its best settings (when `threads` are given) each has as many threads, one batch at a time.
"""

import io
import os
import time
from collections.abc import Callable

os.environ["CI"] = "true"  # or openvino, when imported, sends statistics of use to its maker

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

from research.bench.architectures import Conv, Pool, architecture, preprocessing
from research.bench.data import leaves_for_rgb, pictures, sampled
from research.bench.workloads import PEERS, Work, Workload

OPSET = 17  # of ONNX
PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}  # as OpenVINO calls them

Infer = Callable[[np.ndarray], np.ndarray]  # pictures uint8 [B, H, W, C] -> features float32 [B, F, H', W']


def build(workload: Workload, peer: str, *, threads: int | None) -> Work:
    """`workload` by `peer`: "onnxruntime", "openvino" or "openvino_bfloat16"."""
    images, _ = pictures(workload)
    model = model_of(workload)
    if peer == "onnxruntime":
        infer, version = _onnxruntime(model, threads), onnxruntime.__version__
    else:
        infer, version = _openvino(model, threads, PRECISIONS[PEERS[peer].precision]), openvino.__version__
    versions = {"onnx": onnx.__version__, peer.removesuffix("_bfloat16"): version}
    sample = sampled(infer(images[: workload.batch]).transpose(0, 2, 3, 1))
    parameters = sum(leaf.size for leaf in leaves_for_rgb(workload).values())
    return Work(_timed(infer, images, workload), parameters, versions, sample)


def model_of(workload: Workload) -> onnx.ModelProto:
    """The net: pictures uint8 [B, H, W, C] -> features float32 [B, F, H', W'], with the sizes of a batch fixed."""
    layers = architecture(workload)
    channels = layers[0].channels
    nodes = [
        helper.make_node("Cast", ["pictures"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["floats"], ["planes"], perm=(0, 3, 1, 2)),
        helper.make_node("Add", ["planes", "offset"], ["layer0"]),
    ]
    for number, layer in enumerate(layers):
        nodes += _nodes(layer, f"layer{number}", f"layer{number + 1}")
    size = (workload.batch, workload.side, workload.side, channels)
    inputs = [helper.make_tensor_value_info("pictures", TensorProto.UINT8, size)]
    outputs = [helper.make_tensor_value_info(f"layer{len(layers)}", TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, workload.net, inputs, outputs, _initializers(workload))
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(graph, opset_imports=[opset], ir_version=helper.find_min_ir_version_for([opset]))


def _nodes(layer: Conv | Pool, x: str, y: str) -> list[onnx.NodeProto]:
    if isinstance(layer, Pool):
        return [helper.make_node("MaxPool", [x], [y], kernel_shape=(layer.window,) * 2, strides=(2, 2))]
    leaves = [f"{layer.name}/kernel", f"{layer.name}/bias"]
    pads = (layer.size // 2 if layer.same else 0,) * 4
    conv = helper.make_node("Conv", [x, *leaves], [f"{layer.name}/sum"], pads=pads, strides=(layer.stride,) * 2)
    return [conv, helper.make_node("Relu", [f"{layer.name}/sum"], [y])]


def _initializers(workload: Workload) -> list[TensorProto]:
    """The weights, kernels as [F, C, h, w], and the offset of the pixels, whose scale is 1."""
    _, offset = preprocessing(workload)
    arrays = {"offset": np.float32(offset).reshape(-1, 1, 1)}
    for name, leaf in leaves_for_rgb(workload).items():
        arrays[name] = leaf.transpose(3, 2, 0, 1) if leaf.ndim == 4 else leaf
    return [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in arrays.items()]


def _onnxruntime(model: onnx.ModelProto, threads: int | None) -> Infer:
    options = onnxruntime.SessionOptions()
    if threads is not None:
        options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda batch: session.run(None, {"pictures": batch})[0]


def _openvino(model: onnx.ModelProto, threads: int | None, precision: str) -> Infer:
    config = {"INFERENCE_PRECISION_HINT": precision}
    if threads is not None:
        config |= {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": str(threads)}
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(io.BytesIO(model.SerializeToString())), "CPU", config)
    return lambda batch: compiled(batch, share_inputs=threads is not None)[0]


def _timed(infer: Infer, images: np.ndarray, workload: Workload) -> Callable[[int], float]:
    batches = images.reshape(-1, workload.batch, *images.shape[1:])

    def run(steps: int) -> float:
        begun = time.perf_counter()
        for step in range(steps):
            infer(batches[step % len(batches)])
        return time.perf_counter() - begun

    return run
