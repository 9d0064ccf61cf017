"""The race: turns, ratios and verdicts, and processes that answer over pipes. Nothing here is timed."""

import sys

import pytest

from research.bench.nets import flops_per_step
from research.bench.process import started
from research.bench.race import runner, same_net, same_outputs, take_turns
from research.bench.results import compilation, standings, verdict
from research.bench.settings import KEEP_MEMORY, available_cores, environment_for, settings
from research.bench.work import Work
from research.bench.worker import answer
from research.bench.workloads import WORKLOADS, pick
from research.doors.bench import bench
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


def test_parties_take_turns_and_the_first_round_does_not_count():
    order = []

    def party(name, seconds):
        answers = iter(seconds)

        def run(steps):
            order.append(name)
            return next(answers)

        return run

    runs = {"ours": party("a", [9.0, 1.0, 2.0]), "torch": party("b", [9.0, 4.0, 3.0])}
    times = take_turns(runs, rounds=2, steps=10, progress=quiet)
    assert times == {"ours": [100.0, 200.0], "torch": [400.0, 300.0]}  # milliseconds per step
    assert order == ["a", "b", "b", "a", "a", "b"]


def test_ratios_are_our_time_over_theirs():
    parties = standings({"ours": [4.0, 2.0, 3.0], "torch": [10.0, 4.0, 6.0], "keras": [1.0, 12.0, 12.0]})
    assert parties["ours"] == {"least_ms": 2.0, "median_ms": 3.0, "least_ratio": 1.0, "median_ratio": 1.0}
    assert parties["torch"] == {"least_ms": 4.0, "median_ms": 6.0, "least_ratio": 0.5, "median_ratio": 0.5}
    assert parties["keras"] == {"least_ms": 1.0, "median_ms": 12.0, "least_ratio": 2.0, "median_ratio": 0.25}


def test_the_verdict_names_the_fastest_peer_and_never_ourselves():
    parties = standings({"ours": [1.86], "torch": [4.0], "keras": [2.0]})
    assert verdict("best settings", parties) == "ours / Keras on TensorFlow, best settings: 0.93x"


def test_what_a_first_round_takes_longer_is_compilation():
    parties = standings({"ours": [500.0, 250.0, 1000.0], "torch": [1000.0, 1000.0, 1000.0]})
    assert compilation({"ours": 7.0, "torch": 4.0}, parties, steps=4) == {"ours": 5.0, "torch": 0.0}


def test_a_process_answers_and_sees_its_environment(tmp_path):
    with started("fake", [sys.executable, "-c", FAKE], {"PACE": "0.5"}) as process:
        assert process.hear() == {"parameters": 7}
        run = runner(process)
        assert [run(4), run(10)] == [2.0, 5.0]
    assert process.child.returncode == 0


@pytest.mark.parametrize("again", [False, True])
def test_a_dead_party_is_named_with_its_last_words(again):
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


def test_an_unknown_workload_lists_those_there_are():
    with pytest.raises(UserError) as caught:
        bench(["mnist_cnn_stop"])
    assert "mnist_cnn_stop" in str(caught.value)
    assert all(workload.name in str(caught.value) for workload in WORKLOADS)
    assert pick([]) == list(WORKLOADS)


@pytest.mark.parametrize("flags", [["--threads", "0"], ["--threads", str(available_cores() + 1)], ["--rounds", "0"]])
def test_impossible_conditions_are_mistakes(flags):
    with pytest.raises(UserError, match=flags[0]):
        bench(["scan_vs_loop", *flags])


def test_missing_peers_are_named_with_the_extra(monkeypatch):
    monkeypatch.setattr("research.bench.parties.find_spec", lambda package: None)
    with pytest.raises(UserError, match=r"need keras, tensorflow, torch: pip install 'receptive\[bench\]'"):
        bench([])


def test_the_settings_decide_what_the_shell_would():
    best, plain = settings(None)
    shell = {"PATH": "p", "MALLOC_TRIM_THRESHOLD_": "1", "OMP_NUM_THREADS": "1", "XLA_FLAGS": "x"}
    shell["GLIBC_TUNABLES"] = "glibc.malloc.arena_max=1"
    assert (best.threads, plain.threads) == (available_cores(), None)
    for setting, allocator in ((best, KEEP_MEMORY), (plain, {})):
        given = environment_for(setting, shell)
        assert {name: given[name] for name in given if name.startswith(("MALLOC_", "GLIBC_"))} == allocator
        assert given["PATH"] == "p"
        assert "OMP_NUM_THREADS" not in given and "XLA_FLAGS" not in given
        assert given["JAX_ENABLE_COMPILATION_CACHE"] == "false"  # or compilation would be shown as next to nothing


def test_operations_of_a_step_by_hand():
    training, forward, dense, *_ = WORKLOADS
    first, rest = 784 * 512, 512 * 10
    assert flops_per_step(dense) == 2 * 128 * (2 * first + 3 * rest)
    convolutions = [26 * 26 * 9 * 32, 11 * 11 * 9 * 32 * 64, 3 * 3 * 9 * 64 * 64]
    work = sum(convolutions) + 576 * 64 + 64 * 10
    assert flops_per_step(forward) == 2 * 128 * work
    assert flops_per_step(training) == 2 * 128 * (3 * work - convolutions[0])
    features, head, tuning = pick(["vgg16_features_224", "head_epoch", "fine_tune_block5"])
    assert flops_per_step(features) == 2 * 16 * 15_346_630_656  # 15.3 billion: Simonyan & Zisserman's net
    assert flops_per_step(head) == 2 * 2000 * (2 * 8192 * 256 + 3 * 256 * 2)
    one = 9 * 9 * 9 * 512 * 512
    assert flops_per_step(tuning) == 2 * 20 * (8 * one + 3 * (8192 * 256 + 256 * 2))


def test_parties_that_compute_something_else_are_no_race():
    close = {"ours": [3.0, 4.0], "torch": [3.0, 4.00004], "keras": [3.0, 4.0]}
    assert same_outputs(close) == pytest.approx(8e-6, rel=1e-3)
    assert same_outputs({"ours": [], "torch": []}) == 0
    for wrong in ([3.0, 4.1], [4.0, 3.0], [float("nan"), 4.0]):
        with pytest.raises(ValueError, match="outputs differ"):
            same_outputs({"ours": [3.0, 4.0], "torch": wrong})


def test_a_worker_tells_the_most_memory_that_it_held():
    assert answer(Work(lambda steps: 0.0, 0, {}), {"memory": True})["bytes"] > 1e7
