"""Random ReLU features: a first layer drawn once and never trained, and a least squares fit of the second.

Belkin, Hsu, Ma & Mandal 2019, "Reconciling modern machine-learning practice and the classical bias-variance
trade-off"; Hastie, Montanari, Rosset & Tibshirani 2022, "Surprises in high-dimensional ridgeless least squares
interpolation". Each output is a regression of its own on the same F features, so the fit interpolates from F = n on,
however many outputs there are. There the smallest singular value nears zero and the test error peaks.

A cut-off hides that peak: JAX's default drops singular values below eps * max(n, F) times the largest, in float32
about 1e-3 at F = 8,000. `spectrum` and `solution` therefore solve in float64 on the host, with NumPy's own cut-off,
and `float32_fits` shows what JAX answers with its default and with a cut-off of eps.

Shapes: n training rows, N test rows, D inputs, F features, K outputs.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from research.keys import key

EPS32, EPS64 = float(np.finfo(np.float32).eps), float(np.finfo(np.float64).eps)


class Spectrum(NamedTuple):
    """The singular value decomposition of features [n, F] in float64, with m = min(n, F)."""

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


def spectrum(matrix: np.ndarray, rcond: float | None = None) -> Spectrum:
    """The decomposition of `matrix` [n, F], and its rank: singular values above `rcond` times the largest.

    `rcond` is eps * max(n, F) of float64 by default, as in `numpy.linalg.lstsq`. Raises ValueError where the matrix is
    not finite.
    """
    if not np.isfinite(matrix).all():
        raise ValueError("the features are not finite")
    left, values, right = np.linalg.svd(np.asarray(matrix, np.float64), full_matrices=False)
    cut = (EPS64 * max(matrix.shape) if rcond is None else rcond) * values.max(initial=0.0)
    return Spectrum(left, values, right, int((values > cut).sum()))


def solution(of: Spectrum, targets: np.ndarray) -> np.ndarray:
    """The least squares solution of minimum norm, [F, K], for `targets` [n, K]."""
    kept = slice(0, of.rank)
    return of.right[kept].T @ ((of.left[:, kept].T @ targets) / of.values[kept, None])


@jax.jit
def float32_fits(matrix: jax.Array, targets: jax.Array) -> dict[str, tuple[jax.Array, jax.Array]]:
    """`jnp.linalg.lstsq` in float32 with its "default" cut-off, eps * max(n, F), and with "eps": solution and rank.

    `matrix` is [n, F], `targets` [n, K], a solution [F, K].
    """
    cuts = {"default": None, "eps": EPS32}
    found = {name: jnp.linalg.lstsq(matrix, targets, rcond=cut) for name, cut in cuts.items()}
    return {name: (solution, rank) for name, (solution, _, rank, _) in found.items()}


def errors(predicted: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The share of rows classified wrongly and the mean squared error of `predicted` [..., N, K], by one-hot targets.

    The squared error is summed over the K outputs and averaged over rows.
    """
    wrong = predicted.argmax(axis=-1) != targets.argmax(axis=-1)
    return wrong.mean(axis=-1), np.square(predicted - targets).sum(axis=-1).mean(axis=-1)
