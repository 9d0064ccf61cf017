"""What the times say."""

from research.bench.tables import compilation, standings, verdict


def test_ratios_are_our_time_over_theirs():
    peers = standings({"ours": [4.0, 2.0, 3.0], "torch": [10.0, 4.0, 6.0], "keras": [1.0, 12.0, 12.0]})
    assert peers["ours"] == {"least_ms": 2.0, "median_ms": 3.0, "least_ratio": 1.0, "median_ratio": 1.0}
    assert peers["torch"] == {"least_ms": 4.0, "median_ms": 6.0, "least_ratio": 0.5, "median_ratio": 0.5}
    assert peers["keras"] == {"least_ms": 1.0, "median_ms": 12.0, "least_ratio": 2.0, "median_ratio": 0.25}


def test_the_verdict_names_the_fastest_peer_and_never_ourselves():
    peers = standings({"ours": [1.86], "torch": [4.0], "keras": [2.0]})
    assert verdict("best settings", peers) == "ours / Keras on TensorFlow, best settings: 0.93x"


def test_the_verdict_is_on_float32():
    peers = standings({"ours": [2.0], "openvino": [4.0], "openvino_bfloat16": [1.0]})
    assert verdict("best settings", peers) == "ours / OpenVINO, best settings: 0.50x"


def test_what_a_first_round_takes_longer_is_compilation():
    peers = standings({"ours": [500.0, 250.0, 1000.0], "torch": [1000.0, 1000.0, 1000.0]})
    assert compilation({"ours": 7.0, "torch": 4.0}, peers, steps=4) == {"ours": 5.0, "torch": 0.0}
