"""The base of all parts of a configuration: bounds of values, and the refusal of unknown fields."""

import dataclasses
from typing import Annotated, ClassVar

import pydantic
import tyro
from annotated_types import Interval, MinLen

Share = Annotated[float, Interval(ge=0.0, lt=1.0)]
Accuracy = Annotated[float, Interval(ge=0.0, le=1.0)]
Positive = Annotated[int, Interval(gt=0, le=2**31 - 1)]
Width = Annotated[int, Interval(gt=0, le=2**16)]
Widths = Annotated[tuple[Width, ...], MinLen(1)]
Epochs = Annotated[int, Interval(ge=0, le=10**6)]
Seed = Annotated[int, Interval(ge=0, lt=2**31)]
# A folder's name: letters and digits, and . _ - inside, so that no name points to another folder.
Name = Annotated[str, pydantic.StringConstraints(pattern=r"^\w[\w.-]{0,99}$")]


class Section:
    """A part of a configuration: unknown fields, NaN and infinity are refused."""

    __pydantic_config__: ClassVar = pydantic.ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)


@dataclasses.dataclass(frozen=True)
class RunConfig(Section):
    """What a run directory holds as config.json: the base of families of kinds, such as `Experiment`.

    A kind is a frozen subclass of its family; its tag `kind` tells it apart in JSON.
    """

    name: Name
    """Names the run directory, the record and the report."""
    seed: Seed = 0
    """The first seed."""
    seeds: Annotated[int, Interval(gt=0, le=10**4)] = 1
    """Number of seeds, from `seed` upwards; with several, metrics have mean, std and 95% interval."""
    kind: Annotated[str, tyro.conf.Suppress] = ""


@dataclasses.dataclass(frozen=True)
class Source(Section):
    """The source of an experiment's data; each kind of data adds its own fields."""

    source: str = ""
    root: str | None = None
