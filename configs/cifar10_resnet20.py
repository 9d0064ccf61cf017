"""ResNet-20 (He et al. 2016; 269,722 parameters) on CIFAR-10, with flips and shifts.

python scripts/train.py configs/cifar10_resnet20.py --data.root DIR --seeds 3

15 minutes a seed on 2 CPU cores (shared); test accuracy 66.58% ± 0.98 over 3 seeds, train 68.3%, on 30,000 pictures.
DIR/cifar10.npz has Keras' layout: x_train [N, 32, 32, 3], y_train [N], x_test, y_test.
"""

from typing import Literal

from research.config import Augmentation, ImageData, ImageExperiment, Net, Optimizer, Training
from research.config.layers import BatchNorm, Conv, GlobalPool, Part, Residual, Subsample


def normed(features: int, stride: int = 1, activation: Literal["linear", "relu"] = "relu") -> tuple[Part, ...]:
    return Conv(features, stride=stride, activation="linear", bias=False), BatchNorm(activation=activation)


def block(features: int, narrows: bool = False) -> Residual:
    """Two convolutions and what they read (section 4.2); a block that narrows halves the sides."""
    shortcut = (Subsample(features),) if narrows else ()
    return Residual((*normed(features, 2 if narrows else 1), *normed(features, activation="linear")), shortcut)


LAYERS = (
    *normed(16),
    *(block(16), block(16), block(16)),
    *(block(32, narrows=True), block(32), block(32)),
    *(block(64, narrows=True), block(64), block(64)),
    GlobalPool(),
)


def get_config() -> ImageExperiment:
    return ImageExperiment(
        name="cifar10_resnet20",
        data=ImageData(source="cifar10.npz", validation=0.1),
        model=Net(LAYERS, pixels="symmetric"),
        augment=Augmentation(flip=True, shift=0.125),
        optimizer=Optimizer(name="adam", learning_rate=3e-3, schedule="cosine"),
        train=Training(epochs=3, batch_size=128),
    )
