"""A trained net as a file of Keras or PyTorch, loaded again and compared with ours before it is written."""

import importlib.util
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from research.errors import UserError
from research.experiment.exported import INSTEAD, ExportedNet
from research.experiment.keras_model import imported_keras, keras_model
from research.experiment.torch_module import torch_source, torch_state
from research.files import write_bytes, write_json, write_text

TOLERANCE = 1e-4  # of the outputs' norm: float32 through VGG16's 16 layers, whichever way they are computed


def save_keras(exported: ExportedNet, path: Path) -> list[Path]:
    """Write a Keras model to NAME.keras or NAME.h5, and its document beside it.

    UserError without Keras, for a layer that it lacks, and for a model that the file does not hold.
    """
    model = keras_model(exported)
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / path.name
        try:
            model.save(written)
            loaded = imported_keras().saving.load_model(written)
        except (ValueError, TypeError) as error:  # of .h5, where the model has operations besides layers
            raise UserError(f"Keras does not load this net from {path.suffix}; export to .keras") from error
        inputs = [each if each.dtype == np.int32 else each.astype(np.float32) for each in exported.inputs.values()]
        _compare(exported, np.asarray(loaded(inputs if len(inputs) > 1 else inputs[0])), "Keras")
        return [write_bytes(path, written.read_bytes()), _document(exported, path)]


def save_torch(exported: ExportedNet, path: Path) -> list[Path]:
    """Write a state dict to NAME.pth, the source of its module to NAME.py, and its document.

    UserError without PyTorch, and for a layer that this export lacks.
    """
    try:
        import torch  # pyright: ignore[reportMissingImports]  # not one of our dependencies
    except ImportError as error:
        raise UserError(f"a .pth file needs PyTorch ({error}): pip install torch") from None
    source = torch_source(exported, path.name)
    state = {name: torch.from_numpy(np.array(leaf)) for name, leaf in torch_state(exported).items()}
    inputs = [torch.from_numpy(np.moveaxis(x, -1, 1) if x.ndim == 4 else x) for x in exported.inputs.values()]
    with tempfile.TemporaryDirectory() as folder:
        written, code = Path(folder) / path.name, Path(folder) / "exported_net.py"
        torch.save(state, written)
        code.write_text(source)
        net = _imported(code).Net().eval()
        net.load_state_dict(torch.load(written, weights_only=True))
        with torch.inference_mode():
            _compare(exported, net(*inputs).numpy(), "PyTorch")
        files = [write_bytes(path, written.read_bytes()), write_text(path.with_suffix(".py"), source)]
    return [*files, _document(exported, path)]


def _document(exported: ExportedNet, path: Path) -> Path:
    """NAME.keras.json and so on: what stands between data and the net's inputs, and what its outputs are."""
    facts = {"experiment": exported.title, "inputs": exported.reads, "outputs": exported.gives, **exported.document}
    return write_json(path.with_name(f"{path.name}.json"), facts)


def _compare(exported: ExportedNet, theirs: np.ndarray, library: str) -> None:
    """Raise UserError where the outputs differ by more than rounding."""
    ours = exported.outputs
    difference = float(np.linalg.norm(ours - theirs) / max(np.linalg.norm(ours), 1e-12))
    if ours.shape != theirs.shape or not difference <= TOLERANCE:
        raise UserError(
            f"{library} computes other outputs from these weights: they differ by {difference:.1e} of their norm; "
            f"nothing is written. {INSTEAD[0].upper()}{INSTEAD[1:]}, and report this"
        )


def _imported(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
