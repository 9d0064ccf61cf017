"""Exemplars that are saved as soon as they are found, and found again by the next run."""

import dataclasses

import numpy as np
import pytest

from research.config import Microscope
from research.experiment.microscope import layer_exemplars, microscope, run
from research.experiment.microscope.saved_exemplars import resumed
from research.microscope.exemplars import Exemplar

LOOK = Microscope(layers=("conv1",), steps=4, variants=2, near=True, patches=2)


def exemplar(index):
    pictures = np.random.default_rng(index).integers(0, 256, (2, 5, 4, 3)).astype(np.uint8)
    return Exemplar(index, pictures, np.array([-0.5, index + 0.25], np.float32), 1 / 3 + index, "revived")


def ascending(asked, cut_off=None):
    """An ascent that notes the filters in `asked`, and is interrupted before the filter `cut_off`."""

    def ascend(filters, on_found):
        for index in filters:
            if index == cut_off:
                raise KeyboardInterrupt
            asked.append(index)
            on_found(exemplar(index))

    return ascend


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(*(vars(each).values() for each in (one, other)), strict=True))


def nothing(done, total):
    pass


def test_what_is_finished_is_kept_and_only_the_rest_is_computed(tmp_path):
    asked, shown = [], []
    with pytest.raises(KeyboardInterrupt):
        resumed(tmp_path, [7, 0, 5, 3], ascending(asked, cut_off=5), nothing)
    found = resumed(tmp_path, [7, 0, 5, 3], ascending(asked), lambda done, total: shown.append((done, total)))
    assert asked == [7, 0, 5, 3] and shown == [(2, 4), (3, 4), (4, 4)]
    assert all(same(each, exemplar(index)) for each, index in zip(found, [7, 0, 5, 3], strict=True))
    assert [each.filter for each in resumed(tmp_path, [3, 7], ascending(asked), nothing)] == [3, 7] and len(asked) == 4


@pytest.mark.parametrize("name", ["0.npz", "0.json"])
@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_a_damaged_file_is_computed_again(tmp_path, name, damage):
    resumed(tmp_path, [0, 1], ascending([]), nothing)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes({"flipped": content, "cut": content[:-9]}.get(damage, b""))
    if damage == "gone":
        (tmp_path / name).unlink()
    asked = []
    found = resumed(tmp_path, [0, 1], ascending(asked), nothing)
    assert asked == [0] and same(found[0], exemplar(0))


def files(out):
    return {path.relative_to(out): path.read_bytes() for path in (out / "sheets").iterdir()}


@pytest.mark.slow
def test_a_run_that_is_cut_off_goes_on_and_ends_with_the_same_bits(trained, tmp_path, monkeypatch):
    look = dataclasses.replace(LOOK, filters=(4, 1, 5))
    undisturbed = microscope(trained / "run", look, out=tmp_path / "whole").parent

    def cut_off(*given, on_found, **more):
        def found(each):
            on_found(each)
            raise KeyboardInterrupt

        return exemplars(*given, on_found=found, **more)

    exemplars = layer_exemplars.exemplars
    for _ in range(6):  # each time one filter more, of the exemplars and of the variants
        monkeypatch.setattr(layer_exemplars, "exemplars", cut_off)
        with pytest.raises(KeyboardInterrupt):
            microscope(trained / "run", look, out=tmp_path / "cut")
        assert not (tmp_path / "cut" / run.PAGE).exists()
    monkeypatch.undo()
    resumed_run = microscope(trained / "run", look, out=tmp_path / "cut").parent
    assert files(resumed_run) == files(undisturbed)
    saved = [sorted(path.rglob("*.npz")) for path in (undisturbed, resumed_run)]
    assert len(saved[0]) >= 3 * 3  # and those from patches
    assert [each.read_bytes() for each in saved[0]] == [each.read_bytes() for each in saved[1]]


@pytest.mark.slow
def test_all_that_exemplars_depend_on_tells_them_apart(trained, tmp_path):
    look = dataclasses.replace(LOOK, filters=(0,), variants=0, near=False, patches=1)
    changes = [{}, {"steps": 5}, {"seed": 1}, {"jitter": 2}, {"parameterization": "pixels"}, {"layers": ("conv1/pre",)}]
    for number, change in enumerate(changes, 1):
        microscope(trained / "run", dataclasses.replace(look, **change), out=tmp_path)
        assert len(list((tmp_path / "exemplars").iterdir())) == number
    microscope(trained / "run", dataclasses.replace(look, patches=3), out=tmp_path)
    assert len(list((tmp_path / "exemplars").iterdir())) == len(changes)
