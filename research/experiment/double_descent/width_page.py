"""The peaks over widths and the sections that show them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from research.config import WidthDescent
from research.experiment.double_descent.parts import Arrays
from research.experiment.double_descent.peaks import peak_fields
from research.report import formats
from research.report.double_descent import Curve, Panel, Section
from research.report.style import COLOURS
from research.report.tables import table

DASHED, DOTTED = "--", ":"


def peaks(config: WidthDescent, curves: Arrays) -> list[dict[str, Any]]:
    """The peaks of all test curves, and of those that JAX's default cut-off gives."""
    at, found = np.asarray(config.features), []
    for solver, name in (("float64", "features"), ("float32_default", "features, JAX's default")):
        for index, noise in enumerate(config.noises):
            error, mse = (curves[f"features/{solver}/{measure}"][index] for measure in ("test_error", "test_mse"))
            found.append(peak_fields(f"{name}, {_noise(noise)}: error", "share", at, error))
            found.append(peak_fields(f"{name}, {_noise(noise)}: squared error", "number", at, mse))
    for index, noise in enumerate(config.noises):
        curve = f"net, {_noise(noise)}: error"
        found.append(peak_fields(curve, "share", np.asarray(config.mlp.widths), curves["mlp/test_error"][index]))
    return found


def page(config: WidthDescent, curves: Arrays) -> list[Section]:
    """The sections of the page, in order."""
    return [_errors(config, curves), _spectra(config, curves), _nets(config, curves)]


def _errors(config: WidthDescent, curves: Arrays) -> Section:
    at, lines = np.asarray(config.features), {"test_error": [], "test_mse": []}
    for measure, drawn in lines.items():
        for index, noise in enumerate(config.noises):
            exact = curves[f"features/float64/{measure}"][index]
            drawn.append(Curve(_noise(noise), exact, COLOURS[index % 6]))
    marks = {f"n = {config.rows}": float(config.rows)}
    panels = [
        Panel("Test error of random ReLU features", "features", at, lines["test_error"], "share", marks),
        Panel("Squared error on test rows", "features", at, lines["test_mse"], "number", marks),
    ]
    columns = [
        ("Error", curves["features/float64/test_error"]),
        ("Squared", curves["features/float64/test_mse"]),
        ("Squared, JAX", curves["features/float32_default/test_mse"]),
    ]
    titles, rows = _by_noise(config, config.features, columns)
    return Section(
        title="Random features: the peak is at the number of rows",
        name="random_features",
        text=(
            f"A first layer of random ReLU features is fixed, and {config.rows} digits are fitted by least squares of "
            "minimum norm, one regression for each of the 10 classes. The fit interpolates as soon as there are as "
            "many features as rows, and there the test error peaks: at n, not at n times the classes."
        ),
        caption=(
            "Test error over the number of features, solved in float64: a thin line per seed, a thick one for the mean."
        ),
        panels=panels,
        numbers=table(["Features", *titles], rows, words=0),
    )


def _spectra(config: WidthDescent, curves: Arrays) -> Section:
    at, marks = np.asarray(config.features), {f"n = {config.rows}": float(config.rows)}
    ratio = curves["features/float64/smallest"] / curves["features/float64/largest"]
    solvers = {"float64": "float64", "float32_eps": "float32, cut-off eps", "float32_default": "float32, JAX's default"}
    near = (at > 0.8 * config.rows) & (at < 1.25 * config.rows)
    by_solver = [
        Curve(label, curves[f"features/{solver}/test_mse"][-1].mean(axis=0, keepdims=True)[:, near], colour, stroke)
        for colour, stroke, (solver, label) in zip(COLOURS, ("-", DOTTED, DASHED), solvers.items(), strict=False)
    ]
    smallest = [Curve("float64", ratio, COLOURS[0])]
    error = f"Squared error on test rows near n, {_noise(config.noises[-1])}"
    panels = [
        Panel("Smallest singular value over the largest", "features", at, smallest, "number", marks),
        Panel(error, "features", at[near], by_solver, "number", marks),
    ]
    rows = [
        (
            formats.count(width),
            formats.decimal(float(np.median(curves["features/float64/smallest"][:, w]))),
            *(f"{curves[f'features/{solver}/rank'][:, w].mean():.1f}" for solver in solvers),
            *(
                formats.measure(float(curves[f"features/{solver}/test_mse"][v, :, w].mean()))
                for v in range(len(config.noises))
                for solver in ("float64", "float32_eps")
            ),
        )
        for w, width in enumerate(config.features)
    ]
    errors = [f"Squared, {name}\n{noise:.0%} noise" for noise in config.noises for name in ("float64", "float32 eps")]
    titles = ("Features", "Smallest\nsingular value", "Rank", "Rank\nfloat32 eps", "Rank\nJAX default", *errors)
    return Section(
        title="Why a default can hide it",
        name="spectrum",
        text=(
            "At n features the smallest singular value nears zero, and the solution divides by it. JAX's default "
            "drops singular values below 1.2e-7 times the larger side of the matrix, relative to the largest. That "
            "lowers the rank, and with it the peak. A cut-off of 1.2e-7 alone (rcond) keeps the peak in float32."
        ),
        caption=(
            "Above: the smallest singular value, a thin line per seed. Below: the mean errors of three solvers near n, "
            "where they differ."
        ),
        panels=panels,
        numbers=table(titles, rows, words=0),
    )


def _nets(config: WidthDescent, curves: Arrays) -> Section:
    at, drawn = np.asarray(config.mlp.widths), []
    for index, noise in enumerate(config.noises):
        drawn.append(Curve(f"test, {_noise(noise)}", curves["mlp/test_error"][index], COLOURS[index % 6]))
        train = curves["mlp/train_error"][index].mean(axis=0, keepdims=True)
        drawn.append(Curve(f"training, {_noise(noise)}", train, COLOURS[index % 6], DASHED))
    columns = [("Test error", curves["mlp/test_error"]), ("Training error", curves["mlp/train_error"])]
    titles, rows = _by_noise(config, config.mlp.widths, columns)
    return Section(
        title="A trained net over its width",
        name="trained_net",
        text=(
            f"The same rows, and nets of one hidden ReLU layer, all layers trained with Adam for {config.mlp.epochs} "
            "epochs. On noisy labels a peak is expected where the net is just wide enough to learn them by heart, so "
            "that its training error reaches zero (Nakkiran et al. 2020)."
        ),
        caption="Solid: test error, with a thin line per seed. Dashed: training error, against the noisy labels.",
        panels=[Panel("Error of a trained net", "hidden units", at, drawn, "share", {})],
        numbers=table(["Hidden units", *titles], rows, words=0),
    )


def _by_noise(
    config: WidthDescent, widths: Sequence[int], columns: Sequence[tuple[str, np.ndarray]]
) -> tuple[list[str], list[tuple[str, ...]]]:
    """Titles and rows of a table of means over seeds: of each column [V, S, W] one per noise; errors in percent."""
    titles = [f"{name}\n{noise:.0%} noise" for name, _ in columns for noise in config.noises]
    cells = []
    for name, values in columns:
        shown = (lambda mean: formats.percent(mean, 1)) if "error" in name.lower() else formats.measure
        cells += [[shown(float(mean)) for mean in of_noise.mean(axis=0)] for of_noise in values]
    return titles, list(zip(map(formats.count, widths), *cells, strict=True))


def _noise(share: float) -> str:
    return f"{share:.0%} noise" if share else "clean"
