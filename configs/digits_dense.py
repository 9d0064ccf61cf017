"""The course's dense net on scikit-learn's digits: what digits_cnn is compared with.

python scripts/compare.py configs/digits_dense.py configs/digits_cnn.py --seeds 5

2 s of training on 2 CPU cores; test accuracy 97.38% ± 0.15 over 5 seeds.
"""

from research.config import DenseNet, ImageData, ImageExperiment, Optimizer, Training


def get_config() -> ImageExperiment:
    return ImageExperiment(
        name="digits_dense",
        data=ImageData(source="digits", validation=0.1, test=0.2),
        model=DenseNet(hidden=(512,), dropout=0.2),
        optimizer=Optimizer(name="adam", learning_rate=1e-3, schedule="cosine"),
        train=Training(epochs=40, batch_size=64),
    )
