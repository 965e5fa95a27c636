"""`cocadesk doctor`: what it finds, how to mend it, and its exit code."""

from __future__ import annotations

import subprocess
from importlib import metadata
from pathlib import Path

import pytest

import cocadesk
from cocadesk.cli import doctor, system
from cocadesk.cli.main import run
from cocadesk.errors import ModelError
from tests.fakes.captioner import FakeCaptioner


@pytest.fixture(autouse=True)
def sound_machine(monkeypatch: pytest.MonkeyPatch, captioner: FakeCaptioner) -> None:
    """A machine on which nothing is missing; the probe of torch, which takes seconds, answers at once."""
    answer = subprocess.CompletedProcess([], 0, 'a warning\n{"cpu": "2 threads", "cuda:0": "A card, 80 GB"}\n', "")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: answer)
    monkeypatch.setattr(doctor, "missing_qt_libraries", list)
    monkeypatch.setattr(doctor, "_qt_platform_trouble", lambda: "")


def report(capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = run(["doctor"])
    return code, capfd.readouterr().out


def test_a_sound_machine_passes(capfd: pytest.CaptureFixture[str], profile: Path) -> None:
    code, out = report(capfd)

    assert code == 0
    assert "missing" not in out
    assert metadata.version("torch") in out
    assert cocadesk.__version__ in out
    assert "A card, 80 GB" in out
    assert str(profile / "config") in out
    assert "starter-coca" in out
    assert out.endswith("Everything needed is there.\n")


def test_torch_that_does_not_load_is_reported(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = subprocess.CompletedProcess([], 1, "", "Traceback …\nOSError: libcudart.so.12: cannot open\n")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: broken)

    code, out = report(capfd)

    assert code == 1
    assert "OSError: libcudart.so.12: cannot open" in out
    assert "pip install --force-reinstall torch torchvision" in out


def test_a_missing_package_is_reported(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "DISTRIBUTIONS", ("pillow", "no-such-package"))

    code, out = report(capfd)

    assert code == 1
    assert "-m pip install no-such-package" in out


def test_a_missing_library_names_its_package(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    absent = system.SystemLibrary("libxcb-no-such.so.9", "libxcb-no-such9")
    monkeypatch.setattr(system, "QT_LIBRARIES", (*system.QT_LIBRARIES, absent))
    monkeypatch.setattr(doctor, "missing_qt_libraries", system.missing_qt_libraries)
    monkeypatch.setattr(system.sys, "platform", "linux")

    code, out = report(capfd)

    assert code == 1
    assert "libxcb-no-such.so.9" in out
    assert "libxcb-no-such9" in out


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ModelError("The weights of starter-coca are incomplete."), "The weights of starter-coca are incomplete."),
        (RuntimeError("size mismatch"), "Something unexpected went wrong (RuntimeError)"),
    ],
)
def test_a_bundled_model_that_does_not_load_is_reported(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], error: Exception, said: str
) -> None:
    def load(name: str, **how: object) -> FakeCaptioner:
        raise error

    monkeypatch.setattr("cocadesk.engine.load", load)

    code, out = report(capfd)

    assert code == 1
    assert said in out


def test_a_folder_that_cannot_be_written_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setenv("COCADESK_PROFILE", str(tmp_path / "a file"))

    code, out = report(capfd)

    assert code == 1
    assert out.count("COCADESK_PROFILE") == 3


def test_no_display_is_a_note_not_a_fault(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(system.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)

    code, out = report(capfd)

    assert code == 0
    assert "note     display  none" in out
