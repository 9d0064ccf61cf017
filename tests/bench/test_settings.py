"""The settings decide what the user's shell would, and impossible ones are refused."""

import pytest

from research.bench.settings import KEEP_MEMORY, available_cores, environment_for, has_bfloat16, settings
from research.cli.bench import bench
from research.errors import UserError


@pytest.mark.parametrize("flags", [["--threads", "0"], ["--threads", str(available_cores() + 1)], ["--rounds", "0"]])
def test_impossible_conditions_are_mistakes(flags):
    with pytest.raises(UserError, match=flags[0]):
        bench(["scan_vs_loop", *flags])


def test_the_settings_decide_what_the_shell_would():
    best, plain = settings(None)
    shell = {"PATH": "p", "MALLOC_TRIM_THRESHOLD_": "1", "OMP_NUM_THREADS": "1", "XLA_FLAGS": "x"}
    shell["GLIBC_TUNABLES"] = "glibc.malloc.arena_max=1"
    assert (best.threads, plain.threads) == (available_cores(), None)
    for setting, allocator in ((best, KEEP_MEMORY), (plain, {})):
        given = environment_for(setting, shell)
        assert {name: given[name] for name in given if name.startswith(("MALLOC_", "GLIBC_"))} == allocator
        assert given["PATH"] == "p"
        assert "OMP_NUM_THREADS" not in given and "XLA_FLAGS" not in given
        assert given["JAX_ENABLE_COMPILATION_CACHE"] == "false"  # or compilation would be shown as next to nothing


def test_bfloat16_is_known_by_the_processors_flags(tmp_path):
    file = tmp_path / "cpuinfo"
    file.write_text("flags\t\t: fpu avx512f avx512_bf16 fsrm\n")
    assert has_bfloat16(file)
    file.write_text("flags\t\t: fpu avx512f fsrm\n")
    assert not has_bfloat16(file)
    assert not has_bfloat16(tmp_path / "missing")
