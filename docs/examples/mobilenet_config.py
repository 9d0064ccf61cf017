"""A head on MobileNet, frozen: the weights are those that mobilenet_weights.py writes."""

from research.config import Custom, ImageData, ImageExperiment, Optimizer, PretrainedNet, Training


def get_config() -> ImageExperiment:
    return ImageExperiment(
        name="mobilenet",
        data=ImageData(source="cats_and_dogs_small", size=160),
        model=PretrainedNet(base=Custom("mobilenet.py:MobileNet"), weights="mobilenet.npz", dropout=0.3),
        optimizer=Optimizer(name="adam", learning_rate=3e-3, schedule="cosine"),
        train=Training(epochs=10, batch_size=32),
    )
