"""The list of open pictures, as the views see it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from cocadesk.gui.entries import ENTRY_ROLE, Entries, Entry


@pytest.fixture
def entries(qtbot: QtBot) -> Entries:
    """Five files."""
    made = Entries()
    made.add([Path(f"/{name}.png") for name in "abcde"])
    return made


def names(entries: Entries) -> list[str]:
    return [entries.index(row).data() for row in range(entries.rowCount())]


def test_rows_are_found_after_others_are_closed(entries: Entries) -> None:
    first, second, third, *_ = entries
    entries.remove(second)
    entries.remove(first)
    entries.add([Path("/b.png")])
    assert names(entries) == ["c.png", "d.png", "e.png", "b.png"]
    assert [entries.row_of(entry) for entry in entries] == [0, 1, 2, 3]
    told: list[Entry] = []
    entries.dataChanged.connect(lambda index, _: told.append(index.data(ENTRY_ROLE)))
    entries.notify(third)
    entries.notify(second)  # it is closed: nobody is told
    assert told == [third]
    for closed in (first, second):
        with pytest.raises(ValueError, match="not open"):
            entries.row_of(closed)


def test_a_picture_that_is_being_closed_is_not_open_any_more(entries: Entries) -> None:
    first, *others = entries
    found: list[Entry | None] = []
    entries.rowsAboutToBeRemoved.connect(lambda *_: found.extend(entries.get(each.key) for each in (first, others[0])))
    entries.remove(first)
    assert found == [None, others[0]]


def test_all_are_closed_in_one_go(entries: Entries) -> None:
    removals: list[tuple[int, int]] = []
    entries.rowsRemoved.connect(lambda _, start, end: removals.append((start, end)))
    entries.clear()
    assert removals == [(0, 4)]
    assert names(entries) == []
    entries.clear()
    assert len(removals) == 1
    [again] = entries.add([Path("/a.png")])
    assert entries.row_of(again) == 0
