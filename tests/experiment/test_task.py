"""A new kind of experiment is a configuration class and a package: nothing else names it, or loads the others."""

import subprocess
import sys

import pytest

from research.config import ImageExperiment, SeriesExperiment, TableExperiment
from research.experiment.task import Task, task_of

NEW_KIND = """
import dataclasses, json, pathlib, sys, types
from typing import Annotated, Literal
import tyro
from research import config

@dataclasses.dataclass(frozen=True)
class MapExperiment(config.Experiment):
    kind: Annotated[Literal["maps"], tyro.conf.Suppress] = "maps"
    width: int = 3
    published: None = None

made = MapExperiment(name="hills", width=4)
assert config.from_json(config.to_json(made)) == config.validated(made) == made
assert config.from_json(config.to_json(config.ImageExperiment(name="a"))) == config.ImageExperiment(name="a")

from research.cli.configured import configured
file = pathlib.Path(sys.argv[1])
file.write_text(json.dumps(config.to_json(made)))
changed, _ = configured(["--config-json", str(file), "--width", "5"], "")
assert changed == dataclasses.replace(made, width=5)

package = "research.experiment.maps"
for name in (package, package + ".task"):
    sys.modules[name] = types.ModuleType(name)
from research.experiment.task import task_of
task = task_of(made)
assert task is sys.modules[package + ".task"]

from research.errors import UserError
from research.experiment.training import check_monitor
task.training_metrics = lambda config: ("loss", "mae", "interval_coverage")
check_monitor(dataclasses.replace(made, train=config.Training(monitor="mae")))
for monitor in ("interval_coverage", "rmse"):  # no way of it is better, not measured
    try:
        check_monitor(dataclasses.replace(made, train=config.Training(monitor=monitor)))
    except UserError as error:
        assert str(error).split("; ")[1] in ("there are mae, loss", "there are loss, mae")
    else:
        raise AssertionError(monitor)
others = ("research.experiment.images", "research.experiment.series", "research.experiment.tables")
assert not [name for name in sys.modules if name.startswith(others)]
"""


def test_a_new_kind_touches_no_list(root, tmp_path):
    command = [sys.executable, "-c", NEW_KIND, str(tmp_path / "config.json")]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr


@pytest.mark.parametrize(
    ("config", "examples", "answers"),
    [(ImageExperiment, "pictures", "json"), (SeriesExperiment, "windows", "json"), (TableExperiment, "rows", "csv")],
)
def test_every_kind_provides_all_of_a_task(config, examples, answers):
    task = task_of(config(name="a"))
    assert (task.examples, task.answers) == (examples, answers)
    asked = {name for name in (*vars(Task), *Task.__annotations__) if not name.startswith("_")}
    assert asked <= set(dir(task)) and asked >= {"build", "evaluate", "record_fields", "predict", "compare_runs"}
