"""Live progress: a bar with rate and time left on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from research.report.formats import seconds

PLAIN_SECONDS = 5.0  # least time between two plain lines
PACE_SECONDS = 600.0  # a bar's pace is that of so long a time, since one filter can take a minute

Show = Callable[[int, Mapping[str, float]], None]
Count = Callable[[str, int, int | None], None]  # (title, number done, total if known)


@contextmanager
def training_progress(title: str, done: int, total: int, steps_per_epoch: int) -> Iterator[Show]:
    """In this context `show(step, metrics)` updates the display; `metrics` are those of the running epoch."""
    if sys.stderr.isatty():
        with _bar() as bar:
            task = bar.add_task(title, total=total, completed=done, rate="compiling", facts="")
            pace = _Pace(done)

            def show(step: int, metrics: Mapping[str, float]) -> None:
                rate = pace.rate(step)
                facts = f"epoch {_epoch(step, steps_per_epoch)} {_words(metrics)}"
                bar.update(task, completed=step, rate=f"{rate:.0f}/s", facts=facts)

            yield show
    else:
        yield _plain(title, done, total, steps_per_epoch)


class _Pace:
    """Steps per second since the first call, which comes after compilation."""

    def __init__(self, done: int) -> None:
        self.done, self.started = done, 0.0

    def rate(self, step: int) -> float:
        self.started = self.started or time.monotonic()
        return max(step - self.done, 1e-9) / max(time.monotonic() - self.started, 1e-9)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(16), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    console = Console(stderr=True)
    return Progress(*columns, TimeRemainingColumn(compact=True), TextColumn("{task.fields[facts]}"), console=console)


def _plain(title: str, done: int, total: int, steps_per_epoch: int) -> Show:
    pace, last = _Pace(done), time.monotonic()

    def show(step: int, metrics: Mapping[str, float]) -> None:
        nonlocal last
        rate, now = pace.rate(step), time.monotonic()
        if step == done:
            last = now
        if step == done or (now - last < PLAIN_SECONDS and step < total):
            return
        left, last = (total - step) / rate, now
        epoch = _epoch(step, steps_per_epoch)
        line = f"{title}  step {step}/{total}  epoch {epoch}  {_words(metrics)}  {rate:.0f} steps/s  {left:.0f} s left"
        print(line, file=sys.stderr, flush=True)

    return show


def _epoch(step: int, steps_per_epoch: int) -> int:
    return max(0, step - 1) // steps_per_epoch + 1


def _words(metrics: Mapping[str, float]) -> str:
    return " ".join(f"{name} {value:.4f}" for name, value in metrics.items())


@contextmanager
def counting(unit: str) -> Iterator[Count]:
    """In this context `count(what, done, total)` updates a bar for each `what`; plain lines off a terminal."""
    if not sys.stderr.isatty():
        yield _plain_count(unit)
        return
    numbers = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(16), numbers, TimeRemainingColumn(compact=True))
    with Progress(*columns, console=Console(stderr=True), speed_estimate_period=PACE_SECONDS) as bar:
        tasks: dict[str, TaskID] = {}

        def count(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total, completed=done)
            bar.update(tasks[what], completed=done, total=total)

        yield count


def _plain_count(unit: str) -> Count:
    last, paces = 0.0, {}

    def count(what: str, done: int, total: int | None) -> None:
        nonlocal last
        rate = paces.setdefault(what, _Pace(done)).rate(done)
        if done == total or time.monotonic() - last > PLAIN_SECONDS:
            last = time.monotonic()
            left = (
                "" if total is None or done in (paces[what].done, total) else f"  {seconds((total - done) / rate)} left"
            )
            of = "?" if total is None else f"{total:,}"
            print(f"{what}  {done:,} of {of} {unit}{left}", file=sys.stderr, flush=True)

    return count
