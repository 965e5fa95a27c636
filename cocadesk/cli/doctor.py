"""`cocadesk doctor`: versions, devices, folders, models, the window's needs; what is missing and how to mend it."""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

import typer

from cocadesk import __version__, paths
from cocadesk.catalog.cards import CARDS
from cocadesk.catalog.hub_cache import read_hub_settings
from cocadesk.cli.output import crash_report, failed_unexpectedly, progress, results_only
from cocadesk.cli.system import has_display, install_command, missing_qt_libraries
from cocadesk.errors import CocaDeskError

DISTRIBUTIONS = (
    "torch",
    "open_clip_torch",
    "safetensors",
    "huggingface_hub",
    "httpx2",
    "filelock",
    "numpy",
    "pillow",
    "pillow-heif",
    "PySide6-Essentials",
    "pyqtgraph",
    "qtawesome",
    "typer",
    "platformdirs",
)

# Run apart: a broken driver or a wrong build of torch can end the process that imports it.
_TORCH_PROBE = """
import json, torch
cuda = torch.cuda.is_available()
found = {f"cuda:{i}": torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count() if cuda else 0)}
print(json.dumps({
    "cpu": f"{torch.get_num_threads()} threads",
    **{name: f"{device.name}, {device.total_memory / 2**30:.0f} GB" for name, device in found.items()},
    **({"mps": "Apple GPU"} if torch.backends.mps.is_available() else {}),
}))
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        state: "missing" is something CocaDesk needs; "note" is something that only limits it.
        mend: What to do about it; empty where nothing needs doing.
    """

    state: Literal["ok", "note", "missing"]
    what: str
    value: str
    mend: str = ""


def doctor() -> None:
    """Check this machine: what is there, what is missing and how to mend it.

    Exit code: 0 everything needed is there, 1 something is missing.
    """
    sections: dict[str, Callable[[], Iterator[Finding]]] = {
        "Versions": _versions,
        "Devices": _devices,
        "Folders": _folders,
        "Models": _models,
        "Window": _window,
    }
    missing = 0
    with results_only() as out:
        for title, look in sections.items():
            with progress(f"{title}…"):
                findings = list(look())
            out.write(f"{title}\n")
            width = max(len(finding.what) for finding in findings)
            for finding in findings:
                out.write(f"  {finding.state:<7}  {finding.what:<{width}}  {finding.value}\n")
                if finding.mend:
                    out.write(f"  {'':<7}  {'':<{width}}  → {finding.mend}\n")
            out.flush()
            missing += sum(finding.state == "missing" for finding in findings)
        out.write("Everything needed is there.\n" if not missing else f"Missing: {missing}. See the arrows above.\n")
    raise typer.Exit(1 if missing else 0)


def _versions() -> Iterator[Finding]:
    yield Finding("ok", "cocadesk", __version__)
    yield Finding("ok", "python", f"{platform.python_version()} on {platform.platform()}")
    for name in DISTRIBUTIONS:
        try:
            yield Finding("ok", name, metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Finding("missing", name, "not installed", f"{sys.executable} -m pip install {name}")


def _devices() -> Iterator[Finding]:
    yield _memory()
    probe = subprocess.run([sys.executable, "-c", _TORCH_PROBE], capture_output=True, text=True, check=False)
    if probe.returncode == 0:
        devices: dict[str, str] = json.loads(probe.stdout.splitlines()[-1])
        yield from (Finding("ok", name, value) for name, value in devices.items())
    else:
        why = (probe.stderr.strip().splitlines() or [f"it ended with code {probe.returncode}"])[-1]
        mend = f"{sys.executable} -m pip install --force-reinstall torch torchvision"
        yield Finding("missing", "torch", f"does not load: {why}", mend)


def _memory() -> Finding:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return Finding("note", "memory", "cannot be told on this system")
    page = os.sysconf("SC_PAGE_SIZE") / 2**30
    value = f"{os.sysconf('SC_PHYS_PAGES') * page:.1f} GB"
    if "SC_AVPHYS_PAGES" in os.sysconf_names:
        value += f", {os.sysconf('SC_AVPHYS_PAGES') * page:.1f} GB of it unused"
    return Finding("ok", "memory", value)


def _folders() -> Iterator[Finding]:
    for what, folder in (("settings", paths.config_dir), ("data", paths.data_dir), ("cache", paths.cache_dir)):
        try:
            place = folder()
            place.mkdir(parents=True, exist_ok=True)  # what it could not be made for is said again
            with tempfile.TemporaryFile(dir=place):
                pass
            free = shutil.disk_usage(place).free / 2**30
            yield Finding("ok", what, f"{place} ({free:.1f} GB free)")
        except OSError as error:
            mend = f"Make it writable, or set {paths.PROFILE_VARIABLE} to a folder that is."
            yield Finding("missing", what, f"cannot be written: {error}", mend)
    yield Finding("ok", "downloads", str(read_hub_settings().cache))


def _models() -> Iterator[Finding]:
    """Load each bundled model; there is no quicker check that its files are whole and fit the code."""
    for card in CARDS.values():
        if not card.bundled:
            continue
        try:
            from cocadesk import engine  # noqa: PLC0415 — brings torch along

            loaded = engine.load(card.name, device="cpu")
            yield Finding("ok", card.name, f"loads in {loaded.load_seconds:.1f} s")
        except CocaDeskError as error:
            yield Finding("missing", card.name, str(error), "Install CocaDesk again: its own files are incomplete.")
        except Exception as error:  # noqa: BLE001 — a doctor reports whatever the patient has
            yield Finding("missing", card.name, failed_unexpectedly(error, crash_report(error)))


def _window() -> Iterator[Finding]:
    missing = missing_qt_libraries()
    for library in missing:
        yield Finding("missing", library.file, f"Debian package {library.package}", install_command([library]))
    trouble = "" if missing else _qt_platform_trouble()
    if trouble:
        yield Finding("missing", "Qt", trouble, "Install the library it names with your system's package manager.")
    elif not missing:
        yield Finding("ok", "Qt", "its system libraries load")
    if has_display():
        where = next(
            (os.environ[n] for n in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY") if os.environ.get(n)), ""
        )
        yield Finding("ok", "display", where or "of the desktop")
    else:
        yield Finding(
            "note", "display", "none", "Log in to a desktop for the window; `cocadesk caption` works without."
        )


def _qt_platform_trouble() -> str:
    """Load Qt's plugin for X11 as Qt would, and return the loader's complaint; the plugin exists on Linux only."""
    spec = importlib.util.find_spec("PySide6")
    if spec is None or spec.origin is None:
        return "PySide6 is not installed"
    plugin = Path(spec.origin).parent / "Qt" / "plugins" / "platforms" / "libqxcb.so"
    if plugin.exists():
        try:
            ctypes.CDLL(str(plugin))
        except OSError as error:
            return str(error)
    return ""
