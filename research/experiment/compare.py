"""Several experiments side by side: trained where they are not yet, one figure, differences paired by seed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from research.config import Experiment
from research.errors import UserError
from research.evaluation.comparison import Difference, paired
from research.evaluation.intervals import across_seeds
from research.experiment.publish import histories_of
from research.experiment.run import ENDED, run
from research.files import write_bytes
from research.report.side_by_side import comparison


class Comparison(NamedTuple):
    """Records by name, in the order asked for, and the paired difference in test accuracy of each from the first.

    When a run was preempted or diverged, that is the `status`, and there are no differences.
    """

    status: str
    records: dict[str, dict[str, Any]]
    differences: dict[str, Difference | None]


def compare(entries: Sequence[tuple[Experiment, Path]], figure: Path) -> Comparison:
    """Run every (configuration, run directory), draw `figure`, and pair the runs by seed.

    Raises UserError when the runs did not see the same data split and seeds (then nothing can be paired), or one did
    not end well.
    """
    _comparable([config for config, _ in entries])
    if len({place.absolute() for _, place in entries}) < len(entries):
        raise UserError("two of the configurations have the same --run-dir; leave it away, each has a place of its own")
    if figure.is_dir():
        raise UserError(f"--figure {figure} is a folder; give a file, for example {figure / 'comparison.png'}")
    records: dict[str, dict[str, Any]] = {}
    for config, place in entries:
        records[config.name] = record = run(config, place)
        if record["status"] not in ENDED:
            return Comparison(record["status"], records, {})
    if len({record["data"]["fingerprint"] for record in records.values()}) > 1:
        raise UserError("the runs were trained on different data; compare runs of one data set and split")
    tests = {name: test_accuracy(record) for name, record in records.items()}
    histories = {config.name: histories_of(place) for config, place in entries}
    write_bytes(figure, comparison(histories, tests))
    first, *others = tests
    differences = {name: paired(tests[name]["values"], tests[first]["values"]) for name in others}
    return Comparison("finished", records, differences)


def test_accuracy(record: dict[str, Any]) -> dict[str, Any]:
    """Test accuracy with its interval: over seeds where there are several, else over the test pictures."""
    if "test" not in record["metrics"]:
        raise UserError(f"{record['experiment']} has no test pictures to be compared on; set --data.test above 0")
    if "seeds" in record:
        return record["seeds"]["test/accuracy"]
    metrics = record["metrics"]["test"]
    ends = {"low95": metrics["accuracy_low95"], "high95": metrics["accuracy_high95"]}
    return dict(across_seeds([metrics["accuracy"]])) | ends


def _comparable(configs: Sequence[Experiment]) -> None:
    if len(configs) < 2:
        raise UserError("a comparison needs two configurations or more")
    if len({config.name for config in configs}) < len(configs):
        raise UserError("two of the configurations have the same name; each needs its own")
    if len({(config.seed, config.seeds) for config in configs}) > 1:
        raise UserError("the configurations differ in seed or seeds, so they cannot be paired; give --seed and --seeds")
