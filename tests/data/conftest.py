"""What the data room's tests share: refusals, writers of small files, drawn pictures, a mirror that misbehaves."""

import gzip
import io
import json
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest


@pytest.fixture(scope="session")
def idx_bytes():
    """An array as the content of an idx file, written here apart from the reader under test."""

    def content(array, magic=None):
        array = np.asarray(array, np.uint8)
        head = struct.pack(">I", 0x800 | array.ndim if magic is None else magic)
        return head + b"".join(struct.pack(">I", length) for length in array.shape) + array.tobytes()

    return content


@pytest.fixture(scope="session")
def idx_folder(idx_bytes):
    """Writes images and labels as PREFIX-images-idx3-ubyte and its companion."""

    def write(folder, images, labels, prefix="train", zipped=True):
        folder.mkdir(exist_ok=True, parents=True)
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            content, path = idx_bytes(array), folder / f"{prefix}-{name}-ubyte"
            path.with_name(path.name + ".gz" * zipped).write_bytes(gzip.compress(content) if zipped else content)
        return folder

    return write


@pytest.fixture(scope="session")
def drawings(draw):
    """Twelve pictures as MNIST is made: light strokes at most 20 of 28 pixels long, centred by mass, soft edges."""
    return draw(44)


@pytest.fixture(scope="session")
def draw():
    """`draw(width)`: the `drawings`, with strokes of that width where a drawing is 320 long at most."""
    return _drawn


def _drawn(width):
    from PIL import Image, ImageDraw

    generator = np.random.default_rng(5)
    pictures = []
    for index in range(12):
        big = Image.new("L", (400, 400))
        pen = ImageDraw.Draw(big)
        corners = [tuple(map(int, generator.integers(40, 360, 2))) for _ in range(4)]
        pen.line(corners, fill=255, width=width, joint="curve")
        if index % 2:
            pen.ellipse((60, 120, 260, 330), outline=255, width=width)
        cut = big.crop(big.getbbox())
        share = 20 / max(cut.size)
        small = np.asarray(cut.resize([max(1, round(side * share)) for side in cut.size], Image.Resampling.BOX))
        weights = small.astype(float) / small.sum()
        row = (weights.sum(axis=1) * (np.arange(small.shape[0]) + 0.5)).sum()
        column = (weights.sum(axis=0) * (np.arange(small.shape[1]) + 0.5)).sum()
        top, left = (
            int(np.clip(round(14 - middle), 0, 28 - side))
            for middle, side in zip((row, column), small.shape, strict=True)
        )
        picture = np.zeros((28, 28), np.uint8)
        picture[top : top + small.shape[0], left : left + small.shape[1]] = small
        pictures.append(picture)
    return np.stack(pictures)[..., None]


class _Mirror:
    """A server of files on 127.0.0.1. Set its fields to make it misbehave; `asked` holds (path, Range header)."""

    def __init__(self):
        self.files = {}
        self.asked = []
        self.break_after = None  # bytes of a body, then the connection is cut
        self.ranges = True
        self.tells_length = True
        self.kind = "application/octet-stream"
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):  # the name that http.server calls
                mirror.answer(self)

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, handler):
        wanted = handler.headers.get("Range")
        self.asked.append((handler.path, wanted))
        content = self.files.get(handler.path)
        if content is None:
            handler.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        if start and start >= len(content):
            handler.send_error(416)
            return
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        handler.send_header("Content-Type", self.kind)
        if self.tells_length:
            handler.send_header("Content-Length", str(len(content) - start))
        handler.end_headers()
        handler.wfile.write(content[start:][: self.break_after])


@pytest.fixture
def new_mirror():
    """Makes mirrors, and shuts them when the test is over."""
    mirrors = []

    def make(**files):
        mirror = _Mirror()
        mirror.files = {f"/{name}": content for name, content in files.items()}
        # Polled often: shutting down waits for one poll.
        thread = threading.Thread(target=mirror.server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        mirrors.append((mirror, thread))
        return mirror

    yield make
    for mirror, thread in mirrors:
        mirror.server.shutdown()
        mirror.server.server_close()
        thread.join()


@pytest.fixture(scope="session")
def catalogue_set():
    """Writes a prepared tfds set by hand, no TensorFlow needed: {split: (images, labels)} at ROOT/tfds/NAME/VERSION."""
    from array_record.python.array_record_module import ArrayRecordWriter
    from PIL import Image
    from tensorflow_datasets.proto import tf_example_pb2

    def png(picture):
        file = io.BytesIO()
        Image.fromarray(picture.squeeze()).save(file, "PNG")
        return file.getvalue()

    def record(picture, label):
        example = tf_example_pb2.Example()
        example.features.feature["image"].bytes_list.value.append(png(picture))
        example.features.feature["label"].int64_list.value.append(int(label))
        return example.SerializeToString()

    def write(root, splits, name="tiny", version="1.0.0", classes=("cat", "dog"), label="label"):
        base = name.split("/")[0]
        folder = root / "tfds" / name / version
        folder.mkdir(parents=True)
        for split, (images, labels) in splits.items():
            writer = ArrayRecordWriter(str(folder / f"{base}-{split}.array_record-00000-of-00001"), "group_size:1")
            for picture, answer in zip(images, labels, strict=True):
                writer.write(record(picture, answer))
            writer.close()
        kind = "tensorflow_datasets.core.features."
        depth = str(next(iter(splits.values()))[0][0].shape[-1])
        features = {
            "image": {
                "image": {"dtype": "uint8", "shape": {"dimensions": ["-1", "-1", depth]}},
                "pythonClassName": f"{kind}image_feature.Image",
            },
            label: {
                "classLabel": {"numClasses": str(len(classes))},
                "pythonClassName": f"{kind}class_label_feature.ClassLabel",
            },
        }
        whole = {"featuresDict": {"features": features}, "pythonClassName": f"{kind}features_dict.FeaturesDict"}
        (folder / "features.json").write_text(json.dumps(whole))
        (folder / f"{label}.labels.txt").write_text("\n".join(classes) + "\n")
        described = [
            {
                "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
                "name": split,
                "numBytes": "1",
                "shardLengths": [str(len(labels))],
            }
            for split, (_, labels) in splits.items()
        ]
        info = {"fileFormat": "array_record", "name": base, "splits": described, "version": version}
        (folder / "dataset_info.json").write_text(json.dumps(info))
        return folder

    return write
