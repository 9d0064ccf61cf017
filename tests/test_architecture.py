"""A line of code knows its room: imports only run down the ranks, but for the table of metrics."""

import ast
import importlib
import inspect

import pytest

from research import experiment
from research.config import load

RANKS = {
    **dict.fromkeys(["errors", "keys", "trees", "files", "seals", "heap", "config", "resampling", "batches"], 0),
    "help_text": 0,
    **dict.fromkeys(["runtime", "run_directory", "command_line"], 1),
    **dict.fromkeys(["data", "models", "weights", "training", "ascent", "evaluation", "report"], 2),
    **dict.fromkeys(["microscope", "attack", "hierarchy", "double_descent"], 3),
    "experiment": 4,
    "bench": 5,
    "cli": 6,
}
WITHIN_RANK_ZERO = {("files", "errors"), ("config", "errors"), ("seals", "files")}
WITHIN_RANK_ONE = set()
FOR_ALL = "research.evaluation.metrics"  # the one exception: any room may import it, and it imports none of ours


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == "research")


def rooms(root):
    for path in sorted((root / "research").rglob("*.py")):
        room = path.relative_to(root / "research").parts[0].removesuffix(".py")
        if room != "__init__":
            yield room, path


def wrong_arrows(room, path):
    for name in imported(path):
        if not name.startswith("research.") or name == FOR_ALL or name.startswith(f"{FOR_ALL}."):
            continue
        target = name.split(".")[1]
        if target == room or (room, target) in WITHIN_RANK_ZERO | WITHIN_RANK_ONE:
            continue
        if RANKS[target] >= RANKS[room]:
            yield f"{path} ({room}) imports {name}"


def test_every_room_has_a_rank(root):
    assert {room for room, _ in rooms(root)} <= set(RANKS)


def test_no_arrow_runs_up_or_between_rooms_of_a_rank(root):
    wrong = [arrow for room, path in rooms(root) for arrow in wrong_arrows(room, path)]
    assert not wrong, "\n".join(wrong)


def test_what_all_may_import_imports_nothing_of_ours(root):
    path = root / f"{FOR_ALL.replace('.', '/')}.py"
    assert not [name for name in imported(path) if name.split(".")[0] == "research"]


def test_no_imports_run_in_a_circle(root):
    modules = {module_name(root, path): path for path in (root / "research").rglob("*.py")}
    imports = {name: set(imported_modules(path, modules)) - {name} for name, path in modules.items()}
    while outside := {name for name in imports if not imports[name] or name not in set().union(*imports.values())}:
        imports = {name: targets - outside for name, targets in imports.items() if name not in outside}
    assert not imports, "\n".join(f"{name} imports {', '.join(sorted(imports[name]))}" for name in sorted(imports))


def module_name(root, path):
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def imported_modules(path, modules):
    """The modules of ours that `path` imports, also inside functions and for type checkers alone."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from {name if name in modules else node.module for name in names} & set(modules)


def test_flax_stays_in_the_models(root):
    for room, path in rooms(root):
        if room not in ("models", "bench"):
            assert not any(name.split(".")[0] == "flax" for name in imported(path)), path


def test_nothing_unpickles(root):
    for room, path in rooms(root):
        names = {name.split(".")[0] for name in imported(path)}
        assert not names & {"pickle", "dill", "cloudpickle", "joblib", "shelve"}, (room, path)


def test_scripts_are_stubs(root):
    for path in (root / "scripts").glob("*.py"):
        assert len(path.read_text().splitlines()) < 12, path


@pytest.mark.slow
def test_a_training_goes_through_at_most_twenty_types(root, tmp_path, monkeypatch):
    """Public types of ours of which the quickstart makes instances; those made at import (metrics) are counted, too."""
    modules = {name: importlib.import_module(name) for name in module_names(root)}
    types = {each for module in modules.values() for each in vars(module).values() if is_ours(each)}
    met = {type(each) for table in vars(modules[FOR_ALL]).values() if isinstance(table, tuple) for each in table}
    for each in types:
        count_instances(each, met, monkeypatch)
    config = load(str(root / "configs" / "digits_cnn.py"))
    met |= {type(section) for section in vars(config).values()}  # defaults are made at import
    experiment.run(config, tmp_path / "run")
    public = sorted(each.__name__ for each in met if is_ours(each) and not each.__name__.startswith("_"))
    assert {"ImageExperiment", "Augmentation", "Batch", "TrainState", "Conv", "Metric"} <= set(public), "it counts"
    assert len(public) <= 20, public


def module_names(root):
    """All modules but the bench, whose peers are not installed."""
    names = (module_name(root, path) for path in (root / "research").rglob("*.py"))
    return sorted(name for name in names if not name.startswith("research.bench"))


def is_ours(each):
    return inspect.isclass(each) and each.__module__.startswith("research.")


def count_instances(each, met, monkeypatch):
    """Add `each` to `met` where an instance of it is made; tuples are made by __new__ and _make."""
    for name in ("__new__", "_make") if issubclass(each, tuple) else ("__init__",):
        makes = getattr(each, name)
        plain = getattr(makes, "__func__", makes)

        def made(cls, *arguments, makes=plain, **named):
            met.add(cls if inspect.isclass(cls) else type(cls))
            return makes(cls, *arguments, **named)

        monkeypatch.setattr(each, name, classmethod(made) if name == "_make" else made)
