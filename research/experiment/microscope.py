"""A net under the microscope: what each filter wants to see, what excites it in real pictures, what readings hold."""

import dataclasses
import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from research import runtime
from research.ascent.climb import Plan
from research.ascent.parameterizations import IMAGENET_COLOR, Fourier, Parameterization, Pixels, colors_of, phase_of
from research.ascent.transforms import Blur, Jitter, Pad, Rotate, Scale, Transform
from research.config import Microscope
from research.errors import UserError
from research.experiment import readings
from research.experiment.gallery import Gallery, gallery, of_split
from research.experiment.specimen import Specimen, specimen
from research.files import write_bytes, write_json, write_text
from research.interpret.exemplars import check_filters, exemplars, filter_count
from research.interpret.patches import crop, strongest
from research.models.fields import Field, receptive_field
from research.models.lone import branches
from research.models.network import upto
from research.models.summary import summarize
from research.models.taps import check_tap, run_taps
from research.report import microscope as page
from research.report.environment import environment
from research.report.progress import counting
from research.report.sheets import layer_sheets

PHOTO_SIDE = 96  # pixels: of what is made for a net that takes any size
SPREAD = 3  # layers that are looked at where none are named
AT_ONCE = 64  # pictures that a net runs on
SAMPLE = 500  # real pictures that colors and magnitudes are measured on

Show = Callable[[str, int, int], None]


class Scene(NamedTuple):
    """What all layers are looked at with."""

    config: Microscope
    subject: Specimen
    shape: tuple[int, int, int]  # of what is made
    way: Parameterization
    plan: Plan
    real: Gallery | None
    show: Show


def microscope(
    target: Path | str,
    config: Microscope,
    *,
    place: Path | str | None = None,
    root: str | None = None,
    partial: bool = False,
    command: str = "",
) -> Path:
    """Look at the net of `target` (see `specimen`) and leave microscope.html, sheets/*.png and microscope.json.

    Returns the page's path, in `place` (by default RUN/microscope, or runs/NAME-microscope). Raises UserError for a
    target, layer, filter, folder or hypothesis that does not do, before anything is computed where that can be seen.
    """
    runtime.prepare()
    subject = specimen(target, root=root, partial=partial)
    layers = chosen_layers(subject, config)
    shape = _shape(subject, config)
    tests = readings.prepared(subject, config, shape)
    real = _real(subject, config, shape)
    with counting("filters") as show:
        scene = Scene(config, subject, shape, _way(subject, config, shape, real), _plan(config, shape), real, show)
        views = [_layer(scene, name) for name in layers]
    made = {
        (view.name, each.index): each.exemplar for view in views for each in view.filters if each.exemplar is not None
    }
    shown = page.Microscope(
        title=subject.title,
        command=command,
        facts=_facts(scene),
        layers=views,
        hypotheses=readings.tested(subject, tests, made, config.seed),
        saliencies=readings.salient(subject, config.saliency),
    )
    return _written(Path(place) if place else subject.place, shown, config)


def chosen_layers(subject: Specimen, config: Microscope) -> list[str]:
    """The layers that are asked for, or up to three spread over the depth; UserError for one that cannot be shown."""
    if not config.layers:
        places = np.linspace(0, len(subject.layers) - 1, min(SPREAD, len(subject.layers))).round().astype(int)
        return [subject.layers[place] for place in places]
    for name in config.layers:
        check_tap(subject.net, name)
        missing = [part for part in branches(subject.net, name) if part not in subject.params]
        if missing:
            raise UserError(f"the file has no weights of {missing[0]}; it has {', '.join(subject.layers)}")
        check_filters(name, config.filters, filter_count(subject.net, subject.params, name))
    return list(dict.fromkeys(config.layers))


def _shape(subject: Specimen, config: Microscope) -> tuple[int, int, int]:
    if subject.shape is None:
        return (config.size or PHOTO_SIDE, config.size or PHOTO_SIDE, subject.channels)
    if config.size not in (None, *subject.shape[:2]):
        raise UserError(
            f"--size {config.size}: {subject.title} takes pictures of {subject.shape[0]}x{subject.shape[1]}"
        )
    return subject.shape


def _real(subject: Specimen, config: Microscope, shape: tuple[int, int, int]) -> Gallery | None:
    if config.pictures is not None:
        return gallery(config.pictures, shape)
    if subject.data is None or not (config.patches or config.parameterization == "phase"):
        return None
    data = subject.data()
    return of_split(data.train, data.classes, "training picture")


def _way(subject: Specimen, config: Microscope, shape: tuple[int, int, int], real: Gallery | None) -> Parameterization:
    if config.parameterization == "pixels":
        return Pixels(shape)
    some = None if real is None else real.images[np.linspace(0, len(real.images) - 1, SAMPLE).astype(int)]
    color = IMAGENET_COLOR if shape[2] == 3 else np.ones((1, 1), np.float32) if some is None else colors_of(some)
    if config.parameterization == "fourier":
        return Fourier(jnp.asarray(color), shape)
    if some is None:
        raise UserError("phase takes its magnitudes from real pictures; name a folder of some with --pictures")
    return phase_of(some, color)


