"""Conversations on disk: every script, what the model ruled out, damaged lines."""

from __future__ import annotations

import math
from pathlib import Path

from cocadesk.store import conversations, descriptions
from cocadesk.store.conversations import KeptAnswer
from cocadesk.types import OtherAnswer

WHO = "0123456789abcdef0123456789abcdef"
FIRST = KeptAnswer("Wie viele?\n犬 🐶 כלב", "zwei", -0.25, (OtherAnswer("", -math.inf),), "blip-vqa-base", 16)
SECOND = KeptAnswer("lone \ud800 surrogate", "yes", -math.inf)


def test_what_was_kept_comes_back_in_order() -> None:
    assert conversations.load(WHO) == []
    conversations.append(WHO, FIRST)
    conversations.append(WHO, SECOND)
    assert conversations.load(WHO) == [FIRST, SECOND]
    assert conversations.load("another") == []


def test_a_damaged_line_costs_itself_only(profile: Path) -> None:
    conversations.append(WHO, FIRST)
    [file] = (profile / "data" / "conversations").iterdir()
    with file.open("a", encoding="utf-8") as stream:
        stream.write('{"question": "cut o\n[]\n{"question": 1}\n')
    conversations.append(WHO, SECOND)
    assert conversations.load(WHO) == [FIRST, SECOND]
    file.write_bytes(b"\xff\xfe")
    assert conversations.load(WHO) == []


def test_a_conversation_is_forgotten() -> None:
    conversations.append(WHO, FIRST)
    conversations.forget(WHO)
    conversations.forget(WHO)
    assert conversations.load(WHO) == []


def test_descriptions_are_kept_as_typed(profile: Path) -> None:
    assert descriptions.load() == ""
    descriptions.save("a cat\n\n  犬 🐶\n")
    assert descriptions.load() == "a cat\n\n  犬 🐶\n"
    assert [file.name for file in (profile / "data").iterdir()] == ["descriptions.txt"]
