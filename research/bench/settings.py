"""The conditions of a race, at best or out of the box, and the machine."""

import os
import platform
from pathlib import Path
from typing import Any, NamedTuple

from research.errors import UserError

# Keep freed memory in the process: without, glibc returns large buffers and each step faults its pages in again. One
# arena, because those of all threads but the first hold no block of over 64 MiB (adding 1 to 256 MiB: 94 ms, not 16).
# Pages of 2 MiB make address translation of a step's buffers faster.
KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 32),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 33),
    "MALLOC_ARENA_MAX": "1",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}

# Variables that the user's shell may set; the benchmark sets them itself, equally for every peer.
OWN = (
    "MALLOC_",
    "GLIBC_",
    "OMP_",
    "MKL_",
    "KMP_",
    "GOMP_",
    "XLA_FLAGS",
    "TF_",
    "KERAS_",
    "TORCH_",
    "NPROC",
    "LD_PRELOAD",
)


class Setting(NamedTuple):
    """The conditions for all peers; with `threads` None each peer chooses its threads."""

    name: str
    title: str
    environment: dict[str, str]
    threads: int | None


def settings(threads: int | None) -> list[Setting]:
    """Both settings, the best with `threads` (all cores without); UserError for more threads than there are cores."""
    cores = available_cores()
    if threads is not None and not 1 <= threads <= cores:
        raise UserError(f"--threads {threads} does not fit this machine; choose 1 to {cores}")
    best = Setting("best_settings", "best settings", KEEP_MEMORY, threads or cores)
    return [best, Setting("out_of_the_box", "out of the box", {}, None)]


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pin_cores(threads: int | None) -> None:
    """Keep this process on the first `threads` of its cores, before a library counts them; None leaves it free.

    It is the only way that also limits XLA, which has no option for its number of threads.
    """
    if threads is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def environment_for(setting: Setting, inherited: dict[str, str]) -> dict[str, str]:
    """The environment variables of a peer: `inherited` without those that tune such libraries, plus the setting's.

    All run on the CPU, even on a machine with accelerators. Our compilation cache starts empty.
    """
    inherited = {name: value for name, value in inherited.items() if not name.startswith(OWN)}
    alike = {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "", "JAX_ENABLE_COMPILATION_CACHE": "false"}
    return inherited | alike | setting.environment


def has_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor multiplies bfloat16, as Linux has it in `cpuinfo`; False on other systems."""
    words = cpuinfo.read_text().split() if cpuinfo.exists() else ()
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(words)


def machine() -> dict[str, Any]:
    """Cores, whether they multiply bfloat16, system, Python and the load average right now, as plain JSON."""
    return {
        "cores": available_cores(),
        "bfloat16": has_bfloat16(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": os.getloadavg(),
    }
