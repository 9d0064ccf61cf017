"""The microscope's page as one HTML file: offline, searchable, for screen, phone and paper."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from research.report import formats
from research.report.microscope import FilterView, Hypothesis, LayerView, Microscope, Saliency
from research.report.pictures import Picture, gray_map, inlined, overlay, unit
from research.report.sparkline import significant, sparkline
from research.report.tables import table
from research.report.templating import code, content_hash, environment

SIGNIFICANT = 0.05  # p-values below are called significant
CHANCE = 0.5  # the AUROC of a filter that does not tell the pictures apart


def render(microscope: Microscope) -> str:
    """The page as text; every string is escaped, and the same microscope gives the same page.

    Raises ValueError for pictures that are not uint8, for maps that do not fit their pictures, and for a filter that is
    not dead and has no exemplar.
    """
    page = environment().get_template("microscope.html").render(template_variables(microscope))
    # A file name that is not UTF-8 has lone surrogates (PEP 383), which no file can hold.
    return page.encode("utf-8", "backslashreplace").decode("utf-8")


def template_variables(microscope: Microscope) -> dict[str, Any]:
    """The variables of microscope.html."""
    from markupsafe import Markup  # comes with jinja2

    style, script = code("page.css") + code("microscope.css"), code("microscope.js")
    tests: dict[tuple[str, int], list[Hypothesis]] = {}
    for test in microscope.hypotheses:
        tests.setdefault((test.layer, test.filter), []).append(test)
    layers = [_layer(number, layer, tests) for number, layer in enumerate(microscope.layers)]
    anchors = {(layer["name"], card["index"]): card["anchor"] for layer in layers for card in layer["cards"]}
    return {
        "microscope": microscope,
        "style": Markup(style),
        "script": Markup(script),
        "style_hash": content_hash(style),
        "script_hash": content_hash(script),
        "layers": layers,
        "filters": formats.count(sum(len(layer["cards"]) for layer in layers)),
        "hypotheses": [_hypothesis(test, anchors) for test in microscope.hypotheses],
        "saliencies": [_saliency(saliency) for saliency in microscope.saliencies],
    }


def _layer(number: int, layer: LayerView, tests: Mapping[tuple[str, int], Sequence[Hypothesis]]) -> dict[str, Any]:
    cards = [
        _card(f"filter-{number}-{view.index}", view, tests.get((layer.name, view.index), ())) for view in layer.filters
    ]
    several = f"{formats.count(len(cards))} filter{'' if len(cards) == 1 else 's'}"
    facts = [several]
    for status in ("revived", "from a patch", "dead"):
        times = sum(view.status == status for view in layer.filters)
        facts += [f"{formats.count(times)} {status}"] if times else []
    if layer.receptive_field:
        facts.append(f"each position sees {formats.shape(layer.receptive_field)} pixels")
    if layer.size:
        facts.append(f"exemplars of {formats.shape(layer.size)} pixels")
    if layer.seconds is not None:
        facts.append(formats.seconds(layer.seconds))
    patched = any(view.patches for view in layer.filters)
    return {
        "name": layer.name,
        "anchor": f"layer-{number}",
        "cards": cards,
        "patched": patched,
        "facts": ", ".join(facts),
    }


def _card(anchor: str, view: FilterView, tests: Sequence[Hypothesis]) -> dict[str, Any]:
    words = " ".join((view.status, view.says, *(test.meaning for test in tests)))
    card = {"anchor": anchor, "index": view.index, "status": view.status, "words": words, "tests": _tested(tests)}
    card["patches"] = [(inlined(patch.image), significant(patch.value), patch.source) for patch in view.patches]
    if view.status == "dead":
        return card | {"exemplar": None, "variants": [], "near_field": None, "curve": ""}
    if view.exemplar is None:
        raise ValueError(f"filter {view.index} is {view.status} but has no exemplar")
    return card | {
        "exemplar": inlined(view.exemplar),
        "score": significant(view.score),
        "says": view.says,
        "variants": [] if view.variants is None else [inlined(variant) for variant in view.variants],
        "near_field": None if view.near_field is None else inlined(view.near_field),
        "near_score": significant(view.near_score or 0.0),
        "curve": _curve(view),
    }


def _curve(view: FilterView) -> Any:
    from markupsafe import Markup

    return Markup(sparkline(view.curve)) if len(view.curve) else ""


def _tested(tests: Sequence[Hypothesis]) -> Table | None:
    """The tested hypotheses about one filter as a table; None where there are none."""
    rows = [(test.meaning, verdict(test), _auroc(test), formats.decimal(float(test.p_corrected))) for test in tests]
    return table(("It responds to", "Verdict", "AUROC, 95% interval", "p corrected"), rows) if rows else None


def verdict(test: Hypothesis) -> str:
    """Whether the hypothesis holds, in words: whichever filter it were, or for a filter named before the test."""
    if test.p_corrected < SIGNIFICANT:
        return "holds"
    if test.p_family < SIGNIFICANT:
        return "holds only for a filter named beforehand"
    return "refuted: others excite it more" if test.high < CHANCE else "not confirmed: it may be chance"


def _auroc(test: Hypothesis) -> str:
    ends = (formats.decimal(float(end)) for end in (test.low, test.high))
    return f"{formats.decimal(float(test.auroc))}\n{' to '.join(ends)}"


def _hypothesis(test: Hypothesis, anchors: Mapping[tuple[str, int], str]) -> dict[str, Any]:
    auroc, ends = _auroc(test).split("\n")
    return {
        "test": test,
        "verdict": verdict(test),
        "anchor": anchors.get((test.layer, test.filter), ""),
        "auroc": auroc,
        "interval": ends,
        "corrected": formats.decimal(float(test.p_corrected)),
        "family": formats.decimal(float(test.p_family)),
        "tested": f"over {formats.count(test.tested)} hypothes{'is' if test.tested == 1 else 'es'}",
        "looked_at": f"over {formats.count(test.looked_at)} filter{'' if test.looked_at == 1 else 's'}",
        "pictures": f"{formats.count(test.positives)} : {formats.count(test.negatives)}",
        "maps": [(inlined(picture), inlined(overlay(picture, activation))) for picture, activation in test.maps],
    }


def _saliency(saliency: Saliency) -> dict[str, Any]:
    pictures: list[tuple[str, Picture]] = [
        ("picture", inlined(saliency.image)),
        ("gradient", inlined(gray_map(saliency.gradient))),
        ("Grad-CAM", inlined(overlay(saliency.image, unit(saliency.grad_cam)))),
    ]
    return {
        "name": saliency.name,
        "predicted": saliency.predicted,
        "probability": formats.percent(float(saliency.probability)),
        "pictures": pictures,
    }
