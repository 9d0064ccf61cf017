"""MyNet of my_net.py on the embedded digits.

python scripts/train.py docs/examples/my_config.py
"""

from research.config import Custom, ImageData, ImageExperiment, Optimizer, Training


def get_config() -> ImageExperiment:
    return ImageExperiment(
        name="my_config",
        data=ImageData(source="digits"),
        model=Custom("my_net.py:MyNet", {"width": 16}),
        optimizer=Optimizer(name="adam", learning_rate=3e-3, schedule="cosine"),
        train=Training(epochs=10, batch_size=64),
    )
