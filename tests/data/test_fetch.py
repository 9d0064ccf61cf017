import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from research.cli.prepare import prepare
from research.data.fetch import fetch, md5
from research.data.images import published
from research.data.images.idx import read_folder

CONTENT = bytes(range(256)) * 900  # several chunks
NAME = "file.gz"


def fetch_from(*mirrors, folder, show):
    """The path of the file of `CONTENT` in `folder`, fetched from `mirrors`: servers or addresses."""
    addresses = tuple(getattr(mirror, "url", mirror) for mirror in mirrors)
    return fetch(folder / NAME, hashlib.md5(CONTENT).hexdigest(), addresses, show)


@pytest.fixture
def shown():
    """A list that takes what is shown."""

    class Shown(list):
        def __call__(self, *state):
            self.append(state)

    return Shown()


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_a_file_is_fetched_whole_and_shown(tmp_path, new_mirror, shown):
    mirror = new_mirror(**{NAME: CONTENT})
    path = fetch_from(mirror, folder=tmp_path / "new" / "folder", show=shown)
    assert path.read_bytes() == CONTENT and names(path.parent) == [NAME]
    assert shown[-1] == (NAME, len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in shown] == sorted(done for _, done, _ in shown)
    assert md5(path) == hashlib.md5(CONTENT).hexdigest()


def test_a_sound_file_is_not_fetched_again_and_a_damaged_one_is(tmp_path, new_mirror, shown):
    mirror = new_mirror(**{NAME: CONTENT})
    (tmp_path / NAME).write_bytes(CONTENT)
    assert fetch_from(mirror, folder=tmp_path, show=shown) == tmp_path / NAME
    assert mirror.asked == [] and shown == [(NAME, len(CONTENT), len(CONTENT))]
    (tmp_path / NAME).write_bytes(CONTENT[:-1])
    assert fetch_from(mirror, folder=tmp_path, show=shown).read_bytes() == CONTENT


def test_a_download_that_broke_off_goes_on_where_it_stopped(tmp_path, new_mirror, shown, refusal):
    mirror = new_mirror(**{NAME: CONTENT})
    mirror.break_after = 100_000
    with refusal(f"cannot fetch {NAME}", mirror.url, "broke off after 100,000 of 230,400", "same command again"):
        fetch_from(mirror, folder=tmp_path, show=shown)
    assert names(tmp_path) == [NAME + ".part"]
    mirror.break_after = None
    assert fetch_from(mirror, folder=tmp_path, show=shown).read_bytes() == CONTENT
    assert mirror.asked[1:] == [(f"/{NAME}", "bytes=100000-")] and names(tmp_path) == [NAME]
    assert shown[-1] == (NAME, len(CONTENT), len(CONTENT))


def test_the_next_mirror_goes_on_with_what_the_first_gave(tmp_path, new_mirror, shown):
    first, second = new_mirror(**{NAME: CONTENT}), new_mirror(**{NAME: CONTENT})
    first.break_after = 70_000
    assert fetch_from(first, second, folder=tmp_path, show=shown).read_bytes() == CONTENT
    assert second.asked == [(f"/{NAME}", "bytes=70000-")]


def test_a_server_that_ignores_ranges_sends_the_whole_file(tmp_path, new_mirror, shown):
    mirror = new_mirror(**{NAME: CONTENT})
    mirror.ranges = False
    (tmp_path / (NAME + ".part")).write_bytes(CONTENT[:1000])
    assert fetch_from(mirror, folder=tmp_path, show=shown).read_bytes() == CONTENT
    assert len(mirror.asked) == 1 and shown[-1] == (NAME, len(CONTENT), len(CONTENT))


@pytest.mark.parametrize("part", [b"", b"stale", CONTENT + b"more", CONTENT, b"x" * len(CONTENT)])
def test_any_part_left_behind_is_continued_or_replaced(tmp_path, new_mirror, shown, part):
    mirror = new_mirror(**{NAME: CONTENT})
    (tmp_path / (NAME + ".part")).write_bytes(part)
    assert fetch_from(mirror, folder=tmp_path, show=shown).read_bytes() == CONTENT
    assert names(tmp_path) == [NAME] and len(mirror.asked) <= 2


def test_wrong_bytes_send_to_the_next_mirror(tmp_path, new_mirror, shown):
    false, absent, true = new_mirror(**{NAME: CONTENT[::-1]}), new_mirror(), new_mirror(**{NAME: CONTENT})
    assert fetch_from(false, absent, true, folder=tmp_path, show=shown).read_bytes() == CONTENT
    assert [len(mirror.asked) for mirror in (false, absent, true)] == [1, 1, 1]


def test_where_no_mirror_is_right_every_complaint_is_stated_and_no_file_is_left(tmp_path, new_mirror, shown, refusal):
    false, absent = new_mirror(**{NAME: CONTENT[::-1]}), new_mirror()
    gone = new_mirror()
    gone.server.shutdown()
    gone.server.server_close()
    with refusal(NAME, false.url, "md5 is", absent.url, "Not Found", gone.url, "refused"):
        fetch_from(false, absent, gone, folder=tmp_path, show=shown)
    assert names(tmp_path) == []


