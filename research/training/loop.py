"""The host's side of training: launch, look at what came back, save now and then, stop when told.

The host never waits for the call that it just launched: it launches the next stretch of steps and then reads the
readout of the one before. How many steps a call covers is set by the clock, which has no influence on the numbers.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax
import numpy as np

from research.training.program import Advance, Plan, Readout
from research.training.state import NEVER, DataSet, TrainState, Window, active

Supply = Callable[[int], tuple[DataSet | Window, int]]  # step -> examples for it and on, up to another step

CALL_SECONDS = 0.5  # aimed at: short enough for a live progress bar and a prompt answer to SIGTERM


class Clock(NamedTuple):
    """Seconds spent, kept over resumes."""

    compile: float = 0.0
    train: float = 0.0


class Outcome(NamedTuple):
    """Where a training ended, and how (see `status`)."""

    state: TrainState
    status: str
    clock: Clock


class Watchers(NamedTuple):
    """What the loop tells, and asks: `progress(readout)`, `save(state, clock)`, `preempted() -> bool`."""

    progress: Callable[[Readout], None]
    save: Callable[[TrainState, Clock], None]
    preempted: Callable[[], bool]


def train(
    state: TrainState,
    supply: Supply,
    validation: DataSet | None,
    advance: Advance,
    plan: Plan,
    watchers: Watchers,
    *,
    clock: Clock,
    checkpoint_seconds: float,
) -> Outcome:
    """Run `advance` from `state` to the end of the plan, or until early stopping, divergence or preemption.

    `supply(step)` gives the examples of the steps from `step` on, and the step that they do not reach any more.
    """
    if int(state.step) >= plan.total_steps:  # nothing is left to train, nor to compile
        watchers.save(state, clock)
        return Outcome(state, status(state, plan), clock)
    begun = time.monotonic()
    train_set, reach = supply(int(state.step))
    state, readout = jax.block_until_ready(advance(state, train_set, validation, np.int32(0)))  # compiles, no step
    clock = clock._replace(compile=clock.compile + time.monotonic() - begun)
    step, stretch, saved, trained = int(readout.step), 1, time.monotonic(), clock.train
    begun = marked = time.monotonic()

    while step < plan.total_steps and bool(np.any(readout.running)) and not watchers.preempted():
        if step >= reach:
            train_set, reach = supply(step)
        launched = step
        step = min(step + stretch, reach)
        state, following = advance(state, train_set, validation, np.int32(step))
        watchers.progress(jax.device_get(readout))  # waits for the stretch before the one just launched
        readout = following
        now = time.monotonic()
        stretch = _next_stretch(stretch, step - launched, now - marked)
        marked = now
        if now - saved >= checkpoint_seconds:
            clock = clock._replace(train=trained + now - begun)
            watchers.save(state, clock)
            saved = marked = time.monotonic()

    watchers.progress(jax.device_get(readout))
    clock = clock._replace(train=trained + time.monotonic() - begun)
    watchers.save(state, clock)
    return Outcome(state, status(state, plan), clock)


def whole(examples: DataSet, plan: Plan) -> Supply:
    """The supply of a set that lies on the device."""
    return lambda step: (examples, plan.total_steps)


def windows(blocks: Iterator[tuple[Window, int]]) -> Supply:
    """The supply of a set that comes block by block: each a window, and the step that it does not reach any more."""
    return lambda step: next(blocks)


def _next_stretch(stretch: int, steps: int, seconds: float) -> int:
    """Steps of the next call: what would take CALL_SECONDS at the pace just seen, growing at most fourfold."""
    if steps < stretch:
        return stretch
    return max(1, min(stretch * 4, int(steps * CALL_SECONDS / max(seconds, 1e-6))))


def status(state: TrainState, plan: Plan) -> str:
    """ "preempted" if any seed still trains; else "diverged" if any did, "stopped early" if all did, or "finished"."""
    each = jax.device_get(state.each)
    if active(each).any() and int(state.step) < plan.total_steps:
        return "preempted"
    if (each.diverged != NEVER).any():
        return "diverged"
    return "stopped early" if each.stopped.all() else "finished"


@contextmanager
def termination() -> Iterator[Callable[[], bool]]:
    """Within it SIGTERM only raises a flag, which the yielded function reads; the former handler comes back after."""
    flag = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield flag.is_set  # signals cannot be handled here; whoever runs the main thread decides
        return
    former: Any = signal.signal(signal.SIGTERM, lambda *_: flag.set())
    try:
        yield flag.is_set
    finally:
        signal.signal(signal.SIGTERM, former)
