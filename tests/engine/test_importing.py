"""Importing checkpoints: recognised, copied, found by name; refused with the nearest architecture."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file

from cocadesk import engine
from cocadesk.catalog.cards import CARDS, all_cards, card
from cocadesk.catalog.checkpoints import find_weights
from cocadesk.catalog.removal import remove_weights
from cocadesk.cli.main import run
from cocadesk.engine.importing import import_checkpoint
from cocadesk.engine.safetensors_file import StoredArray
from cocadesk.errors import ModelError
from cocadesk.types import Picture
from tests.engine.conftest import TINY, tiny_weights

Weights = dict[str, torch.Tensor]


@pytest.fixture(autouse=True)
def catalog(bundle: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Two small architectures and no others."""
    deep = TINY | {"vision_cfg": TINY["vision_cfg"] | {"layers": 5}}
    bundle("deep-coca", deep)
    bundle()
    for name in CARDS.keys() - {"deep-coca", "tiny-coca"}:
        monkeypatch.delitem(CARDS, name)


@pytest.fixture
def other() -> Weights:
    return tiny_weights(TINY, seed=1)


@pytest.fixture
def models(profile: Path) -> Path:
    return profile / "data" / "models"


@pytest.mark.parametrize("kind", ["safetensors", "prefixed safetensors", "pickle", "training checkpoint"])
def test_an_imported_model_is_used_by_name(
    other: Weights, tmp_path: Path, models: Path, pictures: list[Picture], kind: str
) -> None:
    source = tmp_path / "My model, 2nd try.ckpt"
    if kind == "safetensors":
        save_file(other, source)
    elif kind == "prefixed safetensors":
        save_file({f"module.{name}": value for name, value in other.items()}, source)
    elif kind == "pickle":
        torch.save(other | {"text.attn_mask": torch.zeros(14, 14)}, source)
    else:
        torch.save({"epoch": 3, "state_dict": other, "optimizer": {"lr": 0.1}}, source)
    expected = engine.load("tiny-coca", device="cpu", checkpoint=str(source)).embed_image(pictures)

    imported = import_checkpoint(str(source))
    source.unlink()

    assert imported.name == "my-model-2nd-try"
    assert (imported.architecture, imported.licence, imported.hub_repo) == ("tiny-coca", "", "")
    assert all_cards()["my-model-2nd-try"] == card("my-model-2nd-try") == imported
    assert find_weights(imported) == models / "my-model-2nd-try" / "model.safetensors"
    assert np.array_equal(engine.load("my-model-2nd-try", device="cpu").embed_image(pictures), expected)
    assert [folder.name for folder in models.iterdir()] == ["my-model-2nd-try"]


def test_tensors_that_share_memory_are_imported(other: Weights, tmp_path: Path) -> None:
    rows = torch.arange(2.0 * other["text.token_embedding.weight"].numel())
    rows = rows.view(2, *other["text.token_embedding.weight"].shape)
    other["text.token_embedding.weight"], other["text_decoder.text_projection"] = rows[0], rows[1].t()
    torch.save(other, tmp_path / "shared.pt")

    written = load_file(str(import_checkpoint(str(tmp_path / "shared.pt")).imported))

    assert torch.equal(written["text.token_embedding.weight"], rows[0])
    assert torch.equal(written["text_decoder.text_projection"], rows[1].t())


def test_a_misfit_is_compared_with_the_nearest(other: Weights, tmp_path: Path, models: Path) -> None:
    del other["logit_scale"]
    other["visual.head"] = torch.zeros(2)
    save_file(other, tmp_path / "other.safetensors")

    with pytest.raises(ModelError) as caught:
        import_checkpoint(str(tmp_path / "other.safetensors"))

    message = str(caught.value)
    assert "fits no model of the catalog; the nearest is tiny-coca" in message
    assert "1 missing: logit_scale; 1 unexpected: visual.head" in message
    assert not models.exists()


def test_a_page_in_place_of_a_checkpoint_is_refused(tmp_path: Path, models: Path) -> None:
    (tmp_path / "model.safetensors").write_text("<!doctype html><title>Log in</title>")

    with pytest.raises(ModelError, match="is a web page"):
        import_checkpoint(str(tmp_path / "model.safetensors"))
    with pytest.raises(ModelError, match="no such file"):
        import_checkpoint(str(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="holds no weights"):
        import_checkpoint(str(tmp_path / "empty"))
    assert not models.exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [("tiny-coca", "already"), ("../elsewhere", "cannot be a model's name"), ("Größe", "cannot be a model's name")],
)
def test_a_name_that_cannot_be_given(other: Weights, tmp_path: Path, name: str, message: str) -> None:
    save_file(other, tmp_path / "mine.safetensors")

    with pytest.raises(ModelError, match=message):
        import_checkpoint(str(tmp_path / "mine.safetensors"), name)


