"""The digit net of mnist_cnn in three epochs.

python scripts/train.py configs/mnist_cnn_short.py --data.root DIR --seeds 3

22 s a seed on 2 CPU cores; test accuracy 99.10% ± 0.07 over 3 seeds.
"""

from research.config import ConvNet, ImageData, ImageExperiment, Optimizer, Training


def get_config() -> ImageExperiment:
    return ImageExperiment(
        name="mnist_cnn_short",
        data=ImageData(source="mnist", validation=0.05),
        model=ConvNet(channels=(32, 64, 64), padding="valid", hidden=(64,), dropout=0.3),
        optimizer=Optimizer(name="adam", learning_rate=2e-3, schedule="cosine"),
        train=Training(epochs=3, batch_size=128),
    )
