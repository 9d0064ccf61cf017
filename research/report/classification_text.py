"""A classification in words: its baselines, whether anything was learned, and how well it is calibrated."""

from collections.abc import Mapping
from typing import Any

from research.report import formats

BASELINES = {"commonest_class": "always the commonest class", "chance": "chance"}  # names in the record, and in words


def baselines_text(baselines: Mapping[str, float] | None) -> str:
    """`always the commonest class: 11.35%; chance: 10.00%`; empty where a record knows neither."""
    known = baselines or {}
    return "; ".join(f"{words}: {formats.percent(known[name])}" for name, words in BASELINES.items() if name in known)


def learned_nothing(found: Mapping[str, Mapping[str, float]], split: str) -> str:
    """Why the accuracy on `split` shows no learning, and what to try; empty where it does.

    `found` holds by split: accuracy, accuracy_low95, accuracy_high95 and commonest_class. Learning shows where the
    whole 95% interval is above what always naming the commonest class would reach.
    """
    if _above(found[split]):
        return ""
    accuracy = formats.percent(found[split]["accuracy"])
    interval = formats.interval("accuracy", found[split]["accuracy_low95"], found[split]["accuracy_high95"])
    common = formats.percent(found[split]["commonest_class"])
    return (
        f"{split} accuracy {accuracy} (95% interval {interval}) is not above always naming the commonest class "
        f"({common}); {_advice(found, split)}"
    )


def verdict(learned_nothing: Mapping[str, str], first: int) -> str:
    """That nothing was learned, and why, of the seeds that did not; empty where all learned."""
    lines = [f"Seed {seed} learned nothing: {why}." for seed, why in learned_nothing.items()]
    alone = [f"It learned nothing: {why}." for seed, why in learned_nothing.items() if seed == str(first)]
    return " ".join(alone if len(lines) == len(alone) else lines)


def calibration_text(evaluation: Mapping[str, Any]) -> str:
    """How well the probabilities of a classification (as a dict) are calibrated."""
    error, brier = formats.decimal(evaluation["calibration_error"]), formats.decimal(evaluation["brier"])
    return f"Expected calibration error {error}; Brier score {brier} (0 is best, 2 worst)."


def _advice(found: Mapping[str, Mapping[str, float]], split: str) -> str:
    """What to try, by whether the training pictures are known clearly better than those of `split`."""
    train = found.get("train", found[split])
    known = f"of its training pictures it knows {formats.percent(train['accuracy'])}"
    if train["accuracy_low95"] > found[split]["accuracy_high95"]:
        return f"{known}: try more pictures, --augment.shift and the like, --train.l2 or a smaller net"
    return (
        f"{known}: try --optimizer.learning-rate ten times smaller, then larger, more --train.epochs, "
        "and see whether labels and pictures belong together"
    )


def _above(found: Mapping[str, Any]) -> bool:
    return found["accuracy_low95"] > found["commonest_class"]
