"""Workloads are picked by name, and need their peers."""

import pytest

from research.bench.workloads import WORKLOADS, in_float32, pick, within_extra
from research.cli.bench import bench
from research.errors import UserError


def test_an_unknown_workload_lists_those_there_are():
    with pytest.raises(UserError) as caught:
        bench(["mnist_cnn_stop"])
    assert "mnist_cnn_stop" in str(caught.value)
    assert all(workload.name in str(caught.value) for workload in WORKLOADS)
    assert pick([]) == list(WORKLOADS)


def test_missing_peers_are_named_with_the_extra(monkeypatch):
    monkeypatch.setattr("research.bench.workloads.find_spec", lambda package: None)
    names = "keras, onnx, onnxruntime, openvino, tensorflow, torch"
    with pytest.raises(UserError, match=rf"need {names}: pip install 'receptive\[bench\]'"):
        bench([])


def test_attacks_are_left_out_of_all_where_their_peers_are_missing_and_named_where_asked_for(monkeypatch):
    every = pick([])
    monkeypatch.setattr("research.bench.workloads.find_spec", lambda package: None if package == "art" else object())
    away = [workload.name for workload in every if workload not in within_extra(every)]
    assert away == ["one_pixel_speed", "one_pixel_success"]
    with pytest.raises(UserError, match=r"need art: .* and pip install --no-deps torchattacks adv.*toolbox$"):
        bench(["one_pixel_speed"])
    monkeypatch.setattr("research.bench.workloads.find_spec", lambda package: object())
    assert within_extra(every) == every


def test_without_bfloat16_its_peers_are_left_out():
    [workload] = pick(["vgg16_features_150"])
    assert "openvino_bfloat16" in workload.peers
    assert in_float32(workload).peers == ("ours", "torch", "torch_channels_last", "keras", "onnxruntime", "openvino")
