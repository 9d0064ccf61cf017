"""The content of a microscope page, as plain values: layers, filters, tested hypotheses and saliency maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Status = Literal["alive", "revived", "from a patch", "dead"]


@dataclass(frozen=True, eq=False)
class Patch:
    """A crop of a real picture that excites a filter.

    image    uint8 [h, w, 1 or 3]
    value    the filter's activation there
    source   the picture from which it is cropped, in words
    """

    image: np.ndarray
    value: float
    source: str


@dataclass(frozen=True, eq=False)
class FilterView:
    """One filter; empty fields are left out of its card.

    index        its number in the layer, from 0
    status       "revived": found by its pre-activation; "from a patch": noise led nowhere, so the ascent began at a
                 real picture; "dead": no ascent excites it, and no exemplar is shown
    score        the activation that its exemplar reaches, a mean over all positions
    exemplar     uint8 [H, W, 1 or 3]; None only for a dead filter
    variants     the diversity set, uint8 [K, H, W, 1 or 3]
    near_field   the exemplar of one neuron at the size of its receptive field, uint8 [h, w, 1 or 3]
    near_score   the activation of that neuron, of one position as the patches' values are
    patches      the real patches that excite it most, best first
    curve        the score over the steps of the ascent, [S]
    says         the class that the net predicts for the exemplar
    """

    index: int
    status: Status
    score: float
    exemplar: np.ndarray | None = None
    variants: np.ndarray | None = None
    near_field: np.ndarray | None = None
    near_score: float | None = None
    patches: Sequence[Patch] = ()
    curve: np.ndarray | Sequence[float] = ()
    says: str = ""


@dataclass(frozen=True, eq=False)
class LayerView:
    """One layer.

    filters          what is shown of each
    size             height and width of the exemplars, in pixels
    receptive_field  height and width of what one position sees, in pixels
    seconds          how long it took
    """

    name: str
    filters: Sequence[FilterView]
    size: tuple[int, int] | None = None
    receptive_field: tuple[int, int] | None = None
    seconds: float | None = None


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """The test of "filter `filter` of `layer` means `meaning`".

    auroc, low, high             how well pooled activation separates pictures of the meaning from others; 95% interval
    p, p_corrected, looked_at    permutation p-value; corrected for all `looked_at` filters that were tried
    p_family, tested             p-value corrected for the number of hypotheses `tested` (Holm); each is of one filter
    positives, negatives         pictures on either side
    held_out                     whether these pictures had no part in choosing the filter
    maps                         pictures (uint8 [H, W, 1 or 3]) with their activation maps ([H, W], 0..1)
    converse                     what the synthetic exemplar says about the meaning, a line each
    """

    layer: str
    filter: int
    meaning: str
    auroc: float
    low: float
    high: float
    p: float
    p_corrected: float
    looked_at: int
    positives: int
    negatives: int
    held_out: bool
    maps: Sequence[tuple[np.ndarray, np.ndarray]] = ()
    converse: Sequence[str] = ()
    p_family: float = 1.0
    tested: int = 1


@dataclass(frozen=True, eq=False)
class Saliency:
    """One picture (uint8 [H, W, 1 or 3]), the net's prediction, and its two saliency maps [H, W], of any scale."""

    name: str
    image: np.ndarray
    predicted: str
    probability: float
    gradient: np.ndarray
    grad_cam: np.ndarray


@dataclass(frozen=True, eq=False)
class Microscope:
    """The content of a page: its origin (`command`, `facts`, `notes`), layers, tested hypotheses and saliency maps."""

    title: str
    command: str
    facts: Sequence[tuple[str, str]]
    layers: Sequence[LayerView]
    hypotheses: Sequence[Hypothesis] = ()
    saliencies: Sequence[Saliency] = ()
    notes: Sequence[str] = ()
