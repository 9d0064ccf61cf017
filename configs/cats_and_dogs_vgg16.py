"""Cats against dogs on 2,000 photos: VGG16's ImageNet features, frozen, under a dense head of our own (rung 3).

python scripts/weights.py fetch vgg16 --data.root DIR
python scripts/train.py configs/cats_and_dogs_vgg16.py --data.root DIR --seeds 3

Keras' published weights are not part of this project; with them the course reports about 97%.
"""

from research.config import ImageData, ImageExperiment, Optimizer, PretrainedNet, Training


def get_config() -> ImageExperiment:
    return ImageExperiment(
        name="cats_and_dogs_vgg16",
        data=ImageData(source="cats_and_dogs_small", size=150),
        model=PretrainedNet(backbone="vgg16", pooling="flatten", hidden=(256,), dropout=0.5),
        optimizer=Optimizer(name="adam", learning_rate=1e-4, schedule="cosine"),
        train=Training(epochs=30, batch_size=32),
        published=(0.96, 0.975),
    )
