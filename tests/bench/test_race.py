"""The race: turns, processes that answer over pipes, and peers that must do the same work. Nothing is timed."""

import sys

import pytest

from research.bench.race import runner, same_net, same_outputs, started, take_turns
from research.errors import UserError

FAKE = """
import json, os, sys
print(json.dumps({"parameters": 7}), flush=True)
for line in sys.stdin:
    steps = json.loads(line)["steps"]
    if steps > 100:
        sys.exit("too many steps")
    print(json.dumps({"seconds": steps * float(os.environ["PACE"])}), flush=True)
"""


def quiet(doing):
    pass


def test_peers_take_turns_and_the_first_round_does_not_count():
    order = []

    def peer(name, seconds):
        answers = iter(seconds)

        def run(steps):
            order.append(name)
            return next(answers)

        return run

    runs = {"ours": peer("a", [9.0, 1.0, 2.0]), "torch": peer("b", [9.0, 4.0, 3.0])}
    times = take_turns(runs, rounds=2, steps=10, progress=quiet)
    assert times == {"ours": [100.0, 200.0], "torch": [400.0, 300.0]}  # milliseconds per step
    assert order == ["a", "b", "b", "a", "a", "b"]


def test_a_process_answers_and_sees_its_environment(tmp_path):
    with started("fake", [sys.executable, "-c", FAKE], {"PACE": "0.5"}) as process:
        assert process.hear() == {"parameters": 7}
        run = runner(process)
        assert [run(4), run(10)] == [2.0, 5.0]
    assert process.child.returncode == 0


@pytest.mark.parametrize("again", [False, True])
def test_a_dead_peer_is_named_with_its_last_words(again):
    with started("fake", [sys.executable, "-c", FAKE], {"PACE": "1"}) as process:
        process.hear()
        if again:  # asked once it is gone, when writing to it fails
            process.child.kill()
            process.child.wait()
        with pytest.raises(UserError, match=r"fake has died \(exit code .*" + ("" if again else "too many steps")):
            process.ask({"steps": 1000})


def test_different_nets_are_no_race():
    same_net({"ours": 5, "torch": 5})
    with pytest.raises(ValueError, match=r"torch.: 6"):
        same_net({"ours": 5, "torch": 6})


def test_peers_that_compute_something_else_are_no_race():
    close = {"ours": [3.0, 4.0], "torch": [3.0, 4.00004], "keras": [3.0, 4.0]}
    assert same_outputs(close) == pytest.approx({"ours": 0.0, "torch": 8e-6, "keras": 0.0}, rel=1e-3)
    for wrong in ([3.0, 4.1], [4.0, 3.0], [float("nan"), 4.0]):
        with pytest.raises(ValueError, match="torch differ"):
            same_outputs({"ours": [3.0, 4.0], "torch": wrong})


def test_a_peer_in_bfloat16_may_differ_more():
    found = same_outputs({"ours": [3.0, 4.0], "openvino_bfloat16": [3.0, 4.1]})
    assert found["openvino_bfloat16"] == pytest.approx(0.0197, rel=0.01)
    with pytest.raises(ValueError, match="openvino_bfloat16 differ"):
        same_outputs({"ours": [3.0, 4.0], "openvino_bfloat16": [3.0, 4.3]})