def test_a_name_is_given_once(other: Weights, tmp_path: Path) -> None:
    save_file(other, tmp_path / "mine.safetensors")
    import_checkpoint(str(tmp_path / "mine.safetensors"))

    with pytest.raises(ModelError, match="a model named “mine” already"):
        import_checkpoint(str(tmp_path / "mine.safetensors"))
    assert import_checkpoint(str(tmp_path / "mine.safetensors"), "mine-2").name == "mine-2"


def test_a_full_disk_leaves_nothing(
    other: Weights, tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file(other, tmp_path / "mine.safetensors")

    def fill_up(array: StoredArray) -> Iterator[torch.Tensor]:
        yield torch.zeros(4, dtype=torch.uint8)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(StoredArray, "pieces", fill_up)
        with pytest.raises(ModelError, match="is full"):
            import_checkpoint(str(tmp_path / "mine.safetensors"))
    assert not list(models.iterdir())

    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(ModelError, match="has 1,000 bytes free, and the copy needs"):
        import_checkpoint(str(tmp_path / "mine.safetensors"))
    assert "mine" not in all_cards()


def test_what_a_killed_import_left_goes_with_the_next_one(other: Weights, tmp_path: Path, models: Path) -> None:
    save_file(other, tmp_path / "mine.safetensors")
    killed, running = models / ".import-killed", models / ".import-running"
    for folder in (killed, running):
        (folder / "half").mkdir(parents=True)
        (folder / "half" / "weights.safetensors").write_bytes(b"half of it")
        (folder / "lock").touch()
    hold = "import filelock, sys; it = filelock.FileLock(sys.argv[1]); it.acquire(); print('held'); sys.stdin.read()"
    command = [sys.executable, "-u", "-c", hold, str(running / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other_window:
        assert other_window.stdout is not None
        assert other_window.stdout.readline() == "held\n"
        import_checkpoint(str(tmp_path / "mine.safetensors"))
        assert {folder.name for folder in models.iterdir()} == {"mine", ".import-running"}
        other_window.kill()
    import_checkpoint(str(tmp_path / "mine.safetensors"), "mine-2")
    assert {folder.name for folder in models.iterdir()} == {"mine", "mine-2"}


def test_a_removed_model_is_gone(other: Weights, tmp_path: Path, models: Path) -> None:
    save_file(other, tmp_path / "mine.safetensors")
    mine, kept = (import_checkpoint(str(tmp_path / "mine.safetensors"), name) for name in ("mine", "kept"))
    size = (tmp_path / "mine.safetensors").stat().st_size

    assert remove_weights(mine) >= size

    assert "mine" not in all_cards()
    assert find_weights(kept) is not None
    assert [folder.name for folder in models.iterdir()] == ["kept"]


def test_a_damaged_note_hides_one_model_only(other: Weights, tmp_path: Path, models: Path) -> None:
    save_file(other, tmp_path / "mine.safetensors")
    for name in ("mine", "stale", "odd"):
        import_checkpoint(str(tmp_path / "mine.safetensors"), name)
    (models / "odd" / "import.json").write_text("[")
    (models / "stale" / "import.json").write_text(json.dumps({"built_like": "a-model-of-old"}))

    assert "mine" in all_cards()
    assert not {"stale", "odd"} & all_cards().keys()


def test_weights_that_went_missing(other: Weights, tmp_path: Path) -> None:
    save_file(other, tmp_path / "mine.safetensors")
    weights = import_checkpoint(str(tmp_path / "mine.safetensors")).imported
    assert weights is not None
    weights.unlink()

    with pytest.raises(ModelError, match="Import them again"):
        engine.load("mine", device="cpu")


def test_from_the_command_line(other: Weights, tmp_path: Path, models: Path, capfd: pytest.CaptureFixture[str]) -> None:
    save_file(other, tmp_path / "mine.safetensors")

    assert run(["models", "import", str(tmp_path / "mine.safetensors"), "--name", "my-coca"]) == 0
    assert run(["models", "list", "--json"]) == 0
    assert run(["models", "remove", "my-coca"]) == 0

    imported, *listed, removed = capfd.readouterr().out.splitlines()
    assert imported.startswith("my-coca is imported: my-coca, built like ")
    assert imported.endswith(str(models / "my-coca" / "model.safetensors"))
    assert {card["name"]: card["state"] for card in map(json.loads, listed)}["my-coca"] == "imported"
    assert removed.startswith("my-coca is removed: ")
    assert not list(models.iterdir())


def test_a_clip_is_told_apart_and_where_it_can_be_used(tmp_path: Path) -> None:
    towers = {"layers": 1, "width": 16}
    with torch.random.fork_rng(devices=[]):
        module = open_clip.CLIP(
            16, towers | {"image_size": 8, "patch_size": 4, "head_width": 8}, towers | {"vocab_size": 40, "heads": 2}
        )
    save_file(module.state_dict(), tmp_path / "clip.safetensors")

    with pytest.raises(ModelError, match=r"looks like a CLIP of open_clip.*as its checkpoint"):
        import_checkpoint(str(tmp_path / "clip.safetensors"))
