"""Random ReLU features: a first layer drawn once and never trained, and a least squares fit of the second.

Belkin, Hsu, Ma & Mandal 2019, "Reconciling modern machine-learning practice and the classical bias-variance
trade-off"; Hastie, Montanari, Rosset & Tibshirani 2022, "Surprises in high-dimensional ridgeless least squares
interpolation". Each output is a regression of its own on the same F features, so the fit interpolates from F = n on,
however many outputs there are. There the smallest singular value nears zero and the test error peaks.

A cut-off hides that peak: `jnp.linalg.lstsq` and `pinv` compute in float32 and drop singular values below
eps * max(n, F) times the largest, 1e-3 at F = 8,000. Give them `rcond`, or solve in float64 as is done here. `CUTS`
shows what each choice makes of the same features.

Shapes: n training rows, N test rows, D inputs, F features, K outputs.
"""

from typing import NamedTuple

import jax
import numpy as np

from research.keys import key

EPS32 = float(np.finfo(np.float32).eps)


class Cut(NamedTuple):
    """The precision of a solver, and the share of the largest singular value below which it drops others.

    `rcond` None is the default of NumPy and JAX alike: eps * max(n, F) of the precision.
    """

    precision: type[np.floating]
    rcond: float | None


CUTS = {
    "float64": Cut(np.float64, None),
    "float32_default": Cut(np.float32, None),  # what JAX does
    "float32_eps": Cut(np.float32, EPS32),
}


class Spectrum(NamedTuple):
    """The singular value decomposition of features [n, F], with m = min(n, F)."""

    left: np.ndarray  # [n, m]
    values: np.ndarray  # [m], descending
    right: np.ndarray  # [m, F]
    rank: int  # values above the cut-off


def kernel(seed: int, inputs: int, features: int) -> np.ndarray:
    """The fixed first layer [D, F], normal with variance 1/D; fewer features of a seed are the first of more."""
    drawn = jax.random.normal(key(seed, "random features"), (features, inputs)) / np.sqrt(inputs)
    return np.asarray(drawn, np.float64).T


def features(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """relu(x W), float64 [n, F], of rows `x` [n, D] and weights [D, F]."""
    return np.maximum(np.asarray(x, np.float64) @ weights, 0.0)


def spectrum(matrix: np.ndarray, cut: Cut = CUTS["float64"]) -> Spectrum:
    """The decomposition of `matrix` [n, F] in the precision of `cut`, and the rank above its cut-off.

    Raises ValueError where the matrix is not finite.
    """
    if not np.isfinite(matrix).all():
        raise ValueError("the features are not finite")
    left, values, right = np.linalg.svd(matrix.astype(cut.precision), full_matrices=False)
    share = np.finfo(cut.precision).eps * max(matrix.shape) if cut.rcond is None else cut.rcond
    return Spectrum(left, values, right, int((values > share * values.max(initial=0.0)).sum()))


def solution(of: Spectrum, targets: np.ndarray) -> np.ndarray:
    """The least squares solution of minimum norm, [F, K], for `targets` [n, K], in the precision of the spectrum."""
    kept = slice(0, of.rank)
    projected = of.left[:, kept].T @ targets.astype(of.values.dtype)
    return of.right[kept].T @ (projected / of.values[kept, None])


def errors(predicted: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The share of rows classified wrongly and the mean squared error of `predicted` [..., N, K], by one-hot targets.

    The squared error is summed over the K outputs and averaged over rows.
    """
    wrong = predicted.argmax(axis=-1) != targets.argmax(axis=-1)
    return wrong.mean(axis=-1), np.square(predicted - targets).sum(axis=-1).mean(axis=-1)
