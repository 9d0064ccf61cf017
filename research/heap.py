"""How glibc's heap is kept while XLA computes on a CPU: its defaults cost a training step up to half of its time.

Elsewhere nothing is set.
"""

import contextlib
import ctypes
import functools
import os
import platform
import sys
from collections.abc import Iterator

# mallopt's parameters, from glibc's malloc.h, and madvise's advice, from Linux' mman.h.
M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8
MADV_HUGEPAGE = 14

RESERVED = 4  # a part of the machine's memory, one in so many, that the heap is extended by at once
COMPILED = 0.5  # seconds of compilation that leave gaps worth closing
GAPS = range(19, 9, -1)  # powers of two, in bytes, that gaps are filled by: smaller ones each thread keeps for itself


@functools.cache
def prepare() -> None:
    """Make the settings, and close the gaps that each compilation leaves; once in a process.

    The user's own MALLOC_ variables win over how freed memory is kept.
    """
    libc = _glibc()
    if libc is None:
        return
    if not any(name.startswith("MALLOC_") for name in os.environ):
        _keep_freed_memory(libc)
    _take_huge_pages(libc)
    if hasattr(libc, "mallinfo2"):  # glibc 2.33
        import jax

        jax.monitoring.register_event_duration_secs_listener(_after_compilation)


def _keep_freed_memory(libc: ctypes.CDLL) -> None:
    """Keep large freed blocks instead of returning them to the system.

    A step frees and takes the same large buffers; fresh pages would be faulted in one by one each time (measured on 2
    cores: 43-50 ms a step without, 28 with). All threads share one arena, for no other holds a block of over 64 MiB,
    and no block is too large for it (photos of 150 pixels, 32 at once: 500 to 1,000 ms a step without, 320 with).
    """
    libc.mallopt(M_ARENA_MAX, 1)
    libc.mallopt(M_MMAP_MAX, 0)
    libc.mallopt(M_TRIM_THRESHOLD, -1)  # never


def _take_huge_pages(libc: ctypes.CDLL) -> None:
    """Extend the heap by address space alone, whose pages, once touched, are of 2 MiB where Linux gives such on demand.

    A step's buffers fill thousands of small pages, more than a processor keeps the addresses of: 0.95 times as long a
    step of the digit CNN, 0.93 VGG16's features, 0.90 a climb on VGG16.
    """
    with contextlib.suppress(OSError, ValueError, AttributeError):
        page = os.sysconf("SC_PAGE_SIZE")
        size = os.sysconf("SC_PHYS_PAGES") * page // RESERVED
        begin = libc.malloc(size)
        if begin:
            aligned = -(-begin // page) * page
            libc.madvise(aligned, size - (aligned - begin), MADV_HUGEPAGE)
            libc.free(begin)


def _after_compilation(event: str, duration_secs: float, **_: str | int) -> None:
    libc = _glibc()
    if libc is not None and event == "/jax/core/compile/backend_compile_duration" and duration_secs >= COMPILED:
        close_gaps(libc)


def close_gaps(libc: ctypes.CDLL) -> int:
    """Take the gaps between the heap's blocks out of use, and return how many blocks of memory that took.

    A compilation leaves thousands of gaps of all sizes, and each block that a step takes is looked for along lists of
    them, by one thread at a time: a step of the digit CNN took 1.18 times as long in the process that compiled it as in
    one that found it in the cache, a climb on VGG16 1.3. What lies in the gaps goes back to the system; what is lost is
    address space. Gaps of 1 MiB and more, of which there are few, stay for what comes, in whole MiB.
    """
    found = libc.mallinfo2()
    gaps = found.free - found.top
    libc.malloc_trim(found.top)
    end = libc.realloc(libc.malloc(gaps + 1), 1) or 0  # was larger than any gap: it lies beyond the last
    if end > libc.sbrk(0):  # as the user's own settings may have it: then this thread's heap ends elsewhere
        libc.free(end)
        return 0
    large = list(_within(libc, gaps, range(gaps.bit_length(), GAPS.start, -1), end))
    filled = sum(1 for _ in _within(libc, gaps, GAPS, end))
    for block in [*large, end]:
        libc.free(block)
    return filled


def _within(libc: ctypes.CDLL, gaps: int, exponents: range, end: int) -> Iterator[int]:
    """Blocks of 2**exponent bytes in the `gaps`, bytes in all, below the address `end`, while there is room for any."""
    for exponent in exponents:
        while gaps >= 1 << exponent and (block := libc.malloc(1 << exponent)):
            if block > end:
                libc.free(block)
                break
            gaps -= 1 << exponent
            yield block


class _Malloc(ctypes.Structure):
    """glibc's struct mallinfo2, from its malloc.h."""

    _fields_ = [
        *((name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks")),
        *((name, ctypes.c_size_t) for name in ("uordblks", "free", "top")),
    ]


@functools.cache
def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux") or platform.libc_ver()[0] != "glibc":
        return None
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.realloc.restype, libc.realloc.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t]
    libc.sbrk.restype, libc.sbrk.argtypes = ctypes.c_void_p, [ctypes.c_ssize_t]
    libc.free.argtypes = [ctypes.c_void_p]
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    libc.malloc_trim.argtypes = [ctypes.c_size_t]
    if hasattr(libc, "mallinfo2"):
        libc.mallinfo2.restype = _Malloc
    return libc
