"""The two set-up commands, on machines of many kinds; the installing itself is done for real by the clean clone."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from cocadesk.cli import system

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, with a checkout of its own whose path has a space."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "packaging" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    checkout = tmp_path / "a checkout"
    checkout.mkdir()
    (checkout / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    module.ROOT = checkout
    module.VENV = checkout / ".venv"
    module.STAMP = module.VENV / "cocadesk-stamp"
    module.PYTHON = module.VENV / module.PYTHON.relative_to(ROOT / ".venv")
    monkeypatch.setattr(module, "system", lambda: system)
    monkeypatch.setattr(system, "missing_qt_libraries", list)
    return module


@pytest.fixture
def commands(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the script would have run; everything succeeds."""
    ran: list[list[str]] = []

    def run(command: list[object], **how: object) -> subprocess.CompletedProcess[bytes]:
        ran.append([str(part) for part in command])
        if "venv" in ran[-1]:
            bootstrap.VENV.mkdir(exist_ok=True)
        return subprocess.CompletedProcess(command, 0, b"", b"")

    monkeypatch.setattr(bootstrap.subprocess, "run", run)
    return ran


def lacking(*packages: str) -> list[system.SystemLibrary]:
    return [system.SystemLibrary(f"{package}.so", package) for package in packages]


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run", "test"]])
def test_a_wrong_call_shows_the_two_commands(
    bootstrap: ModuleType, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert bootstrap.main(arguments) == 2
    assert "bootstrap.py run" in capsys.readouterr().err


def test_an_old_python_is_told_so(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST_PYTHON", (9, 1))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)

    assert bootstrap.main(["test"]) == 1
    assert "needs Python 9.1 or newer" in capsys.readouterr().err


def test_an_old_python_hands_over_to_a_newer_one(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(bootstrap, "OLDEST_PYTHON", (9, 1))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: f"/opt/{name}")
    monkeypatch.setattr(bootstrap.os, "execv", lambda program, arguments: handed.append((program, arguments)))

    bootstrap.use_new_enough_python(["run"])

    [(program, arguments)] = handed
    assert program == "/opt/python3.14"
    assert arguments == [program, str(ROOT / "packaging" / "bootstrap.py"), "run"]


def test_an_old_python_can_read_the_script() -> None:
    import ast  # noqa: PLC0415

    ast.parse((ROOT / "packaging" / "bootstrap.py").read_text(encoding="utf-8"), feature_version=(3, 7))


def test_setting_up_makes_the_environment_once(bootstrap: ModuleType, commands: list[list[str]]) -> None:
    bootstrap.install_project(with_tests=True)
    venv, pip, project = commands
    assert venv == [sys.executable, "-m", "venv", "--clear", str(bootstrap.VENV)]
    assert pip[-2:] == ["--upgrade", "pip"]
    assert project[-4:] == ["--editable", ".", "--group", "dev"]

    commands.clear()
    bootstrap.install_project(with_tests=True)
    bootstrap.install_project(with_tests=False)  # what has the tests' tools has everything
    assert commands == []


def test_the_main_job_needs_no_test_tools_and_the_tests_add_them(
    bootstrap: ModuleType, commands: list[list[str]]
) -> None:
    bootstrap.install_project(with_tests=False)
    assert "--group" not in commands[-1]

    commands.clear()
    bootstrap.install_project(with_tests=True)
    assert "--group" in commands[-1]


def test_changed_dependencies_are_installed(bootstrap: ModuleType, commands: list[list[str]]) -> None:
    bootstrap.install_project(with_tests=True)
    (bootstrap.ROOT / "pyproject.toml").write_text("[project]\nname = 'other'\n", encoding="utf-8")
    commands.clear()

    bootstrap.install_project(with_tests=True)

    assert commands


def test_what_is_missing_is_installed_as_root(
    bootstrap: ModuleType, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "missing_qt_libraries", lambda: lacking("libegl1", "libxcb-cursor0"))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 0)

    assert bootstrap.install_system_packages(needed_for_all=True)

    update, install = commands
    assert update[:2] == ["apt-get", "update"]
    assert install[:2] == ["apt-get", "install"]
    assert install[-2:] == ["libegl1", "libxcb-cursor0"]


def test_nothing_missing_touches_nothing(bootstrap: ModuleType, commands: list[list[str]]) -> None:
    assert bootstrap.install_system_packages(needed_for_all=True)
    assert commands == []


@pytest.fixture
def no_rights(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: "/usr/bin/apt-get" if name == "apt-get" else None)
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 1000)


@pytest.mark.usefixtures("no_rights")
def test_without_rights_the_tests_stop_and_say_what_to_type(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system, "missing_qt_libraries", lambda: lacking("libegl1"))

    assert bootstrap.main(["test"]) == 1
    assert "    sudo apt-get install libegl1\n" in capsys.readouterr().err


@pytest.mark.usefixtures("no_rights")
def test_without_rights_the_main_job_goes_on_without_the_window(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system, "missing_qt_libraries", lambda: lacking("libegl1"))

    assert not bootstrap.install_system_packages(needed_for_all=False)
    assert "sudo apt-get install libegl1" in capsys.readouterr().out


@pytest.mark.usefixtures("no_rights")
def test_without_the_venv_module_nothing_can_go_on(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "has_ensurepip", lambda: False)

    assert bootstrap.main(["run"]) == 1
    assert f"sudo apt-get install python3.{sys.version_info.minor}-venv\n" in capsys.readouterr().err


def test_with_a_display_the_main_job_opens_the_window(
    bootstrap: ModuleType, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "has_display", lambda: True)

    assert bootstrap.main(["run"]) == 0
    assert commands[-1] == [str(bootstrap.PYTHON), "-m", "cocadesk", str(bootstrap.sample_picture())]


def test_without_a_display_the_main_job_captions_in_the_terminal_and_pictures_the_window(
    bootstrap: ModuleType,
    commands: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(system, "has_display", lambda: False)
    monkeypatch.setattr(bootstrap, "WINDOW_PICTURE", tmp_path / "out" / "window.png")

    assert bootstrap.main(["run"]) == 0

    caption, snapshot = commands[-2:]
    assert caption[1:4] == ["-m", "cocadesk", "caption"]
    assert snapshot[-2:] == [str(bootstrap.sample_picture()), str(tmp_path / "out" / "window.png")]
    assert str(tmp_path / "out" / "window.png") in capsys.readouterr().out


def test_every_step_of_the_tests_runs_even_after_one_failed(
    bootstrap: ModuleType,
    commands: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recorded = bootstrap.subprocess.run

    def run(command: list[object], **how: object) -> subprocess.CompletedProcess[bytes]:
        done: subprocess.CompletedProcess[bytes] = recorded(command, **how)
        done.returncode = int("mypy" in command)
        return done

    monkeypatch.setattr(bootstrap.subprocess, "run", run)
    monkeypatch.setattr(bootstrap, "build_lacks", list)

    assert bootstrap.main(["test"]) == 1

    out = capsys.readouterr().out
    tools = [" ".join(Path(part).name for part in command) for command in commands]
    for tool in ("ruff check", "ruff format --check", "mypy", "lint-imports", "pytest"):
        assert any(tool in line for line in tools), tool
    assert "Failed: types" in out


def test_ci_runs_the_readme_command() -> None:
    command = "python3 packaging/bootstrap.py test"

    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_wheel_takes_the_resources_along() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included["resources"] == "cocadesk/resources"
