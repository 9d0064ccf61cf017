"""What the forecasters' races share: a made-up series, its windows, and weights, the same for every party.

A window is L steps of context and P of horizon of F channels. Ours cuts windows from the series within the step; its
peers have them ready, cut and scaled: that is the least that they can be asked for.
"""

import numpy as np

from research.bench.photos import drawn
from research.bench.workloads import Workload

GATES = 4  # blocks of columns of an LSTM, in the order input, forget, candidate, output, the same for all three parties


def series(workload: Workload) -> np.ndarray:
    """The series float32 [R, F], as long as its windows need that begin one step after another."""
    context, horizon, channels = workload.window
    rows = workload.examples + context + horizon - 1
    return np.random.default_rng(0).standard_normal((rows, channels), np.float32)


def windows(workload: Workload) -> tuple[np.ndarray, np.ndarray]:
    """Every window of the series, copied: contexts float32 [N, L, F] and horizons [N, P, F]."""
    context, horizon, _ = workload.window
    every = np.lib.stride_tricks.sliding_window_view(series(workload), context + horizon, axis=0).swapaxes(1, 2)
    return every[:, :context].copy(), every[:, context:].copy()


def leaves(workload: Workload) -> dict[str, np.ndarray]:
    """The weights by our leaf names: "head" [H, P*F], before it "lstm1" [F, 4*H] with `recurrent`, or "dense1"."""
    context, horizon, channels = workload.window
    [units] = workload.hidden
    shapes = {"head": (units, horizon * channels)}
    if workload.net == "dense":
        return drawn({"dense1": (context * channels, units)} | shapes)
    found = drawn({"lstm1": (channels, GATES * units), "state": (units, GATES * units)} | shapes)
    del found["state/bias"]
    return found | {"lstm1/recurrent": found.pop("state/kernel")}


def steps_of(workload: Workload) -> int:
    """Training steps in one step of the race: those of an epoch where that is one."""
    return -(-workload.examples // workload.batch) if workload.task == "forecast_run" else 1
