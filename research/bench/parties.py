"""Who races: names, what each needs installed, and how each builds its work."""

from importlib.util import find_spec
from typing import NamedTuple

from research.bench.work import Work
from research.bench.workloads import Workload
from research.errors import UserError


class Party(NamedTuple):
    """A way to do a workload: `title` for the table, and the `packages` that it imports beyond our own."""

    title: str
    packages: tuple[str, ...] = ()


PARTIES = {
    "ours": Party("ours"),
    "ours_loop": Party("ours, a call a step"),
    "torch": Party("PyTorch", ("torch",)),
    "torch_channels_last": Party("PyTorch, channels last", ("torch",)),
    "keras": Party("Keras on TensorFlow", ("tensorflow", "keras")),
}


def require_installed(workloads: list[Workload]) -> None:
    """Raise UserError unless the packages of all parties of `workloads` are there."""
    needed = {package for workload in workloads for name in workload.parties for package in PARTIES[name].packages}
    missing = sorted(package for package in needed if find_spec(package) is None)
    if missing:
        raise UserError(
            f"the peers need {', '.join(missing)}: pip install 'receptive[bench]' "
            "(in a checkout: pip install -e '.[bench]')"
        )


def build(party: str, workload: Workload, *, threads: int | None, steps: int) -> Work:
    """The work of `party`. Imports its libraries, so call it in a process of the party's own."""
    if workload.task in ("features", "head", "fine_tune"):
        return _build_vgg(party, workload, threads=threads, steps=steps)
    if workload.task == "ascent":
        return _build_ascent(party, workload, threads=threads)
    if workload.task in ("forecast", "forecast_run"):
        return _build_forecast(party, workload, threads=threads, steps=steps)
    if party in ("ours", "ours_loop"):
        from research.bench import party_ours

        return party_ours.build(workload, loop=party == "ours_loop")
    if party in ("torch", "torch_channels_last"):
        from research.bench import party_torch

        return party_torch.build(workload, channels_last=party == "torch_channels_last", threads=threads)
    from research.bench import party_keras

    return party_keras.build(workload, threads=threads, steps=steps)


def _build_vgg(party: str, workload: Workload, *, threads: int | None, steps: int) -> Work:
    if party == "ours":
        from research.bench import vgg_ours

        return vgg_ours.build(workload)
    if party == "keras":
        from research.bench import vgg_keras

        return vgg_keras.build(workload, threads=threads, steps=steps)
    from research.bench import vgg_torch

    return vgg_torch.build(workload, channels_last=party == "torch_channels_last", threads=threads)


def _build_ascent(party: str, workload: Workload, *, threads: int | None) -> Work:
    if party == "ours":
        from research.bench import ascent_ours

        return ascent_ours.build(workload)
    if party == "keras":
        from research.bench import ascent_keras

        return ascent_keras.build(workload, threads=threads)
    from research.bench import ascent_torch

    return ascent_torch.build(workload, channels_last=party == "torch_channels_last", threads=threads)


def _build_forecast(party: str, workload: Workload, *, threads: int | None, steps: int) -> Work:
    if party == "ours":
        from research.bench import forecast_ours

        return forecast_ours.build(workload)
    if party == "keras":
        from research.bench import forecast_keras

        return forecast_keras.build(workload, threads=threads, steps=steps)
    from research.bench import forecast_torch

    return forecast_torch.build(workload, threads=threads)