def test_an_html_page_instead_of_the_file_leaves_the_part_as_it_is(tmp_path, new_mirror, shown, refusal):
    mirror, portal = new_mirror(**{NAME: CONTENT}), new_mirror(**{NAME: b"<html>log in</html>"})
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT[:70_000])
    portal.kind, portal.ranges = "text/html; charset=utf-8", False
    with refusal("sent an HTML page, not the file"):
        fetch_from(portal, folder=tmp_path, show=shown)
    assert (tmp_path / f"{NAME}.part").read_bytes() == CONTENT[:70_000]
    assert fetch_from(mirror, folder=tmp_path, show=shown).read_bytes() == CONTENT


def test_a_download_of_unknown_length_that_broke_off_is_continued(tmp_path, new_mirror, shown, refusal):
    mirror = new_mirror(**{NAME: CONTENT})
    mirror.tells_length, mirror.break_after = False, 100_000
    with refusal("ended after 100,000 bytes without saying whether that is all", "same command again"):
        fetch_from(mirror, folder=tmp_path, show=shown)
    mirror.break_after = None
    assert fetch_from(mirror, folder=tmp_path, show=shown).read_bytes() == CONTENT
    assert mirror.asked[1] == (f"/{NAME}", "bytes=100000-")


def test_two_that_want_the_same_file_fetch_it_once(tmp_path, new_mirror, shown):
    mirror = new_mirror(**{NAME: CONTENT})
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: fetch_from(mirror, folder=tmp_path, show=shown), range(4)))
    assert {path.read_bytes() for path in found} == {CONTENT} and len(mirror.asked) == 1


@pytest.mark.parametrize("mirror", ["nowhere", "http://[broken", "http://a b", "", "gopher://127.0.0.1"])
def test_a_mirror_that_is_no_address(tmp_path, shown, refusal, mirror):
    with refusal(f"cannot fetch {NAME} ({mirror}: "):
        fetch_from(mirror, folder=tmp_path, show=shown)


def test_a_folder_that_cannot_be_written(tmp_path, new_mirror, shown, refusal):
    (tmp_path / "file").write_text("in the way")
    mirror = new_mirror(**{NAME: CONTENT})
    for folder in (tmp_path / "file", tmp_path / ("a" * 300)):
        with refusal("cannot write", folder):
            fetch_from(mirror, folder=folder, show=shown)


@pytest.fixture
def small_set(new_mirror, idx_folder, tmp_path, monkeypatch):
    """A mirror of a tiny "mnist", which `published.SETS` is made to describe."""
    import numpy as np

    images, labels = np.arange(6 * 16).reshape(6, 4, 4), np.arange(6) % 2
    made = idx_folder(tmp_path / "made", images, labels)
    idx_folder(made, images[:2], labels[:2], "t10k")
    content = {path.name: path.read_bytes() for path in sorted(made.iterdir())}
    mirror = new_mirror(**content)
    sums = {name: hashlib.md5(data).hexdigest() for name, data in content.items()}
    monkeypatch.setitem(published.SETS, "mnist", ((mirror.url,), sums))
    return mirror


def test_prepare_fetches_a_set_that_can_then_be_read(small_set, tmp_path, capsys):
    assert prepare(["mnist", "--data.root", "data"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("ready: data/mnist; use it with --data.source mnist --data.root data")
    assert len(read_folder(tmp_path / "data" / "mnist").images["train"]) == 6
    lines = said.err.splitlines()  # no terminal: plain lines, one a file at least, no control characters
    assert len(lines) >= 4 and "\r" not in said.err and "\x1b" not in said.err
    for name in small_set.files:
        size = f"{len(small_set.files[name]):,}"
        assert f"{name.strip('/')}  {size} of {size} bytes" in lines
    small_set.asked.clear()
    assert prepare(["mnist", "--data.root", "data"]) == 0 and small_set.asked == []


def test_prepare_takes_the_root_from_the_environment_and_another_mirror(small_set, new_mirror, monkeypatch, tmp_path):
    other = new_mirror()
    other.files = dict(small_set.files)
    monkeypatch.setenv("RESEARCH_DATA", str(tmp_path / "variable"))
    assert prepare(["mnist", "--mirror", other.url + "/"]) == 0
    assert small_set.asked == [] and len(other.asked) == 4
    assert len(names(tmp_path / "variable" / "mnist")) == 4


def test_prepare_shows_bars_on_a_terminal(small_set, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert prepare(["mnist", "--data.root", "data"]) == 0
    assert "train-images" in capsys.readouterr().err


def test_prepare_names_the_nearest_set(refusal):
    with refusal("no data set mnsit; did you mean mnist?", "fashion_mnist", "tfds:NAME"):
        prepare(["mnsit"])
    with refusal("--data.rot", "--data.root"):
        prepare(["mnist", "--data.rot", "x"])


def test_every_published_file_has_its_own_md5():
    for name, (mirrors, files) in published.SETS.items():
        assert mirrors and len({*files.values()}) == 4 == len(files), name
        assert all(len(bytes.fromhex(md5)) == 16 for md5 in files.values())
