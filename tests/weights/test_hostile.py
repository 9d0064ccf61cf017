"""Files that are not what they seem: said in plain words; nothing is executed, nothing else is read."""

import pickle
import struct
import zipfile

import h5py
import numpy as np
import pytest

from research.errors import UserError
from research.weights.weight_file import read


def hostile(marker, module="os", name="system"):
    command = f"touch {marker}".encode()
    return b"\x80\x02c" + f"{module}\n{name}\n".encode() + b"X" + struct.pack("<I", len(command)) + command + b"\x85R."


def test_a_pickle_that_runs_a_program_is_refused_by_name_and_does_not_run(tmp_path, thin, torch_zip, refusal):
    marker = tmp_path / "executed"
    pickle.loads(hostile(marker))  # the control: Python's own reader runs it
    assert marker.exists()
    marker.unlink()
    torch_zip(tmp_path / "w.pth", {}, hostile(marker))
    with refusal("w.pth is refused", "os.system", "nothing in it was executed"):
        read(tmp_path / "w.pth")
    (tmp_path / "old.pth").write_bytes(hostile(marker))
    with refusal("old.pth is refused", "os.system"):
        read(tmp_path / "old.pth")
    assert not marker.exists()


@pytest.mark.parametrize(
    ("program", "named"),
    [
        (b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.", "builtins.eval"),
        (b"\x80\x02(ibuiltins\nexec\n.", "builtins.exec"),
        (b"\x80\x02ctorch.nn.modules.container\nSequential\n)\x81.", "torch.nn.modules.container.Sequential"),
        (b"\x80\x02ccollections\nOrderedDict\n)\x81.", "NEWOBJ"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"\x80\x02ctorch\nFloatStorage\n)R.", "no function"),
        (b"\x80\x02}))s.", "a key of type tuple"),
    ],
)
def test_whatever_asks_for_more_than_data_is_named(tmp_path, torch_zip, refusal, program, named):
    with refusal("is refused", named):
        read(torch_zip(tmp_path / "w.pth", {}, program))


@pytest.mark.parametrize(
    "program", [b"", b"\x80\x02.", b"\x80\x02R.", b"\x80\x02K\x01.", b"\x80\x02X\xff\xff\xff\x7fab."]
)
def test_a_broken_pickle_is_a_users_error(tmp_path, torch_zip, refusal, program):
    with refusal("truncated or damaged"):
        read(torch_zip(tmp_path / "w.pth", {}, program))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (struct.pack("<i", 3) + b"t", struct.pack("<i", 3000) + b"t"),  # the last length of a shape
        (b"QJ" + struct.pack("<i", 0), b"QJ" + struct.pack("<i", 70)),  # the offset into the storage
        (b"QJ" + struct.pack("<i", 0), b"QJ" + struct.pack("<i", -9)),
        (struct.pack("<i", 1) + b"t", struct.pack("<i", 1 << 30) + b"t"),  # a stride
        (struct.pack("<i", 1) + b"t", struct.pack("<i", -1) + b"t"),
    ],
)
def test_a_tensor_cannot_reach_outside_its_numbers(tmp_path, torch_zip, refusal, old, new):
    state = {"features.0.weight": np.ones((4, 3, 3, 3), "f4")}
    with zipfile.ZipFile(torch_zip(tmp_path / "sound.pth", state)) as archive:
        program = archive.read("any_name/data.pkl")
    assert old in program and len(read(tmp_path / "sound.pth").arrays) == 1
    with refusal("truncated or damaged", "features.0.weight"):
        read(torch_zip(tmp_path / "w.pth", state, program.replace(old, new)))


def test_an_hdf5_file_cannot_make_us_read_another(tmp_path, thin, write_legacy, write_keras3, refusal):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["numbers"] = np.ones((3, 3, 3, 4), "f4")
    path = write_legacy(tmp_path / "link.h5", thin(), "tf.keras")
    with h5py.File(path, "a") as file:
        del file["block1_conv1/block1_conv1/kernel:0"]
        file["block1_conv1/block1_conv1/kernel:0"] = h5py.ExternalLink("secret.h5", "numbers")
    with refusal("link.h5 is refused", "another file", "secret.h5"):
        read(path)
    path = write_keras3(tmp_path / "kept.weights.h5", thin())
    (tmp_path / "raw").write_bytes(bytes(1000))
    with h5py.File(path, "a") as file:
        del file["layers/conv2d/vars/1"]
        file["layers/conv2d/vars"].create_dataset("1", (4,), "f4", external=[(str(tmp_path / "raw"), 0, 16)])
    with refusal("kept.weights.h5 is refused", "another file"):
        read(path)


def test_a_dataset_without_content_is_damage(tmp_path, thin, write_keras3, refusal):
    path = write_keras3(tmp_path / "w.weights.h5", thin())
    with h5py.File(path, "a") as file:
        del file["layers/conv2d/vars/1"]
        file["layers/conv2d/vars"].create_dataset("1", (10**12,), "f4", chunks=(1000,))
    with refusal("damaged", "no content"):
        read(path)


