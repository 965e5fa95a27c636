"""What is found in folders, and what becomes of what a user names."""

from __future__ import annotations

from pathlib import Path

import pytest

from cocadesk.errors import InputError
from cocadesk.media.folder import expand, list_pictures
from tests.fakes.pictures import without_rights


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_names_sort_as_a_person_counts(tmp_path: Path) -> None:
    touch(tmp_path, "b10.png", "b2.png", "B1.png", "a.jpg", "10.jpg", "9.jpg", "٣.png", "b02.png")

    names = [path.name for path in list_pictures(tmp_path)]

    assert names == ["9.jpg", "10.jpg", "a.jpg", "B1.png", "b02.png", "b2.png", "b10.png", "٣.png"]


def test_only_visible_pictures_count(tmp_path: Path) -> None:
    touch(tmp_path, "a.JPG", "b.heic", ".hidden.jpg", "notes.txt", ".git/c.png", "sub/d.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "dangling.png").symlink_to(tmp_path / "nowhere.png")

    assert [path.name for path in list_pictures(tmp_path)] == ["a.JPG", "b.heic"]
    assert [path.name for path in list_pictures(tmp_path, recursive=True)] == ["a.JPG", "b.heic", "d.png"]


def test_folders_linked_in_a_circle_come_to_an_end(tmp_path: Path) -> None:
    touch(tmp_path, "sub/a.png")
    (tmp_path / "sub" / "again").symlink_to(tmp_path, target_is_directory=True)

    assert len(list_pictures(tmp_path, recursive=True)) == 1


def test_a_closed_folder_within_is_skipped(tmp_path_factory: pytest.TempPathFactory) -> None:
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        touch(folder, "a.png", "closed/b.png", "open/c.png")
        (folder / "closed").chmod(0)
        with without_rights():
            found = [path.name for path in list_pictures(folder, recursive=True)]
            with pytest.raises(InputError, match="no permission"):
                list_pictures(folder / "closed")
        (folder / "closed").chmod(0o755)
    assert found == ["a.png", "c.png"]


@pytest.mark.parametrize(("name", "part"), [("missing", "no such folder"), ("file.txt", "not a folder")])
def test_what_is_no_folder_says_so(tmp_path: Path, name: str, part: str) -> None:
    touch(tmp_path, "file.txt")

    with pytest.raises(InputError, match=part):
        list_pictures(tmp_path / name)


def test_files_stay_as_given_and_folders_become_their_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "in/2.png", "in/10.png", "x.jpg", "none/readme.txt")
    monkeypatch.chdir(tmp_path)

    expanded = expand(["./x.jpg", "./in", "https://example.org/a.jpg", "none", "missing.png"])

    assert expanded.files == ("./x.jpg", "./in/2.png", "./in/10.png", "https://example.org/a.jpg", "missing.png")
    assert [path for path, _ in expanded.errors] == ["none"]
