"""glibc's heap as XLA finds it: a compilation's small gaps are closed, and blocks in use keep what they hold."""

import ctypes
from pathlib import Path

import jax
import pytest

from research import heap

BLOCKS = [2000 + 61 * place % 90_000 for place in range(3000)]  # bytes


@pytest.fixture
def libc(monkeypatch):
    """The C library as `prepare` uses it."""
    found = []
    monkeypatch.setattr(jax.monitoring, "register_event_duration_secs_listener", found.append)
    heap.prepare.__wrapped__()
    if not found:
        pytest.skip("needs glibc 2.33 or later")
    return found[0].args[0]


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
    """The free bytes below the heap's top; other tests of this process may have left large gaps, which stay."""
    return libc.mallinfo2().free - libc.mallinfo2().top


def test_small_gaps_are_closed_and_blocks_in_use_keep_what_they_hold(libc):
    used = fragmented(libc)
    before = gaps(libc)
    heap.close_gaps(libc)
    assert gaps(libc) < before - sum(BLOCKS) / 4
    assert all(set(ctypes.string_at(*pair)) == {7} for pair in zip(used, BLOCKS[1::2], strict=True))


def test_nothing_is_taken_where_the_users_settings_put_blocks_elsewhere(libc, monkeypatch):
    fragmented(libc)
    monkeypatch.setattr(libc, "sbrk", lambda size: 1)  # the heap ends below every block
    before = libc.mallinfo2().used
    heap.close_gaps(libc)
    assert libc.mallinfo2().used < before + 1_000_000


def test_a_compilation_closes_gaps_and_a_short_one_does_not(monkeypatch):
    events, closed = [], []
    jax.monitoring.register_event_duration_secs_listener(lambda event, seconds, **_: events.append(event))
    jax.jit(lambda x: x * 3.25 - 1)(1.0)
    monkeypatch.setattr(heap, "close_gaps", closed.append)
    for event in set(events):
        heap._after_compilation("libc", event, 2.0)
        heap._after_compilation("libc", event, 0.01)
    assert closed == ["libc"]  # once, of all that jax reports


def test_buffers_lie_in_huge_pages_where_the_system_gives_them(libc):
    modes = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not modes.exists() or "[never]" in modes.read_text():
        pytest.skip("this system gives no huge pages")
    ctypes.memset(libc.malloc(1 << 26), 1, 1 << 26)
    smaps = Path("/proc/self/smaps").read_text().splitlines()
    assert sum(int(line.split()[1]) for line in smaps if line.startswith("AnonHugePages")) >= 1 << 15  # KiB: half
