"""An objective of gradient ascent: python docs/examples/own_objective.py. A picture between a 3 and an 8, to a net."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from research import config, experiment
from research.ascent.gradient_ascent import gradient_ascent
from research.ascent.objectives import Objective, stacked
from research.ascent.parameterizations import Pixels
from research.ascent.steps import AscentConfig


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Both(Objective):
    """The lesser of two classes' log-probabilities: it is greatest where the net finds both equally likely."""

    first: jax.Array
    second: jax.Array

    def score(self, taps):
        scores = jax.nn.log_softmax(taps["logits"])  # [pictures, classes]
        return jnp.minimum(scores[:, self.first], scores[:, self.second]).mean()


if __name__ == "__main__":
    settings = dataclasses.replace(config.load("configs/digits_cnn.py"), name="ambiguous")
    experiment.run(settings, "runs/ambiguous")
    net = experiment.load("runs/ambiguous")

    def activations(variables, pictures):  # what `score` gets, by name
        return {"logits": net.apply(variables, pictures)}

    objectives = stacked([Both(jnp.int32(3), jnp.int32(8))])
    keys = jax.random.split(jax.random.key(0), 1)
    [(_, found)] = gradient_ascent(
        activations, net.variables, objectives, Pixels((8, 8, 1)), keys, AscentConfig(steps=64)
    )
    picture = found.pictures[0, 0]  # [8, 8, 1], 0 to 255
    shares = jax.nn.softmax(net.apply(net.variables, picture[None])[0])
    print(f"3: {shares[3]:.1%}, 8: {shares[8]:.1%}")
    Image.fromarray(np.uint8(picture[..., 0].round())).save("runs/ambiguous/both.png")
