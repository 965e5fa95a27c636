"""A home that nothing can be written to: what is only read works, and what must be kept says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import save_file

from cocadesk import engine
from cocadesk.catalog.added import add_card
from cocadesk.catalog.cards import CARDS, all_cards
from cocadesk.cli.main import run
from cocadesk.engine import calibration
from cocadesk.engine.importing import import_checkpoint
from cocadesk.errors import ModelError
from tests.engine.conftest import TINY, bundle, tiny_weights

__all__ = ["bundle"]


@pytest.fixture(autouse=True)
def _no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("COCADESK_PROFILE", str(tmp_path / "file" / "profile"))  # not even root makes a folder in a file


def test_the_catalog_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert all_cards().keys() == CARDS.keys()
    assert run(["models", "list"]) == 0
    assert capsys.readouterr().err == ""


def test_a_model_whose_number_format_depends_on_a_measurement_is_loaded(
    bundle: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle()
    monkeypatch.setattr("cocadesk.engine.calibration.MANY_WEIGHTS", 1)
    monkeypatch.setattr(calibration, "_measure", lambda: 2.0)

    assert engine.load("tiny-coca", device="cpu").dtype == "int8"


def test_what_cannot_be_kept_is_said(
    bundle: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle()
    for name in CARDS.keys() - {"tiny-coca", "coca-vit-b-32"}:
        monkeypatch.delitem(CARDS, name)
    save_file(tiny_weights(TINY, seed=1), tmp_path / "mine.safetensors")

    with pytest.raises(ModelError, match=r"cannot be copied to .*Not a directory"):
        import_checkpoint(str(tmp_path / "mine.safetensors"))
    with pytest.raises(ModelError, match="cannot be written: Not a directory"):
        add_card(CARDS["coca-vit-b-32"])
