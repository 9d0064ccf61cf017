"""Seals vouch for files and for themselves, and those of earlier versions are still read."""

import hashlib
import json

import numpy as np
import pytest

from research.errors import UserError
from research.seals import array_digest, check_seal, file_digest, folder_digests, read_seal, write_seal

DIGESTS, NOTES = {"a": "1", "b/c": "2"}, {"facts": [1, 2.5, None, "x"]}
CONTENT = {"files": DIGESTS, **NOTES}


@pytest.fixture
def seal(tmp_path):
    write_seal(tmp_path / "a.json", DIGESTS, NOTES)
    return tmp_path / "a.json"


def test_a_seal_comes_back(seal):
    assert read_seal(seal) == check_seal(seal, DIGESTS) == CONTENT


def test_seals_on_disk_stay_readable(tmp_path):
    digest = hashlib.sha256(b'{"facts": [1, 2.5, null, "x"], "files": {"a": "1", "b/c": "2"}}').hexdigest()
    (tmp_path / "a.json").write_text(json.dumps({"sha256": digest, "content": CONTENT}))
    assert read_seal(tmp_path / "a.json") == CONTENT


@pytest.mark.parametrize("found", [{"a": "1", "b/c": "3"}, {"a": "1"}, {**DIGESTS, "b/c": "2", "b": "4"}])
def test_what_is_not_as_it_was_sealed_is_named(seal, found):
    with pytest.raises(ValueError, match=r"b.* is not as it was written"):
        check_seal(seal, found)
    assert read_seal(seal) == CONTENT


@pytest.mark.parametrize("content", [None, [1], 3])
def test_what_is_no_seal_is_refused(tmp_path, content):
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    for written in (content, {"content": content}, {"sha256": digest, "content": content}):
        (tmp_path / "a.json").write_text(json.dumps(written))
        with pytest.raises(ValueError, match="not as it was written"):
            read_seal(tmp_path / "a.json")


def test_an_altered_seal_is_refused(seal):
    text = seal.read_text()
    seal.write_text(text.replace("2.5", "2.6"))
    with pytest.raises(ValueError, match="not as it was written"):
        read_seal(seal)
    seal.write_text(text[:-5])
    with pytest.raises(UserError, match="not valid JSON"):
        read_seal(seal)


def test_digests_of_files_are_sha256sums(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b/c").write_bytes(b"")
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
    assert file_digest(tmp_path / "a") == abc
    assert folder_digests(tmp_path) == {"a": abc, "b/c": hashlib.sha256().hexdigest()}


def test_a_digest_of_an_array_is_of_type_shape_and_numbers():
    numbers = np.arange(6, dtype=np.float32)
    square = numbers.reshape(2, 3)
    others = (numbers.reshape(3, 2), square[:, ::-1], square.view(np.int32), numbers)
    assert len({array_digest(each) for each in (square, *others)}) == 5
    assert array_digest(square.T) == array_digest(np.ascontiguousarray(square.T))
    assert array_digest(numbers[:0])