def _plan(config: Microscope, shape: tuple[int, int, int]) -> Plan:
    jitter = max(1, min(shape[:2]) // 16) if config.jitter is None else config.jitter
    asked: list[tuple[float, Transform]] = [
        (config.pad, Pad(config.pad)),
        (jitter, Jitter(jitter)),
        (config.scale, Scale(1 - config.scale, 1 + config.scale)),
        (config.rotate, Rotate(config.rotate)),
        (config.blur, Blur(config.blur)),
    ]
    transforms = tuple(transform for strength, transform in asked if strength)
    return Plan(config.steps, config.rate, transforms, config.variation, config.shrink)


def _layer(scene: Scene, name: str) -> page.LayerView:
    begun = time.monotonic()
    subject, config = scene.subject, scene.config
    field = receptive_field(subject.net, name, scene.shape)
    look = functools.partial(
        exemplars, subject.net, subject.params, name, scene.way, filters=config.filters or None, seed=config.seed
    )
    told = lambda what: functools.partial(scene.show, f"{name}{what}")  # noqa: E731
    found = look(scene.plan, show=told(""))
    sets = dataclasses.replace(scene.plan, pictures=config.variants)
    variants = look(sets, show=told(", variants")) if config.variants > 1 else [None] * len(found)
    middle = _middle(subject, name, scene.shape)
    near = [None] * len(found)
    if config.near and len(middle) == 2:
        still = dataclasses.replace(scene.plan, transforms=())  # a neuron sees one place
        near = look(still, place=middle, show=told(", one neuron"))
    patches = _patches(scene, name, field)
    views = []
    for one, several, neuron in zip(found, variants, near, strict=True):
        dead = one.status == "dead"
        views.append(
            page.FilterView(
                index=one.filter,
                status=one.status,
                score=one.score,
                exemplar=None if dead else one.pictures[0],
                variants=None if dead or several is None else several.pictures,
                near_field=None
                if neuron is None or neuron.status == "dead"
                else crop(neuron.pictures[0], field, *middle),
                patches=patches.get(one.filter, ()),
                curve=one.curve,
                says="" if dead else readings.says(subject, one.pictures[0]),
            )
        )
    return page.LayerView(name, views, (field.size[0], field.size[1]), time.monotonic() - begun)


def _middle(subject: Specimen, name: str, shape: tuple[int, ...]) -> tuple[int, int] | tuple[()]:
    """The row and column in the middle of a layer's map; empty for a layer without places."""
    row = next(row for row in summarize(upto(subject.net, name), shape) if row["name"] == name)
    return (row["output_shape"][0] // 2, row["output_shape"][1] // 2) if len(row["output_shape"]) == 3 else ()


def _patches(scene: Scene, name: str, field: Field) -> dict[int, list[page.Patch]]:
    """By filter, the real patches that excite it most."""
    if scene.real is None or not scene.config.patches:
        return {}
    subject, real = scene.subject, scene.real
    run = lambda pictures: run_taps(subject.net, subject.params, jnp.asarray(pictures), [name])[name]  # noqa: E731
    rectified = subject.net.layers[subject.net.names.index(name)].activation in ("relu", "linear")
    best = strongest(run, real.batches(AT_ONCE), scene.config.patches, above=0.0 if rectified else -np.inf)
    found = {}
    for index in scene.config.filters or range(len(best.values)):
        chosen = zip(best.picture[index], best.row[index], best.column[index], best.values[index], strict=True)
        found[index] = [
            page.Patch(crop(np.asarray(real.images[picture]), field, row, column), float(value), real.names[picture])
            for picture, row, column, value in chosen
            if picture >= 0
        ]
    return found


def _facts(scene: Scene) -> list[tuple[str, str]]:
    config, known = scene.config, environment()
    return [
        ("pictures", f"{scene.shape[0]} x {scene.shape[1]} x {scene.shape[2]}, {config.parameterization}"),
        ("climb", f"{config.steps} steps of Adam, rate {config.rate:g}, seed {config.seed}"),
        ("transforms", ", ".join(map(str, scene.plan.transforms)) or "none"),
        ("real pictures", "none" if scene.real is None else f"{len(scene.real.images):,}"),
        ("device", runtime.device_name()),
        ("commit", known["commit"]),
        ("versions", ", ".join(f"{name} {version}" for name, version in known["versions"].items())),
    ]


def _written(place: Path, shown: page.Microscope, config: Microscope) -> Path:
    """Write the page last, so that it is there only when all is."""
    for view in shown.layers:
        exemplars_of = [each.exemplar for each in view.filters]
        for name, png in layer_sheets(exemplars_of, [each.index for each in view.filters]).items():
            write_bytes(place / "sheets" / f"{view.name.replace('/', '_')}-{name}.png", png)
    write_json(place / "microscope.json", _record(shown, config))
    return write_text(place / "microscope.html", page.render(shown))


def _record(shown: page.Microscope, config: Microscope) -> dict[str, Any]:
    filters = {
        view.name: [
            {"filter": each.index, "status": each.status, "score": each.score, "says": each.says}
            for each in view.filters
        ]
        for view in shown.layers
    }
    hidden = ("maps",)
    tests = [
        {field.name: getattr(each, field.name) for field in dataclasses.fields(each) if field.name not in hidden}
        for each in shown.hypotheses
    ]
    return {
        "title": shown.title,
        "settings": dataclasses.asdict(config),
        "layers": filters,
        "hypotheses": tests,
    } | dict(environment())
