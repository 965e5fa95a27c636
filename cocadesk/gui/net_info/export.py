"""Net information as text for other programs."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict

from cocadesk.types import NetInfo


def as_csv(info: NetInfo) -> str:
    """One line per array, below a heading; shapes as "512x768", shares of all parameters from 0 to 1."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("name", "shape", "dtype", "parameters", "share"))
    for array in info.arrays:
        shape = "x".join(map(str, array.shape))
        writer.writerow((array.name, shape, array.dtype, array.parameters, f"{array.parameters / info.parameters:.8f}"))
    return out.getvalue()


def as_json(info: NetInfo) -> str:
    """One object, with the keys of `cocadesk models info --json`."""
    told = {
        "name": info.model,
        "parameters": info.parameters,
        "memory_bytes": dict(info.memory_bytes),
        "layers": dict(info.layers),
        "arrays": [asdict(array) for array in info.arrays],
    }
    return json.dumps(told, indent=2) + "\n"
