"""The page of a comparison: scores, differences in words, the settings that differ, figures, and links to the runs."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from rich.table import Table

from research.report import formats, pictures
from research.report.tables import table
from research.report.templating import environment

TITLED = 4  # runs that the title names
CAPTIONS = {
    "accuracies": "Test accuracy of each run with its 95% interval, and below the metrics of validation over epochs.",
    "errors": "Mean absolute error on test with its 95% interval over test days, best first; baselines are gray, "
    "and an arrow is far off the axis.",
    "forecasts": "The same windows by every run, the mean over seeds, beside the truth.",
}
LOSSES = "over epochs in training and validation, on one scale."
ONE_KIND = "Losses of another kind have a figure of their own, since their numbers cannot be compared."


def render(
    comparison: Mapping[str, Any],
    tables: Sequence[Table],
    figures: Mapping[str, bytes],
    reports: Mapping[str, str | None],
) -> str:
    """The page as text, every string escaped.

    comparison   comparison.json, as `experiment.comparison_directory` makes it
    tables       of the scores, then of whatever else was tested
    figures      {name: PNG}, the name in words
    reports      {run: the relative path of its report.html, None without one}
    """
    names, empty = [run["name"] for run in comparison["runs"]], table((), ())
    return (
        environment()
        .get_template("comparison.html")
        .render(
            record={"experiment": _title(names)},
            headline=None,
            facts=_facts(comparison),
            metrics=empty,
            seeds=empty,
            layers=empty,
            drawings={},
            settings=[],
            command=comparison["command"],
            origin=_origin(comparison),
            scores=tables[0],
            tested=tables[1:],
            sentences=comparison["sentences"],
            differing=settings_table(comparison["settings"], names),
            pictures={},
            figures=[(name, pictures.picture(png), caption(name)) for name, png in figures.items()],
            reports=[(name, report and quote(report)) for name, report in reports.items()],
        )
    )


def settings_table(settings: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> Table:
    """A row for each setting in which the runs `names` differ, {field: {run: value}}; a column for each run.

    Of more than six runs the rows are runs.
    """
    rows = [(field, *(_setting(values, name) for name in names)) for field, values in settings.items()]
    if len(names) <= 6:
        return table(("Setting", *names), rows, words=len(names) + 1)
    turned = [(name, *(_setting(values, name) for values in settings.values())) for name in names]
    return table(("Run", *settings), turned, words=len(settings) + 1)


def caption(figure: str) -> str:
    """How to read a figure."""
    if figure.startswith("losses"):
        kind = figure.removeprefix("losses").removeprefix(" of ")
        return f"Loss ({kind}) {LOSSES} {ONE_KIND}" if kind else f"Loss {LOSSES}"
    return CAPTIONS.get(figure, figure)


def _setting(values: Mapping[str, Any], name: str) -> str:
    if name not in values:
        return formats.MISSING
    return formats.setting(values[name])


def _title(names: Sequence[str]) -> str:
    shown = names if len(names) <= TITLED else (*names[: TITLED - 1], f"{len(names) - TITLED + 1} others")
    return f"{', '.join(shown[:-1])} and {shown[-1]}, compared"


def _facts(comparison: Mapping[str, Any]) -> list[tuple[str, str]]:
    data, several = comparison["data"], max(len(row["values"]) for row in comparison["rows"])
    sizes = ", ".join(f"{formats.count(size)} {split}" for split, size in data["sizes"].items())
    first = comparison["runs"][0]["seed"]
    return [
        ("data", f"{data['name']}: {sizes}"),
        ("score", formats.metric_label(comparison["metric"], comparison["unit"])),
        ("seeds", f"{first} to {first + several - 1}" if several > 1 else f"{first} alone"),
        ("devices", ", ".join(dict.fromkeys(run["device"] for run in comparison["runs"]))),
    ]


def _origin(comparison: Mapping[str, Any]) -> list[tuple[str, str]]:
    commits = ", ".join(dict.fromkeys(run["commit"] for run in comparison["runs"]))
    values = {"commits of the runs": commits, "commit of the comparison": comparison["commit"]}
    values |= {"data fingerprint": comparison["data"]["fingerprint"]} | dict(comparison["versions"])
    return [(name, str(value)) for name, value in values.items()]
