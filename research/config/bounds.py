"""What all parts of a configuration share: bounds of values, and the refusal of unknown fields."""

import dataclasses
from typing import Annotated, ClassVar

import pydantic
from annotated_types import Interval, MinLen

Share = Annotated[float, Interval(ge=0.0, lt=1.0)]
Accuracy = Annotated[float, Interval(ge=0.0, le=1.0)]
Positive = Annotated[int, Interval(gt=0, le=2**31 - 1)]
Width = Annotated[int, Interval(gt=0, le=2**16)]
Widths = Annotated[tuple[Width, ...], MinLen(1)]
Epochs = Annotated[int, Interval(ge=0, le=10**6)]
Seed = Annotated[int, Interval(ge=0, lt=2**31)]
# It becomes the name of a folder: letters, digits, and . _ - within, so that no name leads elsewhere.
Name = Annotated[str, pydantic.StringConstraints(pattern=r"^\w[\w.-]{0,99}$")]


class Section:
    """A part of a configuration: unknown fields, NaN and infinity are refused."""

    __pydantic_config__: ClassVar = pydantic.ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)


@dataclasses.dataclass(frozen=True)
class Source(Section):
    """Where the data of an experiment comes from; each kind of data adds its own fields."""

    source: str = ""
    root: str | None = None
