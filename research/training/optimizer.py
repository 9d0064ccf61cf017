"""The optimizer and its schedule from the configuration, by optax alone."""

import fnmatch
import functools
from collections.abc import Hashable, Sequence
from typing import Any

import jax
import optax

from research.config import Optimizer
from research.trees import leaf_name


def build_optimizer(config: Optimizer, *, total_steps: int, steps_per_epoch: int) -> optax.GradientTransformation:
    """The gradient transformation that `config` asks for, its schedule spread over `total_steps`.

    A new optimizer is a row here, and a name in `research.config.Optimizer`.
    """
    rate = build_schedule(config, total_steps=total_steps, steps_per_epoch=steps_per_epoch)
    core = {
        "adam": lambda: optax.adam(rate),
        "adamw": lambda: optax.adamw(rate, weight_decay=config.weight_decay),
        "sgd": lambda: optax.sgd(rate, momentum=config.momentum or None),
        "rmsprop": lambda: optax.rmsprop(rate),
    }[config.name]()
    before = [] if config.clip_norm is None else [optax.clip_by_global_norm(config.clip_norm)]
    after = [scaled_groups(config.rates)] if config.rates else []
    return optax.chain(*before, core, *after) if before or after else core


def scaled_groups(rates: Sequence[tuple[str, float]]) -> optax.GradientTransformation:
    """Updates times the factor of the first (pattern, factor) of `rates` that matches their name; others unchanged."""
    groups: dict[Hashable, Any] = {index: optax.scale(factor) for index, (_, factor) in enumerate(rates)}
    labels = functools.partial(jax.tree_util.tree_map_with_path, lambda path, _: group_of(leaf_name(path), rates))
    return optax.partition(groups | {len(rates): optax.identity()}, labels)


def group_of(name: str, rates: Sequence[tuple[str, float]]) -> int:
    """The index of the first of `rates` whose pattern matches the leaf `name`; `len(rates)` where none does."""
    matched = (index for index, (pattern, _) in enumerate(rates) if fnmatch.fnmatchcase(name, pattern))
    return next(matched, len(rates))


def build_schedule(config: Optimizer, *, total_steps: int, steps_per_epoch: int) -> optax.Schedule:
    """Learning rate as a function of the step: a linear warm-up, then the decay to `final_share` of the peak."""
    warmup = min(round(config.warmup_epochs * steps_per_epoch), total_steps)
    peak, steps = config.learning_rate, max(total_steps - warmup, 1)
    after = {
        "constant": lambda: optax.constant_schedule(peak),
        "cosine": lambda: optax.cosine_decay_schedule(peak, steps, alpha=config.final_share),
        "linear": lambda: optax.linear_schedule(peak, peak * config.final_share, steps),
        "exponential": lambda: optax.exponential_decay(peak, steps, config.final_share),
    }[config.schedule]()
    return optax.join_schedules([optax.linear_schedule(0.0, peak, warmup), after], [warmup]) if warmup else after
