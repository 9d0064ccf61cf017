"""glibc's heap while XLA computes on a CPU: freed memory is reused, lies in 2 MiB pages, and has no small gaps.

With glibc's defaults a training step takes up to twice as long. Without glibc nothing is set. The user's own
MALLOC_ variables take precedence for reuse.
"""

import ctypes
import functools
import mmap
import os
import platform

M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8  # from malloc.h
COMPILED = 0.5  # seconds of a compilation that leaves gaps worth closing
SMALL, LARGE = 10, 20  # gaps of 2**10 to 2**20 bytes are closed: threads cache smaller ones, larger ones are few


class _Malloc(ctypes.Structure):  # struct mallinfo2 of malloc.h
    _fields_ = [(name, ctypes.c_size_t) for name in ("arena", *"abcdef", "used", "free", "top")]


@functools.cache
def prepare() -> ctypes.CDLL | None:
    """Set up the heap, once per process. Returns the C library where gaps are closed, which takes glibc 2.33."""
    if platform.libc_ver()[0] != "glibc":
        return None
    libc = ctypes.CDLL(None)
    libc.malloc.restype = libc.valloc.restype = libc.realloc.restype = libc.sbrk.restype = ctypes.c_void_p
    libc.malloc.argtypes, libc.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
    libc.realloc.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    if not any(name.startswith("MALLOC_") for name in os.environ):
        for parameter, value in ((M_ARENA_MAX, 1), (M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, -1)):  # -1: never
            libc.mallopt(parameter, value)
    quarter = ctypes.c_size_t(os.sysconf("SC_PHYS_PAGES") * mmap.PAGESIZE // 4)  # of memory: address space alone
    if begin := libc.valloc(quarter):
        libc.madvise(ctypes.c_void_p(begin), quarter, mmap.MADV_HUGEPAGE)
        libc.free(begin)
    if not hasattr(libc, "mallinfo2"):
        return None
    import jax

    libc.mallinfo2.restype = _Malloc
    jax.monitoring.register_event_duration_secs_listener(functools.partial(_after_compilation, libc))
    return libc


def _after_compilation(libc: ctypes.CDLL, event: str, duration_secs: float, **_: str | int) -> None:
    if event == "/jax/core/compile/backend_compile_duration" and duration_secs >= COMPILED:
        close_gaps(libc)


def release_gaps() -> None:
    """Give the memory in the gaps between blocks back to the system. A program's first run may leave a large one."""
    if libc := prepare():
        libc.malloc_trim(ctypes.c_size_t(libc.mallinfo2().top))


def close_gaps(libc: ctypes.CDLL) -> None:
    """Fill the small gaps between blocks with blocks that stay: malloc would search thousands of gaps at each step."""
    heap, large = libc.mallinfo2(), []
    gaps = heap.free - heap.top
    libc.malloc_trim(ctypes.c_size_t(heap.top))  # the memory in the gaps goes back to the system
    end = libc.realloc(libc.malloc(gaps + 1), 1)  # was larger than any gap: it lies beyond the last one
    for exponent in range(gaps.bit_length(), SMALL - 1, -1) if end and end < libc.sbrk(0) else ():
        while gaps >> exponent:
            if not (block := libc.malloc(1 << exponent)) or block > end:
                libc.free(block)
                break
            gaps -= 1 << exponent
            large += [block] if exponent >= LARGE else []
    for block in [*large, end]:
        libc.free(block)
