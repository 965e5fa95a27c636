"""Memory: what a model needs, running out of it, giving it back; and weights that are removed while in use."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from cocadesk import engine
from cocadesk.catalog.cards import CARDS
from cocadesk.catalog.checkpoints import find_weights
from cocadesk.catalog.removal import remove_weights
from cocadesk.engine import coca, memory
from cocadesk.engine.importing import import_checkpoint
from cocadesk.errors import ModelError, OutOfMemory
from cocadesk.types import CancelToken, CaptionRequest, CaptionResult, ModelRequest, Picture
from cocadesk.work.captioning import caption_work, unload_work
from cocadesk.work.model_manager import ModelManager, ModelReady, ModelUnloaded, ModelWarning
from tests.benchmarks import loading


@pytest.fixture
def folder(bundle: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small model, the only bundled one in the catalog."""
    folder = bundle()
    for name in [name for name, card in CARDS.items() if card.bundled and name != "tiny-coca"]:
        monkeypatch.delitem(CARDS, name)
    return folder


def test_what_a_model_needs() -> None:
    parameters = 253_560_065
    for dtype, size in (("float32", 4), ("bfloat16", 2), ("float16", 2)):
        request = ModelRequest("coca-vit-b-32", device="cpu", dtype=dtype)  # type: ignore[arg-type]
        assert memory.needed(request) == ("cpu", size * parameters)
    assert memory.needed(ModelRequest("coca-vit-b-32", device="cpu", dtype="int8")) == ("cpu", 5 * parameters)
    assert memory.needed(ModelRequest("coca-vit-b-32", device="cpu")) == ("cpu", 5 * parameters)  # may choose int8
    assert memory.needed(ModelRequest("coca-vit-b-32", device="cpu", untrained=True)) == ("cpu", 4 * parameters)
    assert memory.needed(ModelRequest("blip-vqa-base", device="cpu"))[1] == 4 * CARDS["blip-vqa-base"].parameters
    with pytest.raises(ModelError, match="no model named"):
        memory.needed(ModelRequest("no-such-model"))


def test_what_there_is() -> None:
    assert 0 < memory.available("cpu") < memory.total("cpu")
    assert psutil.virtual_memory().total <= memory.total("cpu")


@pytest.mark.parametrize(
    "error",
    [
        None,
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
    ],
    ids=["cpu", "python", "cuda", "mps"],
)
def test_running_out_while_loading_is_told_from_other_errors(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    def run_out(card: object, request: object) -> object:
        if error is None:
            return torch.empty(1 << 60, dtype=torch.uint8)  # raises what torch raises
        raise error

    monkeypatch.setattr(coca, "load", run_out)
    with pytest.raises(OutOfMemory, match="not enough memory to load tiny-coca"):
        engine.load("tiny-coca", device="cpu")

    def break_down(card: object, request: object) -> object:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(coca, "load", break_down)
    with pytest.raises(RuntimeError, match="shapes"):
        engine.load("tiny-coca", device="cpu")


def test_the_engines_models_are_managed(folder: Path, pictures: list[Picture]) -> None:
    manager = ModelManager()
    request = ModelRequest("tiny-coca", device="cpu", dtype="float32")
    events = list(caption_work(manager, CaptionRequest(request, tuple(pictures[:2])))(CancelToken()))

    ready = next(event for event in events if isinstance(event, ModelReady))
    assert (ready.device, ready.dtype) == ("cpu", "float32")
    assert ready.weight_bytes == manager.loaded[0].weight_bytes > 0
    assert {event.picture for event in events if isinstance(event, CaptionResult)} == {0, 1}
    assert not any(isinstance(event, ModelWarning) for event in events)
    assert list(unload_work(manager)(CancelToken())) == [ModelUnloaded(request)]


@pytest.mark.skipif(os.name == "nt", reason="Windows does not remove a file that is in use: that is an error there")
def test_a_model_removed_while_in_use_works_until_it_is_unloaded(folder: Path, pictures: list[Picture]) -> None:
    card = import_checkpoint(str(folder / "model.safetensors"), "mine")
    manager = ModelManager()
    request = CaptionRequest(ModelRequest("mine", device="cpu", dtype="float32"), tuple(pictures[:1]))

    def caption() -> str:
        *_, result = caption_work(manager, request)(CancelToken())
        assert isinstance(result, CaptionResult)
        return result.caption

    said = caption()
    assert remove_weights(card) > 0
    assert find_weights(card) is None
    assert caption() == said

    list(unload_work(manager)(CancelToken()))
    with pytest.raises(ModelError, match="There is no model named “mine”"):
        caption()


def test_a_model_that_cannot_be_removed_stays_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows while its file is mapped."""
    card = import_checkpoint(str(folder / "model.safetensors"), "mine")
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name == "model.safetensors":
            raise PermissionError(errno.EACCES, "in use", str(path))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(ModelError, match="Close what uses the model"):
        remove_weights(card)
    assert engine.load("mine", device="cpu").name == "mine"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_returns_to_where_it_was() -> None:
    """A 1 GB model, in a process of its own: loaded, used and unloaded."""
    row = loading.unload(loading.MODEL)
    assert row.passed, row


def test_embeddings_do_not_change_with_the_number_format(folder: Path, pictures: list[Picture]) -> None:
    whole, half = (
        engine.load("tiny-coca", device="cpu", dtype=dtype).embed_image(pictures)  # type: ignore[arg-type]
        for dtype in ("float32", "bfloat16")
    )
    assert np.sum(whole * half, axis=1).min() > 0.99
