"""The measured rule behind dtype "auto"."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cocadesk import engine
from cocadesk.engine import calibration
from cocadesk.paths import cache_dir


def test_a_figure_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "_SIDE", 256)  # what is measured here is whether it measures
    first = calibration.int8_gain()

    monkeypatch.setattr(calibration, "_measure", lambda: pytest.fail("measured again"))

    assert 0 < first == calibration.int8_gain()


@pytest.mark.parametrize("kept", ["", "[]", '{"key": "another machine", "int8_gain": 9}', '{"key": 3}'])
def test_a_figure_of_another_machine_or_a_damaged_one_is_not_believed(
    kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache_dir() / "calibration.json").write_text(kept)
    monkeypatch.setattr(calibration, "_measure", lambda: 2.5)

    assert calibration.int8_gain() == 2.5
    assert json.loads((cache_dir() / "calibration.json").read_text())["int8_gain"] == 2.5


@pytest.mark.parametrize(
    ("gain", "weights", "untrained", "expected"),
    [
        (2.0, 1, False, "int8"),
        (1.2, 1, False, "float32"),
        (2.0, 10**9, False, "float32"),
        (2.0, 1, True, "float32"),
    ],
    ids=["faster", "hardly faster", "small decoder", "random weights"],
)
def test_auto_takes_int8_where_it_is_faster_and_faithful(
    bundle: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    *,
    gain: float,
    weights: int,
    untrained: bool,
    expected: str,
) -> None:
    bundle()
    monkeypatch.setattr(calibration, "int8_gain", lambda: gain)
    monkeypatch.setattr(calibration, "MANY_WEIGHTS", weights)

    assert engine.load("tiny-coca", device="cpu", untrained=untrained).dtype == expected
    assert engine.load("tiny-coca", device="cpu", dtype="float32").dtype == "float32"
