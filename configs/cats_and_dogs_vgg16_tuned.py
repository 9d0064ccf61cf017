"""Cats against dogs on 2,000 photos: from the end of cats_and_dogs_vgg16, VGG16's last block is trained, too (rung 4).

python scripts/train.py configs/cats_and_dogs_vgg16.py --data.root DIR
python scripts/train.py configs/cats_and_dogs_vgg16_tuned.py --data.root DIR

About 7 minutes on 2 CPU cores for the features below the block, and 5 for the training. With seed 0 the test accuracy
goes from 97.3% to 96.8%, and validation from 97.4% to 97.5%: the head of the first stage has learned the 2,000 photos
by heart, and without augmentation the block has nothing to learn from them. The course reports a little more than 97%.
"""

from research.config import ImageData, ImageExperiment, Optimizer, PretrainedNet, Training


def get_config() -> ImageExperiment:
    return ImageExperiment(
        name="cats_and_dogs_vgg16_tuned",
        start="runs/cats_and_dogs_vgg16",
        data=ImageData(source="cats_and_dogs_small", size=200),
        model=PretrainedNet(backbone="vgg16", pooling="flatten", hidden=(256,), dropout=0.5, fine_tune=3),
        optimizer=Optimizer(name="adam", learning_rate=1e-5, schedule="cosine"),
        train=Training(epochs=5, batch_size=32),
        published=(0.97, 0.98),
    )
