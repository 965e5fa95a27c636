"""The entry: commands or files, what is imported, and how every end becomes an exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import cocadesk
from cocadesk.cli import system
from cocadesk.cli.main import COMMANDS, run
from cocadesk.types import Picture
from tests.cli.conftest import use_captioner
from tests.fakes.captioner import FakeCaptioner

ROOT = Path(__file__).parents[2]

# The real entry of a process of its own, with a captioner in place of a model.
WITH_FAKE = """
import os, signal, sys, types
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in a shell's background starts with it ignored
import cocadesk
from cocadesk.work.model_memory import Uncounted
from tests.fakes.captioner import FakeCaptioner
engine = types.ModuleType("cocadesk.engine")  # the real one takes seconds to import torch
engine.load_for = lambda ability, request: FakeCaptioner(before_token=lambda picture, position: {deed})
engine.memory = Uncounted()
cocadesk.engine = sys.modules["cocadesk.engine"] = engine
from cocadesk.__main__ import main
main()
"""


def call(*arguments: str, deed: str = "None", **how: object) -> subprocess.CompletedProcess[str]:
    code = [sys.executable, "-c", WITH_FAKE.format(deed=deed), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
    return subprocess.run(code, text=True, env=environment, timeout=60, check=False, **how)


def test_version_imports_nothing_heavy() -> None:
    code = (
        "import sys; from cocadesk.cli.main import run; code = run(['--version']);"
        "print(sorted({name.split('.')[0] for name in sys.modules}), code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)

    version, modules = done.stdout.splitlines()
    assert version == f"cocadesk {cocadesk.__version__}"
    assert modules.endswith("] 0")
    for heavy in ("torch", "PySide6", "numpy", "PIL", "open_clip", "typer"):
        assert f"'{heavy}'" not in modules


def test_help_imports_neither_torch_nor_qt() -> None:
    code = (
        "import sys; from cocadesk.cli.main import run; run(['caption', '--help']);"
        "sys.exit(bool({'torch', 'PySide6', 'open_clip'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)

    assert done.returncode == 0
    assert "--temperature" in done.stdout


def test_the_help_lists_the_commands_there_are(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0

    out = capfd.readouterr().out
    listed = [line.split()[0] for line in out.partition("Commands:")[2].splitlines() if line.startswith("  ")]
    assert set(COMMANDS) <= set(listed)


@pytest.mark.parametrize("group", [[], ["models"]])
def test_what_commands_do_is_listed_uncut(group: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert run([*group, "--help"]) == 0

    _, _, listed = capfd.readouterr().out.partition("Commands:\n")
    lines = listed.splitlines()
    assert len(lines) >= 5
    assert all(line.endswith(".") and not line.endswith("...") for line in lines)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The files of each window that would have opened."""
    import cocadesk.gui.app  # noqa: PLC0415

    windows: list[list[str]] = []

    def open_window(files: list[str]) -> int:
        windows.append(files)
        return 0

    monkeypatch.setattr(cocadesk.gui.app, "run", open_window)
    monkeypatch.setattr(system, "missing_qt_libraries", list)
    monkeypatch.setattr(system, "has_display", lambda: True)
    return windows


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        ([], []),
        (["one.png", "two.png"], ["one.png", "two.png"]),
        (["./caption"], ["./caption"]),
        (["--", "-odd.png"], ["-odd.png"]),
    ],
)
def test_what_is_no_command_opens_the_window(opened: list[list[str]], arguments: list[str], files: list[str]) -> None:
    assert run(arguments) == 0
    assert opened == [files]


def test_a_mistyped_command_is_not_taken_for_a_file(
    opened: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert run(["captoin", "one.png"]) == 2
    assert opened == []
    assert "Did you mean caption?" in capfd.readouterr().err


def test_without_a_display_the_window_says_so(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system, "missing_qt_libraries", list)
    monkeypatch.setattr(system, "has_display", lambda: False)

    assert run([]) == 1
    assert "cocadesk caption FILE" in capfd.readouterr().err


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays have names on Linux only")
def test_a_display_whose_server_is_gone_is_no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":7777")

    assert not system.has_display()


def test_without_its_libraries_the_window_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    lacking = [system.SystemLibrary("libxcb-cursor.so.0", "libxcb-cursor0")]
    monkeypatch.setattr(system, "missing_qt_libraries", lambda: lacking)
    monkeypatch.setattr(system.shutil, "which", lambda name: f"/usr/bin/{name}")

    assert run(["one.png"]) == 1
    assert "sudo apt-get install libxcb-cursor0" in capfd.readouterr().err


def test_an_unexpected_end_is_one_line_and_a_log(
    monkeypatch: pytest.MonkeyPatch, opened: list[list[str]], profile: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(files: list[str]) -> int:
        raise KeyError("a bug")

    monkeypatch.setattr(cocadesk.gui.app, "run", fail)

    assert run([]) == 1

    [line] = capfd.readouterr().err.splitlines()
    log = profile / "data" / "errors.log"
    assert line == f"cocadesk: Something unexpected went wrong (KeyError). The details are in {log}."
    assert "KeyError: 'a bug'" in log.read_text(encoding="utf-8")


def test_the_log_goes_elsewhere_where_the_profile_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, opened: list[list[str]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(files: list[str]) -> int:
        raise KeyError("a bug")

    blocked = tmp_path / "a file"
    blocked.touch()
    monkeypatch.setattr(cocadesk.gui.app, "run", fail)
    monkeypatch.setenv("COCADESK_PROFILE", str(blocked))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    assert run([]) == 1
    assert str(tmp_path / "cocadesk-errors.log") in capfd.readouterr().err


def test_ctrl_c_exits_with_130_quietly(pictures: Path) -> None:
    done = call("caption", "one.png", deed="os.kill(os.getpid(), signal.SIGINT)")

    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_reader_that_went_away_is_no_error_message(pictures: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = call("caption", "one.png", "Bild zwei 写真.jpg", stdout=writing)
    os.close(writing)

    assert done.returncode == 1
    assert done.stderr == ""


def test_stdout_holds_json_and_nothing_else(pictures: Path) -> None:
    done = call("caption", "one.png", "missing.png", "--json", deed="(print('chatter'), os.write(1, b'noise'))")

    assert done.returncode == 1
    [line] = done.stdout.splitlines()
    assert line.startswith('{"file": "one.png"')
    assert "cocadesk: missing.png: " in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are not on Windows")
def test_on_a_terminal_the_caption_streams_and_progress_is_wiped(pictures: Path) -> None:
    import pty  # noqa: PLC0415

    ours, theirs = pty.openpty()
    done = call("caption", "one.png", stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)

    assert done.returncode == 0
    assert shown.startswith("Loading starter-coca…\r\r\x1b[K")
    assert shown.endswith("a cat on a green background\r\n")


def test_signals_are_left_as_they_were(monkeypatch: pytest.MonkeyPatch, pictures: Path) -> None:
    def interrupt(picture: Picture, position: int) -> None:
        raise KeyboardInterrupt

    use_captioner(monkeypatch, FakeCaptioner(before_token=interrupt))
    before = signal.getsignal(signal.SIGINT)

    assert run(["caption", "one.png"]) == 130
    assert signal.getsignal(signal.SIGINT) is before
