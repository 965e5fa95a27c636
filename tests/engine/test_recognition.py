"""Recognising the architecture of a checkpoint among those of all families."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from cocadesk.catalog.cards import CARDS, card
from cocadesk.engine.importing import import_checkpoint
from cocadesk.engine.net_info import net_info
from cocadesk.errors import ModelError


def write_sparse(shapes: dict[str, tuple[int, ...]], path: Path) -> None:
    """A safetensors file of zeros as large as need be, with nothing but its header on the disk."""
    header, end = {}, 0
    for name, shape in shapes.items():
        begin, end = end, end + math.prod(shape)
        header[name] = {"dtype": "I8", "shape": shape, "data_offsets": (begin, end)}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    os.truncate(path, path.stat().st_size + end)


@pytest.mark.parametrize(
    "name", ["coca-vit-b-32", "coca-vit-l-14", "blip-vqa-base", "blip-caption-large", "vit-base-patch32"]
)
def test_the_nearest_is_found_in_every_family(tmp_path: Path, name: str) -> None:
    shapes = {array.name: array.shape for array in net_info(name).arrays}
    missing = next(array for array in shapes if array.endswith("bias"))
    del shapes[missing]
    write_sparse(shapes, tmp_path / "sparse.safetensors")

    with pytest.raises(ModelError) as caught:
        import_checkpoint(str(tmp_path / "sparse.safetensors"))

    assert f"the nearest is {card(name).architecture}. " in str(caught.value)
    assert f"1 missing: {missing}." in str(caught.value)


def test_another_number_of_classes_is_told(tmp_path: Path) -> None:
    shapes = {array.name: array.shape for array in net_info("vit-base-patch16").arrays}
    shapes["head.weight"], shapes["head.bias"] = (10, 768), (10,)
    write_sparse(shapes, tmp_path / "sparse.safetensors")

    with pytest.raises(ModelError, match=r"2 of another shape: head\.\w+ \(10.*\) instead of \(1000"):
        import_checkpoint(str(tmp_path / "sparse.safetensors"))


def test_a_bundled_architecture_is_recognised(tmp_path: Path) -> None:
    weights = CARDS["starter-coca"].folder / "model.safetensors"
    save_file({f"model.{name}": array for name, array in load_file(weights).items()}, tmp_path / "mine.safetensors")

    assert import_checkpoint(str(tmp_path / "mine.safetensors")).architecture == "starter-coca"


def test_arrays_that_are_called_like_no_model_s(tmp_path: Path) -> None:
    write_sparse({"bn1.bias": (2,), "conv1.weight": (2,), "fc.bias": (9,), "fc.weight": (9,)}, tmp_path / "resnet.bin")
    with pytest.raises(ModelError, match=r"none has arrays that are called like its own \(bn1.bias, conv1.weight, fc"):
        import_checkpoint(str(tmp_path / "resnet.bin"))