def test_pickled_objects_in_an_npz_are_refused(tmp_path, refusal):
    np.savez(tmp_path / "w.npz", a=np.array([{}], object))
    with refusal("w.npz is refused", "pickled objects"):
        read(tmp_path / "w.npz")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 553467096\n", "git-lfs pointer"),
        (b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "HTML page"),
        (b"<html>", "HTML page"),
        (b"<!-- of a proxy -->\n<HTML>", "HTML page"),
        (b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>', "XML document"),
        (b'{"message": "Not Found"}', "the download answered with an error"),
        (b'{"note": "' + b"x" * 100_000 + b'", "modelTopology": {}}', "TensorFlow.js model.json"),
        (b'{"format": "layers-model", "generatedBy": "keras v2.15.0"}', "TensorFlow.js model.json"),
        (b'{"modelTopology": {"class_name": "Model", "config": {}}}', "tensorflowjs_converter"),
        (b'{"metadata": {"total_size": 5}, "weight_map": {}}', "several files; save them in one"),
        (b'{"module": "keras", "class_name": "Sequential", "config": {}}', "without its weights"),
        (b'{"format": "receptive-weights-1"}', "name the .safetensors beside it"),
        (b'{"hidden_size": 768}', "a JSON document, not a weight file; name the file of the weights"),
        (b"\x1c\x00\x00\x00TFL3" + bytes(40), "TensorFlow Lite"),
        (b"\x1f\x8b\x08\x00", "compressed"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "not a weight file"),
        (b"PK\x03\x04" + bytes(40), "truncated"),
        (b"\x89HDF\r\n\x1a\n" + bytes(40), "damaged"),
        (struct.pack("<Q", 5000) + b'{"a', "truncated"),
        (b"cos\nsystem\n(S'true'\ntR.", "not a weight file"),
        (b"\x80\x04K\x01.", "not a weight file of torch"),
    ],
)
def test_what_is_no_weight_file_is_said_in_plain_words(tmp_path, refusal, content, words):
    (tmp_path / "w.h5").write_bytes(content)
    with refusal("w.h5", words):
        read(tmp_path / "w.h5")


def test_paths_that_hold_no_weights(tmp_path, refusal):
    with refusal("is a folder"):
        read(tmp_path)
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved/saved_model.pb").write_bytes(b"")
    with refusal("SavedModel", "save the model as NAME.h5"):
        read(tmp_path / "saved")
    with refusal("cannot read", "absent.h5", "No such file"):
        read(tmp_path / "absent.h5")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("cat.jpg", b"")
    with refusal("zip file, but not a weight file"):
        read(tmp_path / "photos.zip")
    with h5py.File(tmp_path / "matlab.h5", "w") as file:
        file["x"] = 1
    with refusal("HDF5 file, but not one of Keras' weights (it holds x)"):
        read(tmp_path / "matlab.h5")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_every_format_says_that_it_is_cut_off(
    tmp_path, thin, to_torch, write_legacy, write_keras3, torch_zip, torch_old, refusal, share
):
    from safetensors.numpy import save_file

    leaves = thin()
    save_file(leaves, tmp_path / "w.safetensors")
    np.savez(tmp_path / "w.npz", **leaves)
    whole = [
        *(tmp_path / "w.safetensors", tmp_path / "w.npz", write_legacy(tmp_path / "w.h5", leaves)),
        *(write_keras3(tmp_path / "w.weights.h5", leaves), write_keras3(tmp_path / "w.keras", leaves)),
        *(torch_zip(tmp_path / "w.pth", to_torch(leaves)), torch_old(tmp_path / "old.pth", to_torch(leaves))),
    ]
    for path in whole:
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])
        with refusal(path, "truncated"):
            read(path)


def test_a_storage_longer_than_the_file_is_reported_before_it_is_read(tmp_path, thin, to_torch, torch_old, refusal):
    state = to_torch(thin())
    path = torch_old(tmp_path / "old.pth", state)
    array = next(iter(state.values()))
    head, content = struct.pack("<q", array.size) + array.tobytes()[:8], path.read_bytes()
    assert content.count(head) == 1
    for claimed in (1 << 40, (1 << 63) + 5):
        (tmp_path / "w.pth").write_bytes(content.replace(head, struct.pack("<Q", claimed) + head[8:]))
        with refusal("w.pth is truncated", "bytes too early"):
            read(tmp_path / "w.pth")


def test_a_compressed_record_is_refused_before_it_is_inflated(tmp_path, thin, to_torch, torch_zip, refusal):
    path = torch_zip(tmp_path / "w.pth", to_torch(thin()))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("any_name/data/bomb", bytes(1 << 20))
    with refusal("its records are compressed, as torch's never are"):
        read(path)


def test_a_safetensors_file_whose_notes_are_null_is_read(tmp_path):
    header = b'{"__metadata__":null,"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + struct.pack("<f", 2.5))
    assert read(tmp_path / "w.safetensors").arrays["a"] == 2.5


def test_text_where_numbers_should_be_is_said_so(tmp_path, refusal):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.create_group("layers/conv2d/vars")["0"] = "text"
    with refusal("holds object, not numbers"):
        read(tmp_path / "w.h5")


def test_a_name_without_end_is_cut(tmp_path, torch_zip):
    torch_zip(tmp_path / "w.pth", {}, b"\x80\x02c" + b"a" * 100_000 + b"\nb\n.")
    with pytest.raises(UserError, match=r"w\.pth is refused") as caught:
        read(tmp_path / "w.pth")
    assert len(str(caught.value)) < 600
