"""A kind of experiment with a loss of its own: python docs/examples/own_task.py. Classifiers with smoothed labels."""

import dataclasses
import functools
import sys
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import optax
import tyro

from research import experiment
from research.config import Augmentation, ConvNet, Experiment, ImageData, Training
from research.experiment.images import task as images
from research.experiment.images.task import *  # noqa: F403  all of a task, as pictures have it; `build` is replaced


@dataclasses.dataclass(frozen=True)
class SmoothedExperiment(Experiment):
    kind: Annotated[Literal["smoothed"], tyro.conf.Suppress] = "smoothed"
    data: ImageData = dataclasses.field(default_factory=ImageData)
    model: ConvNet = dataclasses.field(default_factory=ConvNet)
    augment: Augmentation = dataclasses.field(default_factory=Augmentation)
    published: None = None
    smoothing: float = 0.1
    """Share of each label's weight that all classes have in equal parts (Szegedy et al. 2016)."""


def smoothed(logits, labels, smoothing):
    """The names and values [B] that training measures; the first is minimized."""
    wanted = optax.smooth_labels(jax.nn.one_hot(labels, logits.shape[-1]), smoothing)
    right = (logits.argmax(axis=-1) == labels).astype(jnp.float32)
    return {"loss": optax.softmax_cross_entropy(logits, wanted), "accuracy": right}


def build(config, starts=None):
    plan = images.build(config, starts or {})
    return dataclasses.replace(plan, loss_fn=functools.partial(smoothed, smoothing=config.smoothing))


# In the library this file would be research/experiment/smoothed/task.py, where the kind's name leads to it.
sys.modules["research.experiment.smoothed.task"] = sys.modules[__name__]

if __name__ == "__main__":
    settings = SmoothedExperiment(name="smoothed", model=ConvNet(padding="same"), train=Training(epochs=5))
    record = experiment.run(settings, "runs/smoothed")
    print(f"test accuracy: {record['metrics']['test']['accuracy']:.1%}")
