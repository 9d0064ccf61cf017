"""A trained picture classifier as a file of Keras or PyTorch, checked against ours before it is written."""

import importlib.util
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from research.errors import UserError
from research.experiment.images.keras_model import keras_model
from research.experiment.images.torch_module import torch_source, torch_state
from research.experiment.trained import Trained
from research.files import write_bytes, write_text
from research.trees import named_leaves

PICTURES = 4  # of random pixels that both nets run on
TOLERANCE = 1e-4  # of the outputs' norm: float32 through VGG16's 16 layers, whichever way they are computed


def save_keras(found: Trained, path: Path) -> list[Path]:
    """Write a Keras model to NAME.keras or NAME.h5; UserError without Keras, or for a layer that it lacks."""
    model = keras_model(found.net, _leaves(found), found.preprocessing["shape"])  # pyright: ignore[reportArgumentType]
    _compare(found, np.asarray(model(_pictures(found).astype(np.float32))), "Keras")
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / path.name
        model.save(written)
        return [write_bytes(path, written.read_bytes())]


def save_torch(found: Trained, path: Path) -> list[Path]:
    """Write a state dict to NAME.pth and the source of its module to NAME.py; UserError without PyTorch."""
    try:
        import torch  # pyright: ignore[reportMissingImports]  # not one of our dependencies
    except ImportError as error:
        raise UserError(f"a .pth file needs PyTorch ({error}): pip install torch") from None
    shape: Any = tuple(found.preprocessing["shape"])
    # First, since it refuses layers that the state dict lacks.
    source = torch_source(found.net, shape, title=found.config.name, weights=path.name)  # pyright: ignore[reportArgumentType]
    state = {name: torch.from_numpy(leaf.copy()) for name, leaf in torch_state(found.net, _leaves(found)).items()}  # pyright: ignore[reportArgumentType]
    with tempfile.TemporaryDirectory() as folder:
        written, code = Path(folder) / path.name, Path(folder) / "exported_net.py"
        torch.save(state, written)
        code.write_text(source)
        net = _imported(code).Net().eval()
        net.load_state_dict(torch.load(written, weights_only=True))
        with torch.inference_mode():
            _compare(found, net(torch.from_numpy(_pictures(found)).permute(0, 3, 1, 2)).numpy(), "PyTorch")
        return [write_bytes(path, written.read_bytes()), write_text(path.with_suffix(".py"), source)]


def _leaves(found: Trained) -> dict[str, np.ndarray]:
    return {name: np.asarray(leaf) for name, leaf in named_leaves(found.variables["params"]).items()}


def _pictures(found: Trained) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (PICTURES, *found.preprocessing["shape"])).astype(np.uint8)


def _compare(found: Trained, theirs: np.ndarray, library: str) -> None:
    """Raise UserError where the outputs differ by more than rounding."""
    ours = np.asarray(found.apply(found.variables, _pictures(found)))
    difference = float(np.linalg.norm(ours - theirs) / max(np.linalg.norm(ours), 1e-12))
    if not difference <= TOLERANCE:
        raise UserError(
            f"{library} computes other outputs from these weights: they differ by {difference:.1e} of their norm; "
            "nothing is written. Export to .safetensors, and report this"
        )


def _imported(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
