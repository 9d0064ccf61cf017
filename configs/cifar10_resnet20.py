"""ResNet-20 (269,722 parameters) on CIFAR-10, with flips and shifts.

python scripts/train.py configs/cifar10_resnet20.py --data.root DIR --seeds 3

DIR/cifar10.npz has Keras' layout: x_train [N, 32, 32, 3], y_train [N], x_test, y_test.
"""

from research.config import Augmentation, ImageData, ImageExperiment, Optimizer, ReadyNet, Training


def get_config() -> ImageExperiment:
    return ImageExperiment(
        name="cifar10_resnet20",
        data=ImageData(source="cifar10.npz", validation=0.1),
        model=ReadyNet(architecture="resnet20"),
        augment=Augmentation(flip=True, shift=0.125),
        optimizer=Optimizer(name="adam", learning_rate=3e-3, schedule="cosine"),
        train=Training(epochs=5, batch_size=128),
    )
