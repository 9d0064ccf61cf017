"""What classification.html lays out beside what every page has."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from research.report import formats, grids
from research.report.classification_words import beside

if TYPE_CHECKING:
    from research.report.page import Report


def classification(report: "Report") -> dict[str, Any]:
    """The classification of `report.split`, class by class; empty where there is none."""
    evaluation = report.evaluations.get(report.split)
    return {
        "beside": beside(report.record.get("baselines", {}).get(report.split)),
        "verdict": verdict(report.record.get("learned_nothing", {}), report.record["seed"]),
        "evaluation": evaluation,
        "calibrated": calibrated(evaluation) if evaluation else "",
        "per_class": grids.per_class(evaluation) if evaluation else None,
        "confused": grids.confused(evaluation) if evaluation else None,
    }


def verdict(learned_nothing: Mapping[str, str], first: int) -> str:
    """That nothing was learned, and why, of the seeds that did not; empty where all learned."""
    lines = [f"Seed {seed} learned nothing: {why}." for seed, why in learned_nothing.items()]
    alone = [f"It learned nothing: {why}." for seed, why in learned_nothing.items() if seed == str(first)]
    return " ".join(alone if len(lines) == len(alone) else lines)


def calibrated(evaluation: Mapping[str, Any]) -> str:
    """How well the probabilities of a classification (as a dict) are calibrated."""
    error, brier = formats.decimal(evaluation["calibration_error"]), formats.decimal(evaluation["brier"])
    return f"Expected calibration error {error}; Brier score {brier} (0 is best, 2 worst)."
