"""Cats against dogs on 2,000 photos: as cats_and_dogs_vgg16, with VGG16's last block trained, too (rung 4).

python scripts/weights.py fetch vgg16 --data.root DIR
python scripts/train.py configs/cats_and_dogs_vgg16_tuned.py --data.root DIR --seeds 3

Keras' published weights are not part of this project; with them the course reports a little more than 97%.
"""

from research.config import ImageData, ImageExperiment, Optimizer, PretrainedNet, Training


def get_config() -> ImageExperiment:
    return ImageExperiment(
        name="cats_and_dogs_vgg16_tuned",
        data=ImageData(source="cats_and_dogs_small", size=150),
        model=PretrainedNet(backbone="vgg16", pooling="flatten", hidden=(256,), dropout=0.5, fine_tune=3),
        optimizer=Optimizer(name="adam", learning_rate=3e-5, schedule="cosine"),
        train=Training(epochs=15, batch_size=32),
        published=(0.97, 0.98),
    )
