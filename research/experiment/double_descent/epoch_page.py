"""The peaks over steps and epochs, and the sections that show them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from research.config import EpochDescent
from research.experiment.double_descent.epochs import step_sizes
from research.experiment.double_descent.parts import Arrays
from research.experiment.double_descent.peaks import peak_fields
from research.report import formats
from research.report.double_descent import Curve, Panel, Section, Unit
from research.report.style import COLOURS, line
from research.report.tables import table

VARIANTS = ("one step size", "a step size for each group")


def peaks(config: EpochDescent, curves: Arrays) -> list[dict[str, Any]]:
    """The peaks of the measured risk with either step sizes, and of the net's test curves for each pair of factors."""
    found = [
        peak_fields(f"two scales, {name}: risk", "number", curves["two_scales/steps"], values)
        for name, values in zip(VARIANTS, curves["two_scales/measured"], strict=True)
    ]
    for measure, unit, label in _measures(config):
        for index, factors in enumerate(config.mlp.factors):
            name = f"net, {_factors(factors)}: {label}"
            found.append(peak_fields(name, unit, curves["mlp/epochs"], curves[f"mlp/{measure}"][index]))
    return found


def page(config: EpochDescent, curves: Arrays) -> list[Section]:
    """The sections of the page, in order."""
    return [_two_scales(config, curves), _net(config, curves)]


def _two_scales(config: EpochDescent, curves: Arrays) -> Section:
    linear, steps = config.two_scales, curves["two_scales/steps"]
    measured, closed = curves["two_scales/measured"], curves["two_scales/closed_form"]
    panels = [
        Panel(
            f"Risk with {name}",
            "steps of gradient descent",
            steps,
            [
                Curve("measured", measured[index], COLOURS[0], stop=True),
                Curve("closed form", closed[index][None], COLOURS[2], "--"),
            ],
            "plain",
            {},
        )
        for index, name in enumerate(VARIANTS)
    ]
    sizes, gap = step_sizes(linear), np.abs(measured.mean(axis=1) / closed - 1)
    starts = np.cumsum([0, *linear.features[:-1]])
    rows = [
        (
            name,
            " and ".join(f"{sizes[index, start]:.3g}" for start in starts),
            *(formats.measure(float(values[index])) for values in (measured.mean(axis=1).min(1), closed.min(1))),
            formats.measure(float(measured[index, :, -1].mean())),
            formats.percent(float(gap[index].max()), 1),
        )
        for index, name in enumerate(VARIANTS)
    ]
    titles = ("Step sizes", "Of the groups", "Least, measured", "Least, closed form", "At the end", "Largest gap")
    return Section(
        title="Two scales: two U shapes, added up",
        name="two_scales",
        text=(
            f"Linear regression by gradient descent on n = {linear.rows:,} rows with "
            f"{' + '.join(map(str, linear.features))} features of scales {' and '.join(map(str, linear.scales))}, and "
            f"noise of variance {linear.noise_variance:g} (Heckel & Yilmaz 2021). Each group of features has a risk "
            "in the shape of a U, but the groups learn at different times, and the sum falls, rises and falls again. "
            "With a step size for each group, chosen so that all reach their minimum at once, one U is left."
        ),
        caption=(
            "The expected squared error on new rows, a thin line per seed. Dashed: the closed form, which is exact for "
            "many more rows than features (the table has the largest gap). The circle is the minimum of "
            "the mean: early stopping at its best."
        ),
        panels=panels,
        numbers=table(titles, rows, words=2),
    )


def _net(config: EpochDescent, curves: Arrays) -> Section:
    epochs = curves["mlp/epochs"]
    panels = [
        Panel(
            f"Test {label} of a net on {config.noise:.0%} noisy labels",
            "epochs",
            epochs,
            [
                Curve(_factors(factors), curves[f"mlp/{measure}"][index], *line(index), stop=True)
                for index, factors in enumerate(config.mlp.factors)
            ],
            unit,
            {},
        )
        for measure, unit, label in _measures(config)
    ]
    rows = []
    for index, factors in enumerate(config.mlp.factors):
        error = curves["mlp/test_error"][index].mean(axis=0)
        learned = curves["mlp/train_error"][index].mean(axis=0)
        zero = np.flatnonzero(learned < 0.005)
        rows.append(
            (
                _factors(factors),
                f"{formats.percent(float(error.min()), 1)}\nat {epochs[error.argmin()]:,}",
                f"{formats.percent(float(error.max(where=np.arange(len(error)) > error.argmin(), initial=0)), 1)}",
                formats.percent(float(error[-1]), 1),
                f"{epochs[zero[0]]:,}" if len(zero) else formats.MISSING,
            )
        )
    titles = ("Learning rates", "Early stopping", "Worst after it", "At the end", "Noise learned by epoch")
    return Section(
        title="A net on noisy labels, over epochs",
        name="net_over_epochs",
        text=(
            f"A net of {config.mlp.width} hidden ReLU units on {config.rows} digits, with {config.noise:.0%} wrong "
            "labels, trained with Adam. It first learns what the digits have in common, then the wrong labels by "
            "heart. Early stopping ends before that. The other curves scale the learning rate of one layer."
        ),
        caption=(
            "A thin line per seed, a thick one for the mean. Circles are the minima of the means: early stopping at "
            "its best."
        ),
        panels=panels,
        numbers=table(titles, rows, words=1),
    )


def _measures(config: EpochDescent) -> Sequence[tuple[str, Unit, str]]:
    loss = config.mlp.loss.replace("_", " ")
    return (("test_error", "share", "error"), ("test_loss", "number", loss))


def _factors(factors: tuple[float, float]) -> str:
    hidden, output = factors
    if hidden == output:
        return "one learning rate" if hidden == 1 else f"both × {hidden:g}"
    scaled = [f"{layer} × {factor:g}" for layer, factor in (("hidden", hidden), ("output", output)) if factor != 1]
    return ", ".join(scaled)
