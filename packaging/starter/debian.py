"""Fetches packages of Debian for what is in them, without installing them."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import files


def unpacked(package: str) -> Path:
    """Where the files of that package are; it is fetched once."""
    folder = files.ART / "debian" / package
    if not folder.exists():
        with tempfile.TemporaryDirectory() as temporary:
            subprocess.run(["apt-get", "download", package], cwd=temporary, check=True)
            (archive,) = Path(temporary).glob("*.deb")
            part = folder.with_suffix(".part")
            part.mkdir(parents=True, exist_ok=True)
            subprocess.run(["dpkg", "-x", str(archive), str(part)], check=True)
        part.rename(folder)
    return folder
