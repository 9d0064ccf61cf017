"""A convolutional net on scikit-learn's 1,797 real digits (8x8, embedded): the first thing to run.

python scripts/train.py configs/digits_cnn.py

2 s of training on 2 CPU cores; test accuracy 99.22% ± 0.23 over 5 seeds.
"""

from research.config import ConvNet, ImageData, ImageExperiment, Optimizer, Training


def get_config() -> ImageExperiment:
    return ImageExperiment(
        name="digits_cnn",
        data=ImageData(source="digits", validation=0.1, test=0.2),
        model=ConvNet(channels=(32, 64, 64), padding="same", hidden=(64,), dropout=0.4),
        optimizer=Optimizer(name="adam", learning_rate=3e-3, schedule="cosine"),
        train=Training(epochs=40, batch_size=64),
    )
