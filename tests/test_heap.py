"""glibc's heap as XLA finds it: a compilation's small gaps are closed, and blocks in use keep what they hold."""

import ctypes
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from research import heap

BLOCKS = [2000 + 61 * index % 90_000 for index in range(3000)]  # bytes


def library():
    """The C library as `prepare` uses it; None where there is no glibc 2.33 or later."""
    listeners, register = [], jax.monitoring.register_event_duration_secs_listener
    jax.monitoring.register_event_duration_secs_listener = listeners.append
    try:
        heap.prepare.__wrapped__()
    finally:
        jax.monitoring.register_event_duration_secs_listener = register
    return listeners[0].args[0] if listeners else None


def fragmented(libc):
    """Every second of `BLOCKS`, filled with sevens; between them are gaps, and one large gap at the end."""
    blocks = [libc.malloc(size) for size in BLOCKS]
    large, _ = libc.malloc(5_000_000), libc.malloc(200_000)
    for block, size in zip(blocks, BLOCKS, strict=True):
        ctypes.memset(block, 7, size)
    for block in [*blocks[::2], large]:
        libc.free(block)
    return blocks[1::2]


def gaps(libc):
    """The free bytes below the heap's top."""
    return libc.mallinfo2().free - libc.mallinfo2().top


def small_gaps_are_closed_and_blocks_in_use_keep_what_they_hold(libc):
    used = fragmented(libc)
    assert gaps(libc) > sum(BLOCKS) / 2
    heap.close_gaps(libc)
    assert gaps(libc) < sum(BLOCKS) / 4
    assert all(set(ctypes.string_at(*pair)) == {7} for pair in zip(used, BLOCKS[1::2], strict=True))


def nothing_is_taken_where_the_users_settings_put_blocks_elsewhere(libc):
    fragmented(libc)
    libc.sbrk = lambda size: 1  # the heap ends below every block
    before = libc.mallinfo2().used
    heap.close_gaps(libc)
    assert libc.mallinfo2().used < before + 1_000_000


def buffers_lie_in_huge_pages(libc):
    ctypes.memset(libc.malloc(1 << 26), 1, 1 << 26)
    smaps = Path("/proc/self/smaps").read_text().splitlines()
    assert sum(int(line.split()[1]) for line in smaps if line.startswith("AnonHugePages")) >= 1 << 15  # KiB: half


CHECKS = (
    small_gaps_are_closed_and_blocks_in_use_keep_what_they_hold,
    nothing_is_taken_where_the_users_settings_put_blocks_elsewhere,
    buffers_lie_in_huge_pages,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_in_a_process_whose_heap_no_other_test_has_shaped(check, root):
    modes = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if check is buffers_lie_in_huge_pages and (not modes.exists() or "[never]" in modes.read_text()):
        pytest.skip("this system gives no huge pages")
    if library() is None:
        pytest.skip("needs glibc 2.33 or later")
    command = [sys.executable, __file__, check.__name__]
    done = subprocess.run(command, cwd=root, env={"PYTHONPATH": str(root)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_compilation_closes_gaps_and_a_short_one_does_not(monkeypatch):
    events, closed = [], []
    jax.monitoring.register_event_duration_secs_listener(lambda event, seconds, **_: events.append(event))
    jax.jit(lambda x: x * 3.25 - 1)(1.0)
    monkeypatch.setattr(heap, "close_gaps", closed.append)
    for event in set(events):
        heap._after_compilation("libc", event, 2.0)
        heap._after_compilation("libc", event, 0.01)
    assert closed == ["libc"]  # once, of all that jax reports


if __name__ == "__main__":
    globals()[sys.argv[1]](library())
