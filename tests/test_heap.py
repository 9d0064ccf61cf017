"""glibc's heap as XLA finds it: a compilation's small gaps are closed, and blocks in use keep what they hold."""

import ctypes
import mmap
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from research import heap

BLOCKS = [2000 + 61 * index % 90_000 for index in range(3000)]  # bytes
MODES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def close_gaps_between_blocks(libc):
    """Every second block is in use and full of sevens. Returns the bytes taken, and the blocks (address, bytes)."""
    blocks = [(libc.malloc(size), size) for size in BLOCKS]
    large, _ = libc.malloc(sum(BLOCKS)), libc.malloc(200_000)
    for block, size in blocks:
        ctypes.memset(block, 7, size)
    for block in [large, *dict(blocks[::2])]:
        libc.free(block)
    before = libc.mallinfo2().used
    heap.close_gaps(libc)
    return libc.mallinfo2().used - before, blocks[1::2]


def small_gaps_are_closed(libc):
    taken, used = close_gaps_between_blocks(libc)
    assert sum(BLOCKS) / 4 < taken < sum(BLOCKS)  # the one large gap stays
    assert all(set(ctypes.string_at(*block)) == {7} for block in used)


def the_memory_of_gaps_is_given_back(libc):
    gap, _ = libc.malloc(1 << 28), libc.malloc(200_000)
    ctypes.memset(gap, 1, 1 << 28)
    libc.free(gap)
    before = resident()
    heap.release_gaps()
    assert before - resident() > 1 << 27


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


def nothing_is_taken_elsewhere(libc):
    libc.sbrk = lambda size: 1  # the user's settings put blocks elsewhere: the heap ends below every block
    assert close_gaps_between_blocks(libc)[0] < 1_000_000


def buffers_lie_in_huge_pages(libc):
    ctypes.memset(libc.malloc(1 << 26), 1, 1 << 26)
    smaps = Path("/proc/self/smaps").read_text().splitlines()
    assert sum(int(line.split()[1]) for line in smaps if line.startswith("AnonHugePages")) >= 1 << 15  # KiB: half


@pytest.mark.slow
@pytest.mark.parametrize(
    "check",
    [small_gaps_are_closed, the_memory_of_gaps_is_given_back, nothing_is_taken_elsewhere, buffers_lie_in_huge_pages],
)
def test_in_a_process_whose_heap_no_other_test_has_shaped(check, root):
    if check is buffers_lie_in_huge_pages and (not MODES.exists() or "[never]" in MODES.read_text()):
        pytest.skip("this system gives no huge pages")
    if heap.prepare() is None:
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
    globals()[sys.argv[1]](heap.prepare())
