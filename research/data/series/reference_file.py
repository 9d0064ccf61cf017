"""A reference as the bytes of an .npz file, and back. Nothing is pickled."""

import io
from typing import get_args

import numpy as np

from research.data.series.archives import BROKEN
from research.data.series.profiles import Kind, Shape, Statistic
from research.data.series.reference import Reference
from research.errors import UserError


def reference_bytes(reference: Reference) -> bytes:
    """`reference` as the content of an .npz file, the same for the same numbers."""
    file = io.BytesIO()
    np.savez(
        file,
        opening=np.zeros(0, bool) if reference.opening is None else reference.opening,
        names=np.array(reference.names),
        step=reference.step,
        kind=np.array(reference.shape.kind),
        blend=reference.shape.blend,
        statistic=np.array(reference.shape.statistic),
        smooth=reference.shape.smooth,
        table=reference.table,
        spread=reference.spread,
    )
    return file.getvalue()


def reference_from_bytes(content: bytes, where: str) -> Reference:
    """The reference in `content`, exactly as `reference_bytes` was given it.

    Raises UserError, naming `where`, for anything else.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            found = {name: archive[name] for name in ("names", "step", "table", "spread", *Shape._fields)}
            opening = archive["opening"] if "opening" in archive.files and archive["opening"].size else None
        names = tuple(str(name) for name in found["names"])
        table, spread = found["table"].astype(np.float64), found["spread"].astype(np.float64)
        kind: Kind | None = next((one for one in get_args(Kind) if one == found["kind"]), None)
        statistic: Statistic | None = next((one for one in get_args(Statistic) if one == found["statistic"]), None)
        if kind is None or statistic is None or table.shape[::2] != spread.shape or len(names) != len(table):
            raise ValueError("its arrays do not belong together")
        shape = Shape(kind, float(found["blend"]), statistic, float(found["smooth"]))
        step = found["step"]  # of runs from before there were steps of months a number, of seconds
        step = step[()] if step.dtype.kind == "m" else np.timedelta64(int(step), "s")
        return Reference(names, step, shape, table, spread, opening)
    except (*BROKEN, KeyError) as error:
        raise UserError(f"{where} holds no reference of series; restore it, or train again") from error
