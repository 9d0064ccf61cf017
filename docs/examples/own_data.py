"""Arrays in place of files: python docs/examples/own_data.py. It learns to tell standing bars from lying ones."""

import dataclasses

import numpy as np

from research import config, experiment


def bars(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy pictures [count, 8, 8] of bytes, and their labels [count]."""
    random = np.random.default_rng(seed)
    pictures = random.integers(0, 120, (count, 8, 8), np.uint8)
    pictures[np.arange(count), random.integers(0, 8, count)] = 255
    standing = random.random(count) < 0.5
    pictures[standing] = pictures[standing].transpose(0, 2, 1)
    return pictures, np.where(standing, "standing", "lying")


if __name__ == "__main__":
    settings = dataclasses.replace(config.load("configs/digits_cnn.py"), name="bars", train=config.Training(epochs=5))
    record = experiment.run(settings, "runs/bars", data=bars(600, seed=0))
    print(f"test accuracy: {record['metrics']['test']['accuracy']:.1%}")
    pictures, labels = bars(3, seed=1)
    for label, answer in zip(labels, experiment.predict("runs/bars", pictures), strict=True):
        print(label, answer)
