"""`bench.py [WORKLOAD...]`: races of workloads against PyTorch, Keras, ONNX Runtime, OpenVINO and attacks' tools."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from research.bench.race import race
from research.bench.settings import Setting, has_bfloat16, machine, settings
from research.bench.workloads import ATTACKS, Workload, in_float32, pick, require_installed, within_extra
from research.command_line import parse
from research.errors import UserError
from research.files import write_json


@dataclass(frozen=True)
class Flags:
    """What to time, and under which conditions."""

    workloads: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="[WORKLOAD...]")] = ()
    """Names of workloads, as listed above; by default all of them."""
    rounds: int = 5
    """Turns that each peer takes."""
    steps: int | None = None
    """Steps of a turn (filters of an ascent, epochs of a whole run, pictures of an attack); by default about a second
    of work."""
    threads: int | None = None
    """Cores that each peer may use at its best settings; by default all."""
    json: Path | None = None
    """A JSON file for all measurements."""


def bench(arguments: Sequence[str]) -> int:
    """Time training, inference, ascent and attack against other libraries, all on this machine's CPU, taking turns.

    They are PyTorch and Keras, and for VGG16's features ONNX Runtime and OpenVINO, too; for the one-pixel attack,
    torchattacks and ART, for which pip install --no-deps torchattacks adversarial-robustness-toolbox. The workloads are
    mnist_cnn_step, mnist_cnn_forward, mnist_dense_step, scan_vs_loop, vgg16_features_150, vgg16_features_224,
    head_epoch, fine_tune_block5, ascent_mnist_cnn, ascent_squeezenet_fire5, ascent_vgg16_block2, lstm_step, dense_run,
    table_ensemble, one_pixel_speed and one_pixel_success.

    Ratios are our time over theirs: below 1, ours is faster.
    """
    flags = parse(Flags, arguments, about=bench.__doc__ or "")
    workloads, conditions = pick(flags.workloads), settings(flags.threads)
    if flags.rounds < 1 or (flags.steps is not None and flags.steps < 1):
        raise UserError("--rounds and --steps must be 1 or more")
    if not flags.workloads:
        workloads = _within_extra(workloads)
    require_installed(workloads)
    if not has_bfloat16():
        print("this processor multiplies no bfloat16: peers that would are left out", file=sys.stderr)
        workloads = [in_float32(workload) for workload in workloads]
    from rich.console import Console

    from research.bench.tables import rendered

    report: dict[str, Any] = {"machine": machine(), "rounds": flags.rounds, "workloads": {}}
    for workload in workloads:
        races = {setting.name: _raced(workload, setting, flags) for setting in conditions}
        Console(width=80).print(rendered(workload, races))
        report["workloads"][workload.name] = races
        if flags.json is not None:
            write_json(flags.json, report)  # after each, so that an interrupted run keeps its results
    return 0


def _within_extra(workloads: Sequence[Workload]) -> list[Workload]:
    """`workloads` that the extra `bench` suffices for; the others are named."""
    kept = within_extra(workloads)
    away = [workload.name for workload in workloads if workload not in kept]
    if away:
        print(f"left out: {', '.join(away)}; pip install {ATTACKS} for them", file=sys.stderr)
    return kept


def _raced(workload: Workload, setting: Setting, flags: Flags) -> dict[str, Any]:
    from research.bench.tables import summarized  # imports jax, which --help and mistakes need not wait for

    steps = flags.steps or workload.steps
    with _status_line(f"{workload.name}, {setting.title}") as progress:
        seen = race(workload, setting, rounds=flags.rounds, steps=steps, progress=progress)
    return summarized(workload, setting, seen)


@contextmanager
def _status_line(title: str) -> Iterator[Callable[[str], None]]:
    """In this context a status line: rewritten in place on a terminal, erased at the end; elsewhere one plain line."""
    if not sys.stderr.isatty():
        print(f"{title} ...", file=sys.stderr, flush=True)
        yield lambda doing: None
        return
    erase = "\r\033[K"
    try:
        yield lambda doing: print(f"{erase}{title}: {doing}", end="", file=sys.stderr, flush=True)
    finally:
        print(erase, end="", file=sys.stderr, flush=True)
