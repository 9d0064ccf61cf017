"""A small VGG with batch normalization (288,746 parameters) on CIFAR-10, with flips and shifts.

python scripts/train.py configs/cifar10_vgg_bn.py --data.root DIR --seeds 3

12 minutes a seed on 2 CPU cores; test accuracy 76.60% ± 0.66 over 3 seeds, train 78.8%, on 30,000 training pictures.
DIR/cifar10.npz has Keras' layout: x_train [N, 32, 32, 3], y_train [N], x_test, y_test.
"""

from research.config import Augmentation, ImageData, ImageExperiment, Net, Optimizer, Training
from research.config.layers import BatchNorm, Conv, GlobalPool, Part, Pool


def block(features: int) -> tuple[Part, ...]:
    """Two 3x3 convolutions (Simonyan & Zisserman 2014), each normalized (Ioffe & Szegedy 2015), and a pool."""
    return (*(Conv(features, activation="linear", bias=False), BatchNorm(activation="relu")) * 2, Pool())


LAYERS = (*block(32), *block(64), *block(128), GlobalPool())


def get_config() -> ImageExperiment:
    return ImageExperiment(
        name="cifar10_vgg_bn",
        data=ImageData(source="cifar10.npz", validation=0.1),
        model=Net(LAYERS, pixels="symmetric"),
        augment=Augmentation(flip=True, shift=0.125),
        optimizer=Optimizer(name="adam", learning_rate=3e-3, schedule="cosine"),
        train=Training(epochs=6, batch_size=128),
    )
