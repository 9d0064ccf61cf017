"""A peer's process: `python -m research.bench.worker JOB`, which builds once and then answers one JSON line per line.

    {"steps": 40}     ->  {"seconds": 1.02}
    {"memory": true}  ->  {"bytes": 1000000000}
    {"matmul": true}  ->  {"flops": 17179869184.0, "seconds": 0.1}
    {"tally": true}   ->  {"pictures": 40, "flipped": 7, "queries": 150000}, of an attack

Its first line, without a request, is {"parameters": ..., "versions": {...}, "device": ..., "sample": [...],
"first": 4.2}, where "first" is the seconds of its first round, in which it compiles. It ends when its input does.
"""

import json
import os
import sys
from typing import Any, TextIO

from research.bench.settings import pin_cores
from research.bench.workloads import Work, Workload, pick
from research.runtime import peak_memory_bytes


def main(job: dict[str, Any]) -> None:
    """Build `job` {peer, workload, threads, steps}, run a first round, and answer until the input ends."""
    answers = private_stdout()
    pin_cores(job["threads"])
    [workload] = pick([job["workload"]])
    work = build(job["peer"], workload, threads=job["threads"], steps=job["steps"])
    first = work.run(job["steps"])
    facts = {"parameters": work.parameters, "versions": work.versions, "device": work.device}
    say(answers, facts | {"sample": work.sample, "first": first})
    for line in sys.stdin:
        say(answers, answer(work, json.loads(line)))


def build(peer: str, workload: Workload, *, threads: int | None, steps: int) -> Work:
    """The work of `peer`. It imports the peer's libraries, so call it in the peer's own process."""
    if peer in ("ours", "ours_loop"):
        from research.bench import ours

        return ours.build(workload, loop=peer == "ours_loop")
    if peer in ("torch", "torch_channels_last"):
        from research.bench import torch_peer

        return torch_peer.build(workload, channels_last=peer == "torch_channels_last", threads=threads)
    if peer in ("onnxruntime", "openvino", "openvino_bfloat16"):
        from research.bench import onnx_peer

        return onnx_peer.build(workload, peer, threads=threads)
    if peer in ("torchattacks", "art"):
        from research.bench import attack_peer

        return attack_peer.build(workload, peer, threads=threads)
    from research.bench import keras_peer

    return keras_peer.build(workload, threads=threads, steps=steps)


def answer(work: Work, question: dict[str, Any]) -> dict[str, Any]:
    """The answer to one question."""
    if "steps" in question:
        return {"seconds": work.run(question["steps"])}
    if "memory" in question:
        return {"bytes": peak_memory_bytes()}
    if "tally" in question:
        assert work.tally is not None
        return work.tally()
    assert work.matmul is not None
    flops, seconds = work.matmul()
    return {"flops": flops, "seconds": seconds}


def private_stdout() -> TextIO:
    """Standard output for our answers only: output of libraries goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def say(answers: TextIO, message: dict[str, Any]) -> None:
    """Write one line, now."""
    print(json.dumps(message), file=answers, flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
