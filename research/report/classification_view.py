"""What classification.html lays out beside what every page has."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from research.report import formats, grids

if TYPE_CHECKING:
    from research.report.page import Report


def classification(report: "Report") -> dict[str, Any]:
    """The classification of `report.split`, class by class; empty where there is none."""
    evaluation = report.evaluations.get(report.split)
    return {
        "evaluation": evaluation,
        "calibrated": calibrated(evaluation) if evaluation else "",
        "per_class": grids.per_class(evaluation) if evaluation else None,
        "confused": grids.confused(evaluation) if evaluation else None,
    }


def calibrated(evaluation: Mapping[str, Any]) -> str:
    """How well the probabilities of a classification (as a dict) are calibrated."""
    error, brier = formats.decimal(evaluation["calibration_error"]), formats.decimal(evaluation["brier"])
    return f"Expected calibration error {error}; Brier score {brier} (0 is best, 2 worst)."
