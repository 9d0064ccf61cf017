"""The host's side of training: launch steps, report progress, save checkpoints, stop when asked.

The host never waits for the call that it just launched: it launches the next steps, then reads the readout of the
steps before. The clock sets how many steps a call covers; the numbers do not depend on that.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np

from research.batches import DataSet
from research.training.plan import BatchSource, StepWindow
from research.training.program import Readout
from research.training.state import TrainState

Seconds = dict[str, float]  # spent on "compile" and "train"

CALL_SECONDS = 0.5  # target: short enough for a live progress bar and a prompt answer to SIGTERM


NOTHING_SPENT = {"compile": 0.0, "train": 0.0}  # seconds, summed over resumes


def run_steps(
    state: TrainState,
    source: BatchSource,
    advance: Callable[[TrainState, DataSet | StepWindow, np.int32], tuple[TrainState, Readout]],
    total_steps: int,
    *,
    progress: Callable[[Readout], None],
    save: Callable[[TrainState, Seconds], None],
    preempted: Callable[[], bool],
    spent: Seconds,
    checkpoint_seconds: float,
) -> tuple[TrainState, Seconds]:
    """Run `advance(state, train, stop)` to the end of all steps, or until early stopping, divergence or preemption.

    `progress` gets every readout, `save` the state at least every `checkpoint_seconds` and at the end; `preempted` is
    called before each call.
    """
    if int(state.step[0]) >= total_steps:  # nothing is left to train, so nothing is compiled
        save(state, spent)
        return state, spent
    begun = time.monotonic()
    train, reach = source(int(state.step[0]))
    state, readout = jax.block_until_ready(advance(state, train, np.int32(0)))  # compiles, and runs no step
    spent = spent | {"compile": spent["compile"] + time.monotonic() - begun}
    step, steps, saved, trained = int(readout["step"]), 1, time.monotonic(), spent["train"]
    begun = marked = time.monotonic()

    while step < total_steps and bool(np.any(readout["active"])) and not preempted():
        if step >= reach:
            train, reach = source(step)
        launched = step
        step = min(step + steps, reach)
        state, following = advance(state, train, np.int32(step))
        progress(jax.device_get(readout))  # waits for the steps before those just launched
        readout = following
        now = time.monotonic()
        steps = _next_steps(steps, step - launched, now - marked)
        marked = now
        if now - saved >= checkpoint_seconds:
            spent = spent | {"train": trained + now - begun}
            save(state, spent)
            saved = marked = time.monotonic()

    progress(jax.device_get(readout))
    spent = spent | {"train": trained + time.monotonic() - begun}
    save(state, spent)
    return state, spent


@contextmanager
def resident(data: DataSet, total_steps: int) -> Iterator[BatchSource]:
    """The source of a data set on the device."""
    yield lambda step: (data, total_steps)


def _next_steps(steps: int, done: int, seconds: float) -> int:
    """Steps of the next call: as many as take CALL_SECONDS at the last pace, at most four times as many as before."""
    if done < steps:
        return steps
    return max(1, min(steps * 4, int(done * CALL_SECONDS / max(seconds, 1e-6))))


@contextmanager
def termination() -> Iterator[Callable[[], bool]]:
    """In this context SIGTERM only sets a flag, which the yielded function reads; the old handler is restored after."""
    flag = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield flag.is_set  # only the main thread can handle signals
        return
    former: Any = signal.signal(signal.SIGTERM, lambda *_: flag.set())
    try:
        yield flag.is_set
    finally:
        signal.signal(signal.SIGTERM, former)
