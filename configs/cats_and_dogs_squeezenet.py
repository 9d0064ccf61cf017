"""Cats against dogs on 2,000 photos: SqueezeNet's ImageNet features, frozen, under a head of our own (step 3).

python scripts/train.py configs/cats_and_dogs_squeezenet.py --data.root DIR --seeds 3

2 s a seed on 2 CPU cores after 110 s for the features, once; test accuracy 95.57% ± 0.12 over 3 seeds.
"""

from research.config import ImageData, ImageExperiment, Optimizer, PretrainedNet, Training


def get_config() -> ImageExperiment:
    return ImageExperiment(
        name="cats_and_dogs_squeezenet",
        data=ImageData(source="cats_and_dogs_small", size=200),
        model=PretrainedNet(backbone="squeezenet", pooling="avg", hidden=(), dropout=0.3),
        optimizer=Optimizer(name="adam", learning_rate=3e-4, schedule="cosine"),
        train=Training(epochs=40, batch_size=32),
        published=(0.96, 0.975),
    )
