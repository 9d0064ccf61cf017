"""Workloads are picked by name, and need their peers."""

import pytest

from research.bench.workloads import WORKLOADS, pick
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
    with pytest.raises(UserError, match=r"need keras, tensorflow, torch: pip install 'receptive\[bench\]'"):
        bench([])
