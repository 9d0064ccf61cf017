"""What make.py and the tests share: weights and pictures from fixed random streams, and the digest of an activation.

Only a generator's raw bits are used, which NumPy keeps the same for ever (its distributions it may change, NEP 19).
"""

import hashlib
import math

import numpy as np

CAFFE_BIAS, TORCH_BIAS = 10.0, 0.5  # biases go to +- these, a tenth of the activations and more
SAMPLES = 256  # values kept of an activation
STEP = 10_007  # positions between them: a prime, so that all positions and channels are met
WIDTHS = (64, 64, "pool", 128, 128, "pool", *(256,) * 3, "pool", *(512,) * 3, "pool", *(512,) * 3, "pool")
FIRES = {3: (64, 16, 64), 4: (128, 16, 64), 6: (128, 32, 128), 7: (256, 32, 128)}
FIRES |= {9: (256, 48, 192), 10: (384, 48, 192), 11: (384, 64, 256), 12: (512, 64, 256)}


def picture(name, count, height, width):
    """RGB bytes [count, height, width, 3]; channels of unlike means, as those of photos."""
    bits = _bits(name, count * height * width * 3).reshape(count, height, width, 3)
    return (bits // np.array([1, 2, 3], np.uint8)).astype(np.uint8)


def digest(activation):
    """[2 + SAMPLES]: the mean, the Euclidean norm and sampled values of an activation."""
    flat = np.asarray(activation, np.float64).ravel()
    sampled = flat[np.arange(min(SAMPLES, flat.size)) * STEP % flat.size]
    return np.concatenate([[flat.mean(), np.linalg.norm(flat)], sampled]).astype(np.float32)


def distance(found, wanted):
    """The largest of the relative errors of two digests: of the mean, the norm, and the samples in L2."""
    found, wanted = found.astype(np.float64), wanted.astype(np.float64)
    ends = (slice(0, 1), slice(1, 2), slice(2, None))
    return max(np.linalg.norm(found[end] - wanted[end]) / np.linalg.norm(wanted[end]) for end in ends)


def torch_vgg16_shapes():
    """{name in torchvision's state dict: shape}, in torch's axes: features are conv, relu, ..., pool."""
    shapes, index, channels = {}, 0, 3
    for width in WIDTHS:
        if width == "pool":
            index += 1
            continue
        shapes |= {f"features.{index}.weight": (width, channels, 3, 3), f"features.{index}.bias": (width,)}
        index, channels = index + 2, width
    for index, shape in {0: (4096, 512 * 7 * 7), 3: (4096, 4096), 6: (1000, 4096)}.items():
        shapes |= {f"classifier.{index}.weight": shape, f"classifier.{index}.bias": shape[:1]}
    return shapes


def torch_squeezenet_shapes():
    """{name in the state dict of torchvision's squeezenet1_1: shape}."""
    convs = {"features.0": (64, 3, 3, 3)}
    for index, (channels, squeezed, expanded) in FIRES.items():
        convs[f"features.{index}.squeeze"] = (squeezed, channels, 1, 1)
        convs[f"features.{index}.expand1x1"] = (expanded, squeezed, 1, 1)
        convs[f"features.{index}.expand3x3"] = (expanded, squeezed, 3, 3)
    convs["classifier.1"] = (1000, 512, 1, 1)
    return {
        f"{name}.{part}": shape if part == "weight" else shape[:1]
        for name, shape in convs.items()
        for part in ("weight", "bias")
    }


def keras_weight(name, shape):
    """The leaf LAYER/kernel or LAYER/bias of a net of Keras, kernels in its axes [..., in, out]."""
    return _weight(f"keras/{name}", shape, math.prod(shape[:-1]), CAFFE_BIAS)


def torch_state(shapes):
    """A state dict of `shapes`, by name, kernels in torch's axes [out, in, ...]."""
    return {name: _weight(f"torch/{name}", shape, math.prod(shape[1:]), TORCH_BIAS) for name, shape in shapes.items()}


def _weight(name, shape, fan_in, bias):
    """Float32: kernels He-uniform (He et al. 2015, eq. 10: variance 2 / fan_in), biases uniform in +-`bias`."""
    limit = math.sqrt(6 / fan_in) if len(shape) > 1 else bias
    bits = _bits(name, math.prod(shape) * 4).view("<u4")
    unit = (bits >> 8).astype(np.float32) * np.float32(2**-23) - np.float32(1)
    return (unit * np.float32(limit)).reshape(shape)


def _bits(name, count):
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "little")
    return np.random.Philox(key=key).random_raw(-(-count // 8)).astype("<u8").view(np.uint8)[:count]
