"""glibc's heap as XLA is to find it: what a compilation leaves is closed, and what is in use stays as it is."""

import subprocess
import sys
from pathlib import Path

import pytest

from research import heap

GLIBC = heap._glibc()
pytestmark = pytest.mark.skipif(GLIBC is None or not hasattr(GLIBC, "mallinfo2"), reason="needs glibc 2.33 or later")


def in_a_process(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()


FRAGMENTED = """
import ctypes
from research import heap
libc = heap._glibc()
heap._keep_freed_memory(libc)
sizes = [2000 + 61 * place % 90_000 for place in range(3000)]
blocks = [libc.malloc(size) for size in sizes]
for block, size in zip(blocks, sizes):
    ctypes.memset(block, 7, size)
large = libc.malloc(5_000_000)
kept = libc.malloc(200_000)
for block in [*blocks[::2], large]:
    libc.free(block)
before = libc.mallinfo2()
"""


def test_gaps_are_closed_but_for_large_ones_and_blocks_in_use_keep_what_they_hold():
    whole, gaps, left, filled, alike, reused = in_a_process(
        FRAGMENTED
        + """
filled = heap.close_gaps(libc)
after = libc.mallinfo2()
held = all(set(ctypes.string_at(block, size)) == {7} for block, size in zip(blocks[1::2], sizes[1::2]))
again = libc.malloc(4_000_000)
print(sum(sizes), before.free - before.top, after.free - after.top, filled, held, large <= again < large + 5_000_000)
"""
    )
    assert int(gaps) > int(whole) / 2
    assert 4 << 20 <= int(left) < (4 << 20) + 1024 * 3000  # of the large one; of the others less than the least block
    assert int(filled) > 1500
    assert (alike, reused) == ("True", "True")


def test_pages_of_closed_gaps_go_back_to_the_system():
    before, after = in_a_process(
        FRAGMENTED
        + """
resident = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096
held = resident()
heap.close_gaps(libc)
print(held, resident())
"""
    )
    assert int(after) < int(before) - 30_000_000


def test_a_heap_in_pieces_is_left_after_as_many_bytes_as_its_gaps_have():
    """Where blocks beyond the end come at lower addresses, nothing else would end the filling."""

    class Downward:
        free = staticmethod(lambda block: None)
        place = 1 << 40

        def malloc(self, size):
            self.place -= size
            return self.place

    assert sum(1 for _ in heap._within(Downward(), 10_000, heap.GAPS, end=1 << 40)) == 2  # 8192 + 1024, and no more
    assert not list(heap._within(Downward(), 10_000, heap.GAPS, end=0))


@pytest.mark.parametrize("variable", ["MALLOC_ARENA_MAX=4", "MALLOC_MMAP_THRESHOLD_=65536"])
def test_with_the_users_own_settings_no_more_is_taken_time_after_time(variable, monkeypatch):
    monkeypatch.setenv(*variable.split("="))
    first, later = in_a_process(
        """
import threading
from research import heap
heap.prepare()
libc = heap._glibc()
taken = lambda: int(open("/proc/self/statm").read().split()[0]) * 4096
def close():
    blocks = [libc.malloc(size) for size in range(2000, 60_000, 7)]
    for block in blocks[::2]:
        libc.free(block)
    heap.close_gaps(libc)
    for block in blocks[1::2]:
        libc.free(block)
def each():
    thread = threading.Thread(target=close)
    thread.start()
    thread.join()
each()
first = taken()
for _ in range(4):
    each()
print(first, taken())
"""
    )
    assert int(later) < int(first) + 400_000_000


def test_a_compilation_closes_gaps_and_its_cached_result_does_not(monkeypatch):
    closed = []
    monkeypatch.setattr(heap, "close_gaps", closed.append)
    heap._after_compilation("/jax/core/compile/backend_compile_duration", 2.0)
    heap._after_compilation("/jax/core/compile/backend_compile_duration", 0.01)
    heap._after_compilation("/jax/core/compile/jaxpr_trace_duration", 2.0)
    assert len(closed) == 1


def test_xla_tells_of_its_compilations_by_that_name():
    [told] = in_a_process(
        """
import jax
from research import heap
heap.COMPILED = 0
told = []
heap.close_gaps = told.append
heap.prepare()
heap.prepare()
jax.jit(lambda x: x + 1)(1.0)
print(len(told) > 0)
"""
    )
    assert told == "True"


def test_buffers_lie_in_huge_pages_where_the_system_gives_them():
    modes = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not modes.exists() or "[never]" in modes.read_text():
        pytest.skip("this system gives no huge pages")
    [found] = in_a_process(
        """
import ctypes
from research import heap
heap.prepare()
libc = heap._glibc()
ctypes.memset(libc.malloc(1 << 26), 1, 1 << 26)
print(sum(int(line.split()[1]) for line in open("/proc/self/smaps") if line.startswith("AnonHugePages")))
"""
    )
    assert int(found) >= 1 << 15  # KiB: half of the 64 MiB at least
