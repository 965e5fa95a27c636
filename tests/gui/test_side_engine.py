"""The chat and the ranking through the real engine: a small BLIP, and the starter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

import cocadesk
from cocadesk.paths import resources_dir
from cocadesk.types import AnswerResult, AskOptions, ModelRequest
from cocadesk.work.model_manager import load_with_engine
from tests.engine.blip_models import write_tiny
from tests.gui.conftest import MakeWindow
from tests.gui.driving import drop, file_urls
from tests.gui.side import ASKING, RANKING, answers, ask
from tests.gui.test_rank_panel import column

PATIENT_MS = 60_000
SAMPLES = resources_dir() / "samples"
QUESTIONS = ["what is on the meadow?", "how many dogs?", "is the cat blue?"]


def test_a_small_blip_answers_in_the_chat(
    qtbot: QtBot, make_window: MakeWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sample = tmp_path / "noise.png"  # to which the small model has different answers
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(sample)
    write_tiny(monkeypatch, tmp_path / "tiny", "blip-vqa")
    window = make_window(settings=replace(ASKING, ask_model=ModelRequest("tiny-blip-vqa")), loader=load_with_engine)
    drop(window, file_urls([sample]))
    qtbot.waitUntil(lambda: window.strip.current is not None, timeout=PATIENT_MS)
    for question in (*QUESTIONS, "cat " * 20):
        ask(qtbot, window, question)
    qtbot.waitUntil(lambda: not window.questions.is_busy and len(answers(window)) == 4, timeout=PATIENT_MS)
    events = cocadesk.load("tiny-blip-vqa").ask(sample, QUESTIONS, AskOptions(others=4))
    expected = [event for event in events if isinstance(event, AnswerResult)]
    *answered, refused = answers(window)
    assert len({result.answer for result in expected}) > 1
    for shown, result in zip(answered, expected, strict=True):
        assert shown.exchange.answer == result.answer
        assert shown.exchange.logprob == pytest.approx(result.logprob, abs=1e-4)
        assert [other.answer for other in shown.exchange.others] == [other.answer for other in result.others]
    assert "22 tokens, start and end included; this model reads at most 16" in refused.note.text


def test_the_starter_ranks_as_typed(qtbot: QtBot, make_window: MakeWindow) -> None:
    window = make_window(settings=RANKING, loader=load_with_engine)
    drop(window, file_urls([SAMPLES / "penguins.jpg"]))
    panel = window.beside.rank
    long = "penguin " * 200
    texts = ["four penguins on a white background", "a butterfly", "rockets in the dark"]
    panel.field.put("\n".join([*texts, long]))
    qtbot.waitUntil(lambda: len(column(panel.table, 0)) == 4, timeout=PATIENT_MS)
    expected = cocadesk.load("starter-coca").rank(SAMPLES / "penguins.jpg", texts)
    assert column(panel.table, 0) == [*(ranked.text for ranked in expected), long.strip()]
    assert column(panel.table, 1)[:3] == [f"{ranked.cosine_distance:.4f}" for ranked in expected]
    assert "this model reads at most" in panel.table.model().index(3, 0).data(0x0003)  # its tooltip
