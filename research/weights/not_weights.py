"""Files and folders that are no weight files: the kind of each and advice, in words that follow its name."""

import re
from pathlib import Path

KNOWN = "Keras .h5, .weights.h5 or .keras; torch .pth; .safetensors; .npz"


def which_folder(path: Path) -> str:
    """The kind of a folder, and advice."""
    if (path / "saved_model.pb").exists():
        return "is a TensorFlow SavedModel, which is not read here; load it in Keras and save the model as NAME.h5"
    return f"is a folder, not a weight file; name the file in it ({KNOWN})"


def which_file(head: bytes) -> str:
    """The kind of a file that is no weight file, and advice."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return "is empty; download it again"
    if text.startswith(b"version https://git-lfs"):
        return "is a git-lfs pointer, not the weights; run `git lfs pull` where it comes from, or download the file"
    if text.startswith(b"<?xml") and b"<html" not in text:
        return "is an XML document, not a weight file: the download answered with an error; download the file itself"
    if text.startswith((b"<!", b"<html", b"<?xml", b"<head", b"<body")):
        return "is an HTML page, not a weight file: the download answered with a web page; download the file itself"
    if text.startswith((b"{", b"[")):
        return f"is {_which_json(text)}"
    if head[4:8] == b"TFL3":
        return "is a TensorFlow Lite model, which is not read here; take the Keras file that it was made from"
    if head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ")):
        return "is compressed; unpack it first"
    return f"is not a weight file that is known here ({KNOWN})"


def _which_json(text: bytes) -> str:
    """The kind of a JSON document that begins with `text` (in lower case), and advice."""
    if any(mark in text for mark in (b'"modeltopology"', b'"weightsmanifest"', b'"layers-model"', b'"graph-model"')):
        return (
            "a TensorFlow.js model.json, whose weights lie in other files and are not read here; take the Keras file "
            "that it was made from, or make one: tensorflowjs_converter --input_format=tfjs_layers_model "
            "--output_format=keras model.json NAME.h5"
        )
    if b'"weight_map"' in text:
        return "the index of weights that lie in several files; save them in one"
    if b'"class_name"' in text and b'"config"' in text:
        return "the description of a Keras model, without its weights; name the file of the weights"
    if b'"receptive-weights-' in text:
        return "the manifest of a weight file; name the .safetensors beside it"
    if re.match(rb'\{\s*"(?:message|errors?|detail|status|code)"', text):
        return "a JSON document, not a weight file: the download answered with an error; download the file itself"
    return "a JSON document, not a weight file; name the file of the weights"
