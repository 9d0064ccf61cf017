"""A classification in words: its baselines, whether anything was learned, and how well it is calibrated."""

from collections.abc import Mapping
from typing import Any

from research.report import formats

BASELINES = {"commonest_class": "always the commonest class", "chance": "chance"}  # name in the record -> words


def baselines_text(baselines: Mapping[str, float] | None) -> str:
    """`always the commonest class: 11.35%; chance: 10.00%`; empty where the record has neither."""
    known = baselines or {}
    return "; ".join(f"{words}: {formats.percent(known[name])}" for name, words in BASELINES.items() if name in known)


def learned_nothing(scores: Mapping[str, Mapping[str, float]], split: str) -> str:
    """Why the accuracy on `split` shows no learning, and what to try; empty where it shows learning.

    `scores` is {split: {accuracy, accuracy_low95, accuracy_high95, commonest_class}}. The accuracy shows learning where
    its whole 95% interval is above the accuracy of always naming the commonest class.
    """
    if _above(scores[split]):
        return ""
    accuracy = formats.percent(scores[split]["accuracy"])
    interval = formats.interval("accuracy", scores[split]["accuracy_low95"], scores[split]["accuracy_high95"])
    common = formats.percent(scores[split]["commonest_class"])
    return (
        f"{split} accuracy {accuracy} (95% interval {interval}) is not above always naming the commonest class "
        f"({common}); {_advice(scores, split)}"
    )


def verdict(learned_nothing: Mapping[str, str], first: int) -> str:
    """{seed: reason} of seeds that learned nothing; empty where all learned."""
    lines = [f"Seed {seed} learned nothing: {why}." for seed, why in learned_nothing.items()]
    single = [f"It learned nothing: {why}." for seed, why in learned_nothing.items() if seed == str(first)]
    return " ".join(single if len(lines) == len(single) else lines)


def calibration_text(evaluation: Mapping[str, Any]) -> str:
    """How to read the reliability diagram of a classification (as a dict), its calibration error and Brier score."""
    error, brier = formats.decimal(evaluation["calibration_error"]), formats.decimal(evaluation["brier"])
    return (
        "Bars are 95% intervals (Wilson); neighbouring bins are merged until each has 20 examples or more. "
        f"Expected calibration error {error}: the mean distance between confidence and accuracy, over "
        f"the {evaluation['calibration_bins']} equal bins before merging. Brier score {brier} (0 is best, 2 worst)."
    )


def _advice(scores: Mapping[str, Mapping[str, float]], split: str) -> str:
    """What to try: it depends on whether the training accuracy is clearly higher than that of `split`."""
    train = scores.get("train", scores[split])
    known = f"of its training pictures it knows {formats.percent(train['accuracy'])}"
    if train["accuracy_low95"] > scores[split]["accuracy_high95"]:
        return f"{known}: try more pictures, --augment.shift and the like, --train.l2 or a smaller net"
    return (
        f"{known}: try --optimizer.learning-rate ten times smaller, then larger, more --train.epochs, "
        "and check that the labels match the pictures"
    )


def _above(scores: Mapping[str, Any]) -> bool:
    return scores["accuracy_low95"] > scores["commonest_class"]
