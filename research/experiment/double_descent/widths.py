"""Double descent over widths: random features by least squares, and a trained net of one hidden layer."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from research.config import WidthDescent
from research.double_descent import mlp, random_features
from research.double_descent.mlp import Split
from research.double_descent.random_features import CUTS
from research.errors import UserError
from research.experiment.double_descent.digits import CLASSES, check_rows, seed_splits, seeds_of
from research.experiment.double_descent.parts import Arrays, Part

SPREAD = 1.5  # the widest net of a program over the narrowest: narrow ones are padded
Show = Callable[[str, int, int], None]


def check(config: WidthDescent) -> None:
    """UserError for widths that do not increase, equal noises, or rows that are not there."""
    check_rows(config)
    for flag, values in (("features", config.features), ("mlp.widths", config.mlp.widths), ("noises", config.noises)):
        if list(values) != sorted(set(values)):
            raise UserError(f"--{flag} must increase; got {' '.join(map(str, values))}")
    if max(config.features) < 3 or len(config.features) < 3 or len(config.mlp.widths) < 3:
        raise UserError("a peak has a width on either side: give three or more of --features and of --mlp.widths")


def curves(config: WidthDescent, part: Part, show: Show) -> Arrays:
    """All curves, by V noises, S seeds and W widths.

    features/CUT/test_error, test_mse, train_mse [V, S, W], and rank, smallest, largest (singular values) [S, W], for
    each of `random_features.CUTS`
    mlp/test_error, test_loss, train_error, train_loss [V, S, W]
    """
    splits = seed_splits(config, config.noises)
    of_features = _features(config, splits, part, show)
    return of_features | _mlp(config, splits, part, show)


def _features(config: WidthDescent, splits: Split, part: Part, show: Show) -> Arrays:
    widest = max(config.features)
    inputs = splits.x.shape[-1]
    kernels = [random_features.kernel(seed, inputs, widest) for seed in seeds_of(config)]
    of_seeds = [jax.tree.map(lambda leaf, at=at: np.asarray(leaf[at]), splits) for at in range(config.seeds)]
    found = []
    for done, width in enumerate(config.features):
        show("random features", done, len(config.features))

        found.append(part(f"features_{width}", partial(_fit_seeds, of_seeds, kernels, width)))
    show("random features", len(config.features), len(config.features))
    stacked = {name: np.stack([at[name] for at in found], axis=-1) for name in found[0]}
    return {f"features/{name}": _noises_first(array) for name, array in stacked.items()}


def _fit_seeds(splits: Sequence[Split], kernels: Sequence[np.ndarray], width: int) -> Arrays:
    """The fits of all seeds side by side, arrays [S, ...], each on one thread.

    OpenBLAS' own threads wait in a busy loop: where others use the cores, that makes a decomposition 40 times slower.
    """
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    cut = [kernel[:, :width] for kernel in kernels]
    with threadpool_limits(1, "blas"), ThreadPoolExecutor() as pool:
        return _joined(list(pool.map(_fit, splits, cut)))


def _fit(split: Split, kernel: np.ndarray) -> Arrays:
    """The fits of one seed and width by all solvers, for all noises at once: arrays [V], and scalars."""
    train, test = (random_features.features(np.asarray(x), kernel) for x in (split.x, split.test_x))
    targets = np.concatenate(split.y, axis=-1).astype(np.float64)  # [n, V K]: a regression each
    found: Arrays = {}
    for solver, cut in CUTS.items():
        of = random_features.spectrum(train, cut)
        fit = random_features.solution(of, targets).astype(np.float64)
        by_noise = np.stack(np.split(fit, len(split.y), axis=-1))  # [V, F, K]
        error, mse = random_features.errors(test @ by_noise, np.asarray(split.test_y))
        train_mse = random_features.errors(train @ by_noise, np.asarray(split.y))[1]
        values = {"test_error": error, "test_mse": mse, "train_mse": train_mse, "rank": np.asarray(of.rank)}
        values |= {"smallest": of.values[-1], "largest": of.values[0]}
        found |= {f"{solver}/{name}": value for name, value in values.items()}
    return found


def _mlp(config: WidthDescent, splits: Split, part: Part, show: Show) -> Arrays:
    groups, seeds, count = list(_groups(config.mlp.widths)), jnp.asarray(seeds_of(config)), len(config.noises)
    found = []
    for done, widths in enumerate(groups):
        show("trained nets", done, len(groups))

        def train(widths: Sequence[int] = widths) -> Arrays:
            variants = [width for width in widths for _ in range(count)]
            repeated = splits._replace(y=jnp.tile(splits.y, (1, len(widths), 1, 1)))
            nets = mlp.initial_nets(seeds, variants, inputs=splits.x.shape[-1], classes=CLASSES)
            rates = mlp.uniform_rates(config.mlp.learning_rate, len(variants))
            records, size = jnp.asarray([config.mlp.epochs]), config.mlp.batch_size
            measured = mlp.train(nets, repeated, seeds, rates, records, loss=config.mlp.loss, batch_size=size)
            return {
                name: np.asarray(array)[..., 0].reshape(config.seeds, len(widths), count)
                for name, array in measured._asdict().items()
            }

        found.append(part(f"mlp_{widths[0]}_to_{widths[-1]}", train))
    show("trained nets", len(groups), len(groups))
    return {f"mlp/{name}": np.moveaxis(np.concatenate([at[name] for at in found], 1), -1, 0) for name in found[0]}


def _groups(widths: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The widths that one program trains: consecutive ones within a factor of `SPREAD`."""
    start = 0
    for end in range(1, len(widths) + 1):
        if end == len(widths) or widths[end] > SPREAD * widths[start]:
            yield tuple(widths[start:end])
            start = end


def _joined(seeds: Sequence[Arrays]) -> Arrays:
    return {name: np.stack([of[name] for of in seeds]) for name in seeds[0]}


def _noises_first(array: np.ndarray) -> np.ndarray:
    """[S, V, W] as [V, S, W]; [S, W] as it is."""
    return array.swapaxes(0, 1) if array.ndim == 3 else array
