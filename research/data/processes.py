"""Picture files decoded by several processes through Grain: in order, in bounded memory, with nobody left behind.

Grain starts its workers by `spawn`, as it must: a fork would copy locks that threads of JAX hold. Workers hand pixels
over in files of a scratch folder and say little through their pipes: one that is killed then never leaves half a
message, which its reader would wait for.
"""

import contextlib
import functools
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from multiprocessing import resource_tracker
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from research.data.picture_files import Picture, Wanted, picture_of
from research.errors import UserError

TOGETHER = 16  # files of one message: what a worker finishes before it hears that it shall stop is one file
GOING = "going"  # a file of the scratch folder; when it is gone, so is the wish for pictures


def pictures_by_processes(
    wanted: Sequence[Wanted], size: int, gray: bool, *, workers: int, folder: Path, prefix: str
) -> Generator[Picture | str, None, None]:
    """`picture_of` each file, in order, by `workers` processes; their scratch folder is made in `folder`.

    At most 4 * `TOGETHER` pictures of each worker wait for being taken. To be closed when it is left early. Raises
    UserError when a worker is killed, and what `picture_of` and the writing of the scratch files raise.
    """
    import grain  # 0.8 s, of which JAX is half
    from absl import flags

    flags.FLAGS.mark_as_parsed()  # Grain reads flags of its own, which nobody gives: the defaults
    with tempfile.TemporaryDirectory(dir=folder, prefix=prefix, ignore_cleanup_errors=True) as scratch:
        going = Path(scratch, GOING)
        going.touch()
        task = functools.partial(_decode, wanted=wanted, size=size, gray=gray, scratch=Path(scratch))
        messages = grain.MapDataset.range(0, len(wanted), TOGETHER).map(task)
        serial = messages.to_iter_dataset(grain.ReadOptions(num_threads=0, prefetch_buffer_size=0))
        options = grain.MultiprocessingOptions(num_workers=workers, per_worker_buffer_size=1)
        before = set(multiprocessing.active_children())
        iterator = iter(serial.mp_prefetch(options, worker_init_fn=_settle))
        try:
            with _starting():
                first = list(islice(iterator, workers))
            for start, told in _concatenated(first, iterator):
                yield from _taken(Path(scratch, str(start)), told, size, 1 if gray else 3)
        except RuntimeError as error:
            if "terminated unexpectedly" not in str(error):
                raise
            raise UserError("a process that decodes pictures was killed; free some memory and run again") from error
        finally:
            going.unlink(missing_ok=True)
            iterator.close()
            for child in set(multiprocessing.active_children()) - before:  # Grain forgets those not yet heard of
                child.terminate()
                child.join()


def _concatenated(first: list[Any], rest: Iterator[Any]) -> Iterator[Any]:
    yield from first
    yield from rest


def _taken(path: Path, told: Sequence[tuple[str, str] | str], size: int, channels: int) -> Iterator[Picture | str]:
    """The pictures of one message, their pixels from the file at `path`, which goes."""
    pixels = iter(np.fromfile(path, np.uint8).reshape(-1, size, size, channels))
    path.unlink()
    for about in told:
        yield about if isinstance(about, str) else Picture(next(pixels), *about)


def _decode(start: int, wanted: Sequence[Wanted], size: int, gray: bool, scratch: Path) -> tuple[int, list[Any]]:
    """In a worker: the pixels of `TOGETHER` files from `start` on, into a file of that name; (kind, digest) or why."""
    told: list[Any] = []
    with Path(scratch, str(start)).open("wb") as file:
        for each in wanted[start : start + TOGETHER]:
            if not Path(scratch, GOING).exists():
                break
            found = picture_of(each, size, gray)
            if isinstance(found, Picture):
                file.write(found.pixels.data)
            told.append(found if isinstance(found, str) else (found.kind, found.digest))
    return start, told


def _settle(index: int, count: int) -> None:
    """In a worker, first: what decoders warn of is silenced, and it ends when its parent does, however that ended."""
    warnings.simplefilter("ignore")
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


@contextlib.contextmanager
def _starting() -> Iterator[None]:
    """Workers that start in here do not run the user's script a second time, and leave Ctrl-C to this process.

    `spawn` imports the file of `__main__` in every child: without the customary guard that starts all over again. The
    mask of signals is inherited, by threads and by processes; Ctrl-C is delivered here when the workers stand.
    """
    resource_tracker.ensure_running()  # by itself it would unblock the signal in the thread that starts a worker
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
