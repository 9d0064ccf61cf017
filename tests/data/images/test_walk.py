"""Folders of any depth: which files are found, in which order."""

from pathlib import Path

from research.data.images.walk import picture_files, pictures_below


def test_files_at_any_depth_come_in_the_order_of_their_names(tmp_path):
    for name in ("b.png", "a/2.JPG", "a/10.jpg", "a/deep/x.webp", "c/notes.txt", "a/.hidden.png", "__MACOSX/y.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    pictures, others = pictures_below(tmp_path)
    names = [path.relative_to(tmp_path).as_posix() for path in pictures]
    assert names == ["a/10.jpg", "a/2.JPG", "a/deep/x.webp", "b.png"]
    assert [path.name for path in others] == ["notes.txt"]


def test_links_are_followed_and_loops_end(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/a.png").touch()
    (tmp_path / "set/inner").mkdir(parents=True)
    (tmp_path / "set/inner/loop").symlink_to(tmp_path / "set")
    (tmp_path / "set/linked").symlink_to(tmp_path / "outside")
    assert pictures_below(tmp_path / "set") == ([tmp_path / "set/linked/a.png"], [])


def test_a_folder_that_cannot_be_listed_is_named(tmp_path, refusal, monkeypatch):
    (tmp_path / "closed").mkdir()
    listed = Path.iterdir

    def denied(folder):
        if folder.name == "closed":
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", denied)  # root may enter any folder
    with refusal(tmp_path / "closed", "cannot be listed (Permission denied)"):
        pictures_below(tmp_path)


def test_folders_are_replaced_by_their_pictures_and_files_stay(tmp_path, refusal, capsys):
    for name in ("set/b/c.png", "set/a.jpg", "set/notes.txt", "single.dat"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    named = [tmp_path / "single.dat", str(tmp_path / "set"), tmp_path / "absent.png"]
    names = [path.relative_to(tmp_path).as_posix() for path in picture_files(named)]
    assert names == ["single.dat", "set/a.jpg", "set/b/c.png", "absent.png"]
    assert capsys.readouterr().err.count("1 of the files in") == 1
    (tmp_path / "empty/within").mkdir(parents=True)
    with refusal("no pictures in", tmp_path / "empty", "and below"):
        picture_files([tmp_path / "set", tmp_path / "empty"])
