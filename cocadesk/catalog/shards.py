"""Which files make up one set of weights: a single one, or the shards that an index names.

Large checkpoints come in several files. Beside them lies an index, such as `model.safetensors.index.json`, whose
`weight_map` names the file of each array (the layout of the Hugging Face hub).
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from cocadesk.errors import ModelError

_INDEX = ".index.json"
_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})(\.[a-z]+)")
_NAMES = (
    "model.safetensors",
    "open_clip_model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "open_clip_pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
"""What a folder's weights may be called, the preferred first."""


def weight_files(path: Path) -> tuple[Path, ...]:
    """The files that hold the weights which `path` stands for.

    Args:
        path: A weights file, one of several shards, their index, or a folder with any of these.

    Raises:
        ModelError: if there is nothing of the kind, it is no regular file, the index is damaged, or a shard is missing.
    """
    if path.is_dir():
        found = next((path / name for name in _NAMES if (path / name).is_file()), None)
        if found is None:
            raise ModelError(f"The folder {path} holds no weights: {_NAMES[0]} or {_NAMES[2]} was expected.")
        return weight_files(found)
    if path.exists() and not path.is_file():  # reading it might never end, or wait forever
        raise ModelError(f"{path} is a device or a pipe. Give the weights as a file.")
    if path.name.endswith(_INDEX):
        return _of_index(path, path)
    shard = _SHARD.fullmatch(path.name)
    if shard is None:
        return (path,)
    stem, _, count, suffix = shard.groups()
    index = path.with_name(f"{stem}{suffix}{_INDEX}")
    if index.is_file():
        return _of_index(index, path)
    names = [f"{stem}-{number:05}-of-{count}{suffix}" for number in range(1, int(count) + 1)]
    return _all_there(path, names)


def _of_index(index: Path, asked: Path) -> tuple[Path, ...]:
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        damaged = not names or any(Path(name).name != name for name in names)
    except OSError as error:
        raise ModelError(f"{index} cannot be read: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        damaged = True
    if damaged:
        raise ModelError(
            f"{index} cannot be read: it is no index of shards, which names a file beside it for each array."
        )
    return _all_there(asked, names)


def _all_there(path: Path, names: list[str]) -> tuple[Path, ...]:
    files = tuple(path.with_name(name) for name in names)
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise ModelError(
            f"The weights that {path} belongs to come in {len(files)} files, of which {len(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing: {', '.join(missing[:3])}"
            f"{' and others' if len(missing) > 3 else ''}. Put all of them into one folder."
        )
    return files
