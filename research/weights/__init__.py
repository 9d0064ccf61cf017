"""Other people's weight files, read as plain arrays and mapped to our leaves by tables; nothing is executed.

from research.weights.load import load_weights
loaded = load_weights(path, {"block1_conv1/kernel": (3, 3, 3, 64), ...}, "vgg16")
"""
