"""The course's convolutional net (93,322 parameters) on MNIST.

python scripts/train.py configs/mnist_cnn.py --data.root DIR --seeds 3

85 s a seed on 2 CPU cores; test accuracy 99.39% ± 0.05 over 3 seeds.
"""

from research.config import ConvNet, ImageData, ImageExperiment, Optimizer, Training


def get_config() -> ImageExperiment:
    return ImageExperiment(
        name="mnist_cnn",
        data=ImageData(source="mnist", validation=0.05),
        model=ConvNet(channels=(32, 64, 64), padding="valid", hidden=(64,), dropout=0.5),
        optimizer=Optimizer(name="adam", learning_rate=2e-3, schedule="cosine"),
        train=Training(epochs=12, batch_size=128),
    )
