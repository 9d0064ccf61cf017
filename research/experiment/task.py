"""What differs between kinds of experiments, under one set of names."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table
from rich.text import Text

from research.experiment.evaluations import Evaluations
from research.experiment.training import Trained

Parts = Any  # what the task's own `build` gives: it has at least `training` (a Trainable) and `summary`


def no_verdict(judged: Mapping[int, Evaluations]) -> dict[str, Any]:
    """For tasks that add nothing to the record."""
    return {}


def nothing_more(record: Mapping[str, Any]) -> list[str]:
    """For tasks of which tables say all."""
    return []


class Task(NamedTuple):
    """A kind of experiment: what `run` calls, in this order, and what `compare` does."""

    examples: str  # what they are, in the plural; also the name of what tells them apart in record["data"]
    build: Callable[[Any], Parts]  # configuration -> parts
    describe_data: Callable[[Parts], list[str]]  # lines about the data, before training
    judge: Callable[[Parts, Any], Evaluations]  # parts, parameters -> what is found on every split
    described: Callable[[Parts], dict[str, Any]]  # record["data"]
    publish: Callable[[Any, Parts, Path, Sequence[Trained], Mapping[int, Any], dict[str, Any]], None]
    result_tables: Callable[
        [Any, Mapping[str, Any]], Sequence[Table | Text]
    ]  # what was found of a seed, record -> tables
    check_files: Callable[[Any], None]  # raises UserError for what would be missing after minutes of building
    data_id: Callable[[Parts], str]  # which examples are in which split
    predict: Callable[..., Iterator[dict[str, Any]]]  # configuration, place, inputs, seed; of pictures also as_is
    compare_runs: Callable[[Any, dict[str, Any], Path], tuple[dict[str, Any], Sequence[Table]]]  # runs side by side
    verdict: Callable[[Mapping[int, Any]], dict[str, Any]] = no_verdict  # of every seed -> fields of the record
    concluded: Callable[[Mapping[str, Any]], list[str]] = nothing_more  # the record -> lines after the tables
