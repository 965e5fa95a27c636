"""Installs the packages of `package.json`."""

import subprocess

import files


def install() -> None:
    """Run `npm install` in `art/`; what is there already stays."""
    files.ART.mkdir(exist_ok=True)
    (files.ART / "package.json").write_bytes((files.HERE / "package.json").read_bytes())
    subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=files.ART, check=True)
