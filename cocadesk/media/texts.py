"""Lists of texts, one per line, as a user types them, pastes them or keeps them in a file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cocadesk.errors import InputError
from cocadesk.media.files import why_unreadable


@dataclass(frozen=True, slots=True)
class TextList:
    """What is left of a list once it is tidied up.

    Attributes:
        texts: Without the white space around them, each once, in their order.
        duplicates: How many were there before.
        empty: How many were empty.
    """

    texts: tuple[str, ...]
    duplicates: int = 0
    empty: int = 0

    @property
    def left_out(self) -> str:
        """What was left out, as a user reads it: "2 duplicates, 1 empty text"; empty if nothing was."""
        counts = (
            _count(self.duplicates, "duplicate", "duplicates"),
            _count(self.empty, "empty text", "empty texts"),
        )
        return ", ".join(filter(None, counts))


def tidy(lines: Iterable[str]) -> TextList:
    """The texts without those that are empty or were there before."""
    stripped = [line.strip() for line in lines]
    filled = [line for line in stripped if line]
    kept = tuple(dict.fromkeys(filled))
    return TextList(kept, len(filled) - len(kept), len(stripped) - len(filled))


def read_lines(path: str | os.PathLike[str], limit_bytes: int | None = None) -> list[str]:
    """The lines of a text file.

    Args:
        limit_bytes: Refuse a larger file; None for no limit.

    Raises:
        InputError: if it cannot be read, is not text or is too large. The message does not name the file.
    """
    file = Path(path).expanduser()
    try:
        if limit_bytes is not None and file.stat().st_size > limit_bytes:
            raise InputError(f"It is larger than {limit_bytes / 1e6:.0f} MB. Split it into several lists.")
        return file.read_text(encoding="utf-8-sig").splitlines()
    except IsADirectoryError:
        raise InputError("It is a folder, not a text file.") from None
    except OSError as error:
        raise InputError(why_unreadable(error)) from error
    except UnicodeDecodeError:
        raise InputError("It is not text in UTF-8. Save it so, with one text per line.") from None


def _count(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}" if number else ""
