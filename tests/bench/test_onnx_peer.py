"""ONNX Runtime and OpenVINO compute VGG16's features as we do. Nothing is timed."""

import pytest

from research.bench import ours
from research.bench.race import same_outputs
from research.bench.workloads import pick

SMALL = pick(["vgg16_features_150"])[0]._replace(batch=2, examples=4, side=33)


@pytest.mark.slow
@pytest.mark.needs_onnx
def test_both_settings_of_both_agree_with_us(monkeypatch):
    monkeypatch.setenv("CI", "")  # undone at the end, with what the peer sets
    from research.bench import onnx_peer

    own = ours.build(SMALL)
    for peer in ("onnxruntime", "openvino"):
        for threads in (1, None):
            work = onnx_peer.build(SMALL, peer, threads=threads)
            assert same_outputs({"ours": own.sample, peer: work.sample})[peer] > 0
            assert work.parameters == own.parameters == 14_714_688
            work.run(3)  # more batches than there are
