"""The window as the command line starts it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from cocadesk.errors import CocaDeskError, InputError, ModelError
from cocadesk.gui import app
from cocadesk.models import Captioner
from cocadesk.store import settings
from cocadesk.types import ModelRequest
from tests.fakes.captioner import FakeCaptioner


def test_snapshot_saves_the_window_and_gives_the_caption(qtbot: QtBot, picture_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "window.png"
    caption = app.snapshot(picture_file, out, loader=lambda _: FakeCaptioner())
    assert caption == "a cat on a green background"
    image = QImage(str(out))
    assert (image.width(), image.height()) == (1280, 800)
    assert len({image.pixel(x, y) for x in range(0, 1280, 16) for y in range(0, 800, 16)}) > 8
    assert not settings.settings_file().exists()


def test_snapshot_tells_what_went_wrong(qtbot: QtBot, picture_file: Path, tmp_path: Path) -> None:
    def no_model(request: ModelRequest) -> Captioner:
        raise ModelError(f"{request.name} is not here.")

    with pytest.raises(InputError, match="no such file"):
        app.snapshot(tmp_path / "gone.png", tmp_path / "a.png", loader=lambda _: FakeCaptioner())
    with pytest.raises(CocaDeskError, match="is not here"):
        app.snapshot(picture_file, tmp_path / "a.png", loader=no_model)
    with pytest.raises(CocaDeskError, match="No model named “nothing” can caption"):
        app.snapshot(picture_file, tmp_path / "a.png", model=ModelRequest("nothing"))
    with pytest.raises(InputError, match="could not be written"):
        app.snapshot(picture_file, tmp_path / "none" / "a.png", loader=lambda _: FakeCaptioner())
