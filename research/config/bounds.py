"""What all parts of a configuration share: how values are bounded, and that unknown fields are refused."""

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
    """What all parts of a configuration share: fields that are not known are refused, and so are NaN and infinity."""

    __pydantic_config__: ClassVar = pydantic.ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)
