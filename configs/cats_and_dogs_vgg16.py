"""Cats against dogs on 2,000 photos: VGG16's ImageNet features, frozen, under a dense head of our own (rung 3).

python scripts/weights.py fetch vgg16 --data.root DIR
python scripts/train.py configs/cats_and_dogs_vgg16.py --data.root DIR --seeds 3

About 7 minutes on 2 CPU cores for the features of 4,000 photos of 200 pixels, kept for the next time, and 10 seconds a
seed: test accuracy 97.23% +- 0.31 (3 seeds). Early stopping leaves the head as good on validation as 30 epochs do
(97.8% and 97.9%). Any file of the weights' known names under DIR/weights will do. The course reports about 97%.
"""

from research.config import ImageData, ImageExperiment, Optimizer, PretrainedNet, Training


def get_config() -> ImageExperiment:
    return ImageExperiment(
        name="cats_and_dogs_vgg16",
        data=ImageData(source="cats_and_dogs_small", size=200),
        model=PretrainedNet(backbone="vgg16", pooling="flatten", hidden=(256,), dropout=0.5),
        optimizer=Optimizer(name="adam", learning_rate=1e-4, schedule="cosine"),
        train=Training(epochs=30, batch_size=32, patience=5),
        published=(0.96, 0.975),
    )
