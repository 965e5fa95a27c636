"""Lists of texts, and what makes a picture the same picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cocadesk.errors import InputError
from cocadesk.media import identity
from cocadesk.media.identity import fingerprint
from cocadesk.media.texts import read_lines, tidy
from cocadesk.types import Picture
from tests.fakes.pictures import without_rights


def test_a_list_is_tidied() -> None:
    tidied = tidy([" a ", "", "b", "a", "\t", "b", "c"])
    assert tidied.texts == ("a", "b", "c")
    assert (tidied.duplicates, tidied.empty) == (2, 2)
    assert tidied.left_out == "2 duplicates, 2 empty texts"
    assert tidy(["a", "b"]).left_out == ""
    assert tidy([]).texts == ()


def test_lines_are_read_whatever_ends_them(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_bytes("\ufeffa\r\nb\n犬\r".encode())
    assert read_lines(file) == ["a", "b", "犬"]
    assert read_lines(file, limit_bytes=file.stat().st_size) == ["a", "b", "犬"]
    with pytest.raises(InputError, match="larger than"):
        read_lines(file, limit_bytes=3)
    with pytest.raises(InputError, match="folder"):
        read_lines(tmp_path)


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_bytes(b"a\n")
    file.chmod(0)

    for read in (read_lines, fingerprint):
        with pytest.raises(InputError, match="There is no such file"):
            read(file / "beneath a file")
        with without_rights(), pytest.raises(InputError, match="There is no permission to read it"):
            read(file)


def test_a_picture_is_known_by_its_content(tmp_path: Path) -> None:
    one, copy, other = tmp_path / "one.png", tmp_path / "sub copy.jpg", tmp_path / "other.png"
    for file, content in ((one, b"abc"), (copy, b"abc"), (other, b"abd")):
        file.write_bytes(content)
    assert fingerprint(one) == fingerprint(copy)
    assert len({fingerprint(one), fingerprint(other)}) == 2
    pixels = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    assert fingerprint(Picture("pasted", pixels)) == fingerprint(Picture("dropped", pixels.copy()))
    assert fingerprint(Picture("x", pixels)) != fingerprint(Picture("x", pixels.reshape(5, 4, 3)))
    with pytest.raises(InputError, match="There is no such file"):
        fingerprint(tmp_path / "gone.png")


def test_of_a_large_file_parts_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_WHOLE", 100)
    monkeypatch.setattr(identity, "_SAMPLE", 10)
    file = tmp_path / "large"
    names = set()
    for changed in (None, 0, 500, 999):
        content = bytearray(1000)
        if changed is not None:
            content[changed] = 1
        file.write_bytes(content)
        names.add(fingerprint(file))
    file.write_bytes(bytes(1001))
    names.add(fingerprint(file))
    assert len(names) == 5
