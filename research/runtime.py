"""Settings of the process, made once at start (memory, compilation cache), and the device that it runs on."""

import os
import platform
import resource
import sys
from pathlib import Path

import platformdirs

from research import heap


def prepare() -> None:
    """Make settings for a fast start and fast steps. Call it before JAX computes anything; idempotent."""
    heap.prepare()
    use_compilation_cache()


def use_compilation_cache() -> None:
    """Keep compiled programs, also small ones, in the user's cache folder or $JAX_COMPILATION_CACHE_DIR."""
    import jax

    if not jax.config.values["jax_compilation_cache_dir"]:
        folder = platformdirs.user_cache_path("receptive") / "compiled"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            return  # a read-only home: compile each time
        jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


def device_name() -> str:
    """The device in words: `CPU (Intel Xeon, 2 cores)`, `4 x NVIDIA H200`."""
    import jax

    devices = jax.devices()
    if devices[0].platform == "cpu":
        return (
            f"CPU ({_processor()}, {len(os.sched_getaffinity(0)) if sys.platform == 'linux' else os.cpu_count()} cores)"
        )
    count = f"{len(devices)} x " if len(devices) > 1 else ""
    return f"{count}{devices[0].device_kind}"


def peak_memory_bytes() -> int:
    """The most memory that this process has held resident so far."""
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def memory_bytes() -> int:
    """Total memory for arrays: the device's, or the machine's if the CPU computes; 0 where it is unknown.

    It is the total, not the free memory, so that decisions by it are the same when a run is resumed.
    """
    import jax

    known = jax.devices()[0].memory_stats() or {}
    if "bytes_limit" in known:
        return known["bytes_limit"]
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 0


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
