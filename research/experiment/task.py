"""The protocol of a kind of experiment, and the lookup of its module.

A new kind is a subclass of `research.config.Experiment` (its docstring says how) with `kind = "NAME"`, and the module
`research.experiment.NAME.task`, which defines everything in `Task`. `run`, `evaluate`, `predict` and `compare` call it.
"""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypeVar, cast

from rich.table import Table
from rich.text import Text

from research.config import Experiment
from research.experiment.evaluations import Evaluation
from research.experiment.exported import ExportedNet
from research.experiment.trained import Trained
from research.training.plan import Starts, TrainingPlan
from research.training.state import TrainState

Record = dict[str, Any]  # record.json, as `research.report.record` describes it


ConfigT = TypeVar("ConfigT", bound=Experiment)
ConfigT_contra = TypeVar("ConfigT_contra", bound=Experiment, contravariant=True)
PlanT = TypeVar("PlanT", bound=TrainingPlan)
EvaluationT = TypeVar("EvaluationT", bound=Evaluation)


class ComparedRuns(NamedTuple):
    """A kind's comparison of runs: plain values, tables, sentences and pictures. It names no files.

    metric       the metric of the scores, in `unit`
    rows         by name, in the order of the first table: {"name", "mean" (over seeds), "std", "low95", "high95",
                 "values" [one per seed], "parameters" (trained), "seconds", "published"}, and fields of the kind alone
    differences  {"a", "b", "mean", "low95", "high95", "p"}: the score of a less that of b, with its 95% interval; p is
                 corrected for their number (Holm). Interval and p are None where one seed or split tells nothing.
    sentences    the differences in words
    tables       the scores, then whatever else there is to say
    figures      {name: PNG}, the name in words
    """

    metric: str
    unit: str
    rows: dict[str, dict[str, Any]]
    differences: list[dict[str, Any]]
    sentences: list[str]
    tables: Sequence[Table]
    figures: dict[str, bytes]


class Task(Protocol[ConfigT_contra, PlanT, EvaluationT]):
    """A kind of experiment: its configuration, the plan built from it, and the evaluation of a split."""

    answers: Literal["json", "csv"]
    """What `predict` prints: JSON objects, one per line, or the rows of a table, whose columns are the first's keys."""
    examples: str
    """The plural name of the examples. Also the key in record["data"] of the value of `data_id`."""

    def with_data(self, config: ConfigT_contra, data: Any, folder: Path, /) -> Experiment:
        """`config` with arrays or a frame, `data`, as its source, stored in `folder`; UserError for bad data."""
        ...

    def build(self, config: ConfigT_contra, starts: Starts = ..., /) -> PlanT:
        """Load the data and build the net; UserError where they do not fit. Trains nothing, writes nothing.

        `starts` are the leaves that each seed starts from or ended on (see `stages`), for nets that are split.
        """
        ...

    def check_files(self, config: ConfigT_contra, /) -> None:
        """Raise UserError for a missing file that `build` would open only after minutes."""
        ...

    def training_metrics(self, config: ConfigT_contra, /) -> tuple[str, ...]:
        """The names of what training measures on each split after an epoch, `loss` first: those of the plan's loss."""
        ...

    def describe_data(self, plan: PlanT, /) -> list[str]:
        """Lines about the data, for the terminal before training."""
        ...

    def evaluate(self, plan: PlanT, folds: Sequence[Any], /) -> Mapping[str, EvaluationT]:
        """The evaluation of one seed on every split that has examples, by split.

        `folds` are the variables of each fold (`plan.folds`), mostly of one. Raises NotFiniteError for infinite or NaN
        outputs.
        """
        ...

    def record_fields(self, plan: PlanT, evaluations: Mapping[int, Mapping[str, EvaluationT]], /) -> Record:
        """The fields of the record that this kind fills in: "data", and whatever else it has to say.

        `report.record.build_record` checks them and says where they stand. `evaluations` are those of every seed; none
        when the training was preempted or diverged.
        """
        ...

    def publish(
        self,
        config: ConfigT_contra,
        plan: PlanT,
        run_dir: Path,
        members: Sequence[TrainState],
        evaluations: Mapping[int, Mapping[str, EvaluationT]],
        record: Record,
        /,
    ) -> None:
        """Write figures, report and whatever else `predict` and `compare_runs` need into `run_dir`."""
        ...

    def result_tables(
        self, evaluations: Mapping[str, EvaluationT], record: Mapping[str, Any], /
    ) -> Sequence[Table | Text]:
        """Tables of one seed's evaluations by split, for the terminal after training."""
        ...

    def closing_lines(self, record: Mapping[str, Any], /) -> list[str]:
        """Lines for the terminal after all tables."""
        ...

    def data_id(self, plan: PlanT, /) -> str:
        """A digest of the examples and their splits: runs with the same one can be paired."""
        ...

    def predict(
        self, config: ConfigT_contra, run_dir: Path, inputs: Sequence[Path | str], seed: int | None, /, *, as_is: bool
    ) -> Iterator[dict[str, Any]]:
        """One dict for each answer to `inputs`, from the checkpoints of `seed` in `run_dir`; see `predict.predict`.

        None is the first seed; tables take the mean of all.
        """
        ...

    def load(self, config: ConfigT_contra, run_dir: Path, seed: int, /) -> Trained:
        """The trained net of `seed` in `run_dir`; UserError when it was not trained there."""
        ...

    def exported(self, config: ConfigT_contra, run_dir: Path, seed: int | None, /) -> ExportedNet:
        """The trained net of `seed` in `run_dir` for other libraries; None is the first seed, of tables all nets.

        UserError when it was not trained there, and for a net that only its own code can build.
        """
        ...

    def compare_runs(
        self, entries: Mapping[str, tuple[ConfigT_contra, Path]], records: Mapping[str, Record], /
    ) -> ComparedRuns:
        """The comparison of runs: `entries` are the configuration and the run directory of each by name, in order.

        Writes nothing. `records` are theirs; all ended, on the same test examples.
        """
        ...


def task_of(config: ConfigT) -> Task[ConfigT, TrainingPlan, Evaluation]:
    """The task that runs `config`, by its `kind`. Other kinds are not imported, which would slow every start."""
    module = importlib.import_module(f"research.experiment.{config.kind}.task")
    # The task's own plans and evaluations are subtypes; only the task that made them receives them.
    return cast(Task[ConfigT, TrainingPlan, Evaluation], module)
