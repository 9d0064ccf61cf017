"""Several experiments side by side: trained where they are not yet, one figure, differences paired by seed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from research.config import Experiment, PretrainedNet, validated
from research.errors import UserError
from research.evaluation.comparison import Difference, step_by_step
from research.evaluation.intervals import across_seeds
from research.experiment.build import Parts, build
from research.experiment.fit import plan_of
from research.experiment.publish import histories_of
from research.experiment.run import ENDED, run
from research.experiment.transfer import weights_file
from research.files import write_bytes
from research.report.record import measured
from research.report.rungs import Rung
from research.report.side_by_side import comparison
from research.run_directory import claimed

Entries = Sequence[tuple[Experiment, Path]]


class Comparison(NamedTuple):
    """Records and rungs by name, in the order asked for; a rung holds the paired difference from the one before it.

    When a run was preempted or diverged, that is the `status`, the last record is its, and there are no rungs.
    """

    status: str
    records: dict[str, dict[str, Any]]
    rungs: dict[str, Rung]


def compare(entries: Entries, figure: Path) -> Comparison:
    """Run every (configuration, run directory), draw `figure`, and pair each run by seed with the one before it.

    Raises UserError before any training when the runs differ in seeds or pictures (then nothing can be paired), or one
    lacks its data, its pretrained weights, test pictures, or a place of its own; and after it when a run that had ended
    before was on other pictures.
    """
    _comparable([config for config, _ in entries])
    if len({place.absolute() for _, place in entries}) < len(entries):
        raise UserError("two of the configurations have the same --run-dir; leave it away, each has a place of its own")
    if figure.is_dir():
        raise UserError(f"--figure {figure} is a folder; give a file, for example {figure / 'comparison.png'}")
    _ready(entries)
    records: dict[str, dict[str, Any]] = {}
    for config, place in entries:
        records[config.name] = record = run(config, place)
        if record["status"] not in ENDED:
            return Comparison(record["status"], records, {})
    # Of a run that ended before, what it was on is in its record.
    _same({_pictures(record) for record in records.values()}, "renew the records with scripts/evaluate.py")
    differences = step_by_step({name: test_accuracy(record)["values"] for name, record in records.items()})
    rungs = {config.name: _rung(config, records[config.name], differences.get(config.name)) for config, _ in entries}
    write_bytes(figure, comparison(rungs, {config.name: histories_of(place) for config, place in entries}))
    return Comparison("finished", records, rungs)


def test_accuracy(record: dict[str, Any]) -> dict[str, Any]:
    """Test accuracy with its interval: over seeds where there are several, else over the test pictures."""
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


def _ready(entries: Entries) -> None:
    """Refuse here what a run refuses, for all of them: after an hour of training another it would be late.

    Weights come first, since to build a net may take minutes of features (which the run then finds in their cache).
    """
    configs = [config for config, _ in entries]
    for config in configs:
        if isinstance(config.model, PretrainedNet):
            with _named(config):
                weights_file(config.model, config.data.root)
    _same({_buildable(config).data.pictures for config in configs}, "compare on one data set, split and limit")
    for config, place in entries:
        with claimed(place, config):
            pass


def _buildable(config: Experiment) -> Parts:
    with _named(config):
        parts = build(validated(config))
        plan_of(config, parts)
        if not len(parts.data.test.labels):
            raise UserError("there are no test pictures to be compared on; set --data.test above 0")
        return parts


@contextmanager
def _named(config: Experiment) -> Iterator[None]:
    """Within it, a mistake says whose it is."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{config.name}: {error}") from error


def _same(pictures: set[str], remedy: str) -> None:
    if len(pictures) > 1:
        raise UserError(f"the runs are on different pictures, so they cannot be paired; {remedy}")


def _pictures(record: dict[str, Any]) -> str:
    """What tells which pictures are in which split; that of older records tells their size, too."""
    return record["data"].get("pictures", record["data"]["fingerprint"])


def _rung(config: Experiment, record: dict[str, Any], difference: Difference | None) -> Rung:
    return Rung(
        parameters=record["parameters"]["trainable"],
        test=test_accuracy(record),
        train=measured(record, "train", "accuracy").value,
        published=config.published,
        seconds=record["seconds"]["total"],
        difference=difference,
    )
