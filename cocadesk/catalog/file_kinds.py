"""Files that were given as weights and hold none: what they are, from their first bytes."""

from __future__ import annotations

import zipfile
from pathlib import Path

from cocadesk.errors import DamagedWeights, ModelError

_HEAD_BYTES = 1024
_PAGES = (b"<!doctype html", b"<html", b"<?xml", b"<head")
_OTHER_KINDS = (
    (b"GGUF", "a GGUF file (llama.cpp), which CocaDesk does not run"),
    (b"\x89HDF", "an HDF5 file (Keras), which CocaDesk does not run"),
    (b"\x93NUMPY", "a single NumPy array, not a table of named ones"),
    (b"\x1f\x8b", "a gzip archive; unpack it and take the weights file in it"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive; unpack it and take the weights file in it"),
    (b"7z\xbc\xaf", "a 7-Zip archive; unpack it and take the weights file in it"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"{", "a text in JSON; take the weights file beside it"),
)


def refuse_other_kinds(path: Path) -> None:
    """Refuse a file that certainly holds no weights.

    Raises:
        DamagedWeights: if something went wrong on its way here: it is empty, cut off, a web page or a pointer.
        ModelError: if it is a file of another kind.
        OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head:
        raise DamagedWeights(f"{path} cannot be read: it is empty.")
    if text.lower().startswith(_PAGES):
        raise DamagedWeights(
            f"{path} cannot be read: it is a web page. Whoever sent it wanted a log-in first or had no such file."
        )
    if head.startswith(b"version https://git-lfs"):
        raise DamagedWeights(
            f"{path} cannot be read: it is a Git LFS pointer in place of the file, which “git lfs pull” fetches."
        )
    kind = _archive_kind(path) if head.startswith(b"PK") else _other_kind(path, head, text)
    if kind is not None:
        raise ModelError(f"{path} cannot be read: it is {kind}.")


def _other_kind(path: Path, head: bytes, text: bytes) -> str | None:
    # ONNX is a protocol buffer whose first fields are a small integer (its version) and a text (who wrote it).
    if path.suffix == ".onnx" or (head[:1] == b"\x08" and head[2:3] == b"\x12" and head[1] < 32):
        return "an ONNX model; take the PyTorch or safetensors file that it was made from"
    return next((kind for magic, kind in _OTHER_KINDS if head.startswith(magic) or text.startswith(magic)), None)


def _archive_kind(path: Path) -> str | None:
    if not zipfile.is_zipfile(path):
        raise DamagedWeights(f"{path} cannot be read: it is cut off, the end of its archive is missing.")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if any(name.endswith("/constants.pkl") for name in names):
        return "a TorchScript program, which holds code; take the model's state_dict"
    if not any(name.endswith("/data.pkl") for name in names):
        return "a ZIP archive without a PyTorch checkpoint; unpack it and take the weights file in it"
    return None
