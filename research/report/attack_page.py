"""The page and the terminal table of an attack by few pixels."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from research.report import formats
from research.report.pictures import Picture
from research.report.tables import table
from research.report.templating import environment

TITLES = ("Pixels", "Flipped", "Share", "95% interval", "Random", "Queries, mean", "Confidence")
CAPTIONS = {
    "point": "The flip that the net is surest of: a picture as it is, the same after the change, and the probabilities "
    "that the net gives to the classes.",
    "fewest": "How many pixels a picture needs, of the numbers that were tried.",
    "filter": "The pixel that changes the filter most, circled, with its mean response before and after. Each channel "
    "of each pixel was tried at 0 and 255.",
    "success": "Left: the share of pictures that a change of so many pixels flips, and the share that as many random "
    "changes flip. Right: the same against the number of pictures that the net was asked about.",
    "gallery": "Pictures that the fewest pixels flipped. The changed pixel is circled; above each is its true class, "
    "the class that the net names now, and how sure it is.",
    "places": "Where the changed pixels lie.",
    "matrix": "What the net took the changed pictures for.",
    "vulnerability": "Every change of one pixel was tried: how many of the 256 values flip a picture, place by place.",
}


def results_table(record: Mapping[str, Any]) -> Table:
    """A row for each number of pixels of attack.json."""
    rows = [
        (
            str(result["pixels"]),
            f"{result['flipped']} of {result['pictures']}",
            f"{result['share']:.1%}",
            f"{100 * result['low95']:.1f}–{100 * result['high95']:.1f}%",
            f"{result['flipped_by_random'] / result['pictures']:.1%}",
            f"{result['queries_mean']:,.0f}",
            formats.MISSING
            if result["confidence_mean_of_flips"] is None
            else f"{result['confidence_mean_of_flips']:.0%}",
        )
        for result in record["results"]
    ]
    return table(TITLES, rows)


def references_table(record: Mapping[str, Any]) -> Table:
    """What other changes flip: a row for each of attack.json's references."""
    rows = [
        (
            row["way"],
            formats.pixels(row["pixels"]) if "pixels" in row else f"all, {row['norm']} ≤ {row['radius']:g}",
            f"{row['flipped']} of {row['pictures']}",
            f"{row['share']:.1%}",
            f"{100 * row['low95']:.1f}–{100 * row['high95']:.1f}%",
        )
        for row in record["references"]
    ]
    return table(("By the gradient", "Change", "Flipped", "Share", "95% interval"), rows)


def transfer_table(record: Mapping[str, Any]) -> Table:
    """What the flips do to other nets."""
    rows = [
        (row["run"], str(row["pixels"]), str(row["flips"]), f"{row['flipped']} of {row['flips']}")
        for row in record["transfer"]
    ]
    return table(("Other net", "Pixels", "Flips that it is right about", "Flipped there, too"), rows)


def sentences(record: Mapping[str, Any]) -> list[str]:
    """What was found, in words."""
    target, found = record["settings"]["target"], record["exhaustive"]
    aims = {None: "pictures are named as another class", "all": "attacks get the class that they ask for"}
    outcome = aims.get(target, f"pictures are named as {target}")
    first = record["results"][0]
    change = formats.pixels(first["pixels"])
    said = [
        f"{first['flipped']} of {first['pictures']} {outcome} after a change of {change}",
        f"Pictures left out because the net is wrong about them as they are: {record['left_out']}",
    ]
    if found:
        said.append(
            f"The truth about one pixel, of {found['pictures']} pictures: {found['possible']} can be flipped, "
            f"{found['certified']} cannot, that is proven, and {found['unknown']} are undecided; the search flipped "
            f"{formats.MISSING if found['found'] is None else found['found']}"
        )
    return said


def render(record: Mapping[str, Any], figures: Mapping[str, Picture]) -> str:
    """The page as text, every string escaped; `record` is attack.json."""
    empty = table((), ())
    return (
        environment()
        .get_template("attack.html")
        .render(
            record={"experiment": f"{record['experiment']}, attacked by few pixels"},
            headline=None,
            facts=_facts(record),
            metrics=empty,
            seeds=empty,
            layers=empty,
            drawings={},
            settings=[],
            command=record["command"],
            origin=[("commit", record["commit"]), *((name, str(value)) for name, value in record["versions"].items())],
            pictures={},
            results=results_table(record),
            references=references_table(record),
            transfer=transfer_table(record),
            sentences=sentences(record),
            figures=[(name, picture, CAPTIONS[name]) for name, picture in figures.items()],
        )
    )


def _facts(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    chosen = record["settings"]
    search = f"{chosen['mutation']}, F = {chosen['weight']:g}, crossover {chosen['crossover']:g}"
    size = f"{chosen['population']} candidates, up to {chosen['generations']} generations"
    return [
        (
            "pictures",
            f"{record['pictures']} of the test split, classified correctly, chosen with seed {chosen['seed']}",
        ),
        ("search", f"differential evolution ({search}), {size}"),
        ("device", record["device"]),
    ]
