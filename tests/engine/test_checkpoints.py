"""Checkpoints of all shapes: shards, wrappers, number formats; and files that are none, each called what it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from cocadesk import engine
from cocadesk.catalog.cards import CARDS
from cocadesk.catalog.checkpoints import find_weights
from cocadesk.engine.importing import import_checkpoint
from cocadesk.errors import ModelError
from cocadesk.types import DtypeName, Picture
from tests.engine.conftest import TINY, tiny_weights

Weights = dict[str, torch.Tensor]


@pytest.fixture
def folder(bundle: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small model, the only bundled one in the catalog."""
    folder = bundle()
    for name in [name for name, card in CARDS.items() if card.bundled and name != "tiny-coca"]:
        monkeypatch.delitem(CARDS, name)
    return folder


@pytest.fixture
def other() -> Weights:
    return tiny_weights(TINY, seed=1)


@pytest.fixture
def expected(folder: Path, other: Weights, tmp_path: Path, pictures: list[Picture]) -> np.ndarray:
    """What a model with the other weights says, which its own weights do not."""
    save_file(other, tmp_path / "whole.safetensors")
    own = engine.load("tiny-coca", device="cpu").embed_image(pictures)
    embedded = embed(tmp_path / "whole.safetensors", pictures)
    assert np.abs(embedded - own).max() > 0.1
    return embedded


def embed(checkpoint: Path, pictures: list[Picture], dtype: DtypeName = "float32") -> np.ndarray:
    model = engine.load("tiny-coca", device="cpu", dtype=dtype, checkpoint=str(checkpoint))
    embedded: np.ndarray = model.embed_image(pictures)
    return embedded


def refusal(checkpoint: Path) -> str:
    with pytest.raises(ModelError) as caught:
        engine.load("tiny-coca", device="cpu", checkpoint=str(checkpoint))
    message = str(caught.value)
    assert str(checkpoint) in message
    assert "\n" not in message
    return message


def write_shards(weights: Weights, folder: Path, *, pickled: bool = False, index: bool = True) -> list[Path]:
    """Three files and their index, as the hub's tools write them."""
    folder.mkdir()
    stem, suffix = ("pytorch_model", ".bin") if pickled else ("model", ".safetensors")
    names = list(weights)
    files = [folder / f"{stem}-{number:05}-of-00003{suffix}" for number in (1, 2, 3)]
    for number, file in enumerate(files):
        shard = {name: weights[name] for name in names[number::3]}
        if pickled:
            torch.save(shard, file)
        else:
            save_file(shard, file)
    if index:
        places = {name: files[number % 3].name for number, name in enumerate(names)}
        text = json.dumps({"metadata": {"total_size": 1}, "weight_map": places})
        (folder / f"{stem}{suffix}.index.json").write_text(text)
    return files


@pytest.mark.parametrize("pickled", [False, True], ids=["safetensors", "pickle"])
@pytest.mark.parametrize("given", ["index", "folder", "shard", "shard without index"])
def test_shards_are_put_together(
    *, expected: np.ndarray, other: Weights, tmp_path: Path, pictures: list[Picture], pickled: bool, given: str
) -> None:
    shards = tmp_path / "my shards"
    files = write_shards(other, shards, pickled=pickled, index=given != "shard without index")
    checkpoint = {"index": next(shards.glob("*.json"), shards), "folder": shards}.get(given, files[1])

    assert np.array_equal(embed(checkpoint, pictures), expected)

    imported = import_checkpoint(str(checkpoint)).imported
    assert imported is not None
    assert imported.parent.name == {"folder": "my-shards"}.get(given, "pytorch_model" if pickled else "model")
    written = load_file(imported)
    assert written.keys() == other.keys()
    assert all(torch.equal(written[name], other[name]) for name in other)


def test_shards_that_are_not_all_there(folder: Path, other: Weights, tmp_path: Path) -> None:
    files = write_shards(other, tmp_path / "shards")
    index = tmp_path / "shards" / "model.safetensors.index.json"

    os.truncate(files[2], files[2].stat().st_size - 1)
    with pytest.raises(ModelError, match=r"model-00003-of-00003\.safetensors cannot be read: it is cut off"):
        engine.load("tiny-coca", device="cpu", checkpoint=str(files[0]))
    files[1].unlink()
    for given in (files[0], index):
        assert "come in 3 files, of which 1 is missing: model-00002-of-00003.safetensors" in refusal(given)
    for text in ("{", "{}", '{"weight_map": {"logit_scale": "../model.safetensors"}}', '{"weight_map": {}}'):
        index.write_text(text)
        assert "no index of shards" in refusal(index)


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "module", "state_dict_ema"])
@pytest.mark.parametrize("prefix", ["", "module.", "model.", "module.model."])
def test_what_training_scripts_wrap_around_the_weights(
    *, expected: np.ndarray, other: Weights, tmp_path: Path, pictures: list[Picture], wrapper: str, prefix: str
) -> None:
    checkpoint = {wrapper: {f"{prefix}{name}": tensor for name, tensor in other.items()}, "epoch": 3}
    if wrapper == "state_dict_ema":  # the running mean goes before the weights of the last step
        checkpoint["state_dict"] = {name: torch.zeros_like(tensor) for name, tensor in other.items()}
    torch.save(checkpoint, tmp_path / "checkpoint.pt")

    assert np.array_equal(embed(tmp_path / "checkpoint.pt", pictures), expected)


@pytest.mark.parametrize("stored", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("wanted", ["float32", "bfloat16", "float16"])
def test_number_formats_are_converted(
    folder: Path, other: Weights, tmp_path: Path, stored: torch.dtype, wanted: DtypeName
) -> None:
    save_file({name: tensor.to(stored) for name, tensor in other.items()}, tmp_path / "stored.safetensors")
    model = engine.load("tiny-coca", device="cpu", dtype=wanted, checkpoint=str(tmp_path / "stored.safetensors"))

    loaded = model.module.state_dict()
    assert loaded.keys() == other.keys()
    for name, tensor in other.items():
        assert torch.equal(loaded[name], tensor.to(stored).to(getattr(torch, wanted))), name


def test_arrays_larger_than_a_piece_are_read_whole(tmp_path: Path) -> None:
    from cocadesk.engine.safetensors_file import open_safetensors  # noqa: PLC0415

    weights = {"a": torch.arange(3_000_001) % 1009 / 7, "b": torch.arange(5, dtype=torch.int64), "c": torch.zeros(0, 3)}
    save_file(weights, tmp_path / "large.safetensors")
    arrays = open_safetensors(tmp_path / "large.safetensors")

    assert {name: array.shape for name, array in arrays.items()} == {"a": (3_000_001,), "b": (5,), "c": (0, 3)}
    for name, tensor in weights.items():
        assert torch.equal(arrays[name].tensor(torch.device("cpu"), torch.float64), tensor.double())


def test_an_array_that_begins_between_its_numbers(tmp_path: Path) -> None:
    """An odd header length is legal: such an array cannot be mapped."""
    from cocadesk.engine.safetensors_file import open_safetensors  # noqa: PLC0415

    numbers = np.arange(6, dtype=np.float32)
    header = json.dumps({"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}).encode()
    header += b" " * (1 - len(header) % 2)
    path = tmp_path / "odd.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + numbers.tobytes())

    read = open_safetensors(path)["a"].tensor(torch.device("cpu"), torch.float32)
    assert np.array_equal(read.numpy(), numbers.reshape(2, 3))


def zipped(*names: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, "content")

    return write


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty. Copy or download the file again."),
        (b"\n <!DOCTYPE html><html>Log in", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "a Git LFS pointer"),
        (b"GGUF\x03\x00\x00\x00", "a GGUF file"),
        (b"\x08\x08\x12\x07pytorch\x1a\x052.0.0", "an ONNX model"),
        (b"\x1f\x8b\x08\x00", "a gzip archive"),
        (b'{"architecture": "vit"}', "JSON"),
        (zipped("readme.txt"), "a ZIP archive without a PyTorch checkpoint"),
        (zipped("net/data.pkl", "net/constants.pkl", "net/code/net.py"), "a TorchScript program, which holds code"),
    ],
    ids=["empty", "page", "pointer", "gguf", "onnx", "gzip", "json", "zip", "script"],
)
def test_a_file_of_another_kind_is_called_what_it_is(
    folder: Path, tmp_path: Path, content: bytes | Callable[[Path], None], message: str
) -> None:
    path = tmp_path / "weights.bin"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content(path)

    assert message in refusal(path)


@pytest.mark.parametrize("kind", ["safetensors", "header", "pickle"])
def test_a_file_that_was_cut_off(folder: Path, other: Weights, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "weights.bin"
    if kind == "pickle":
        torch.save(other, path)
    else:
        save_file(other, path)
    os.truncate(path, 100 if kind == "header" else path.stat().st_size - 100)

    message = refusal(path)
    assert "it is cut off" in message
    assert message.endswith("Copy or download the file again.")


def test_numbers_of_an_unknown_type(folder: Path, tmp_path: Path) -> None:
    save_file({"a": torch.zeros(2).to(torch.float8_e5m2)}, tmp_path / "eight.safetensors")
    assert "no numbers of the type F8_E5M2" in refusal(tmp_path / "eight.safetensors")


class Code:
    """Creates a file when it is unpickled in full."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self._path),)


@pytest.mark.parametrize("legacy", [False, True], ids=["archive", "legacy"])
def test_a_pickle_with_code_is_refused_by_the_name_of_what_it_calls(
    folder: Path, other: Weights, tmp_path: Path, legacy: bool
) -> None:
    path = tmp_path / "weights.pt"
    torch.save(other | {"extra": Code(tmp_path / "it ran")}, path, _use_new_zipfile_serialization=not legacy)

    message = refusal(path)
    assert "holds a Python object (" in message
    assert "mkdir" in message
    assert not (tmp_path / "it ran").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes in folders")
def test_a_pipe_is_not_waited_for(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.safetensors")

    assert "is a device or a pipe" in refusal(tmp_path / "pipe.safetensors")
    with pytest.raises(ModelError, match="is a device or a pipe"):
        import_checkpoint(str(tmp_path / "pipe.safetensors"))


def test_a_pickled_table_that_holds_itself_is_refused(folder: Path, tmp_path: Path) -> None:
    state: dict[str, object] = {}
    state["model"] = state
    torch.save(state, tmp_path / "loop.pt")

    assert "holds no model weights" in refusal(tmp_path / "loop.pt")


def test_a_damaged_file_in_the_cache_says_how_to_mend_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = folder / "model.safetensors"
    os.truncate(found, found.stat().st_size // 2)
    with pytest.raises(ModelError, match=r"cut off after .* of .*\. Install CocaDesk again"):
        engine.load("tiny-coca", device="cpu")

    published = CARDS["coca-vit-b-32"]
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    snapshot = tmp_path / "hub" / f"models--{published.hub_repo.replace('/', '--')}" / "snapshots" / "0123abcd"
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("0123abcd")
    (snapshot / published.hub_files[0]).write_bytes(found.read_bytes()[:5000])
    assert find_weights(published) is not None
    with pytest.raises(ModelError) as caught:
        engine.load("coca-vit-b-32", device="cpu")
    for part in ("cut off", "models remove coca-vit-b-32", "models pull coca-vit-b-32"):
        assert part in str(caught.value)


def test_a_card_of_an_unknown_architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CARDS, "odd", replace(CARDS["coca-vit-b-32"], name="odd", architecture="coca_ViT-X-99"))
    with pytest.raises(ModelError, match=r"no architecture named “coca_ViT-X-99”, which odd is built on"):
        engine.load("odd", device="cpu", untrained=True)


def test_imported_weights_can_be_read_by_safetensors_itself(folder: Path, other: Weights, tmp_path: Path) -> None:
    mixed = {name: tensor.half() if "ln_" in name else tensor for name, tensor in other.items()}
    torch.save(mixed, tmp_path / "mixed.pt")
    imported = import_checkpoint(str(tmp_path / "mixed.pt")).imported

    with safe_open(imported, framework="np") as file:
        assert set(file.keys()) == mixed.keys()
        for name, tensor in mixed.items():
            assert np.array_equal(file.get_tensor(name), tensor.numpy()), name


PEAK = """
import sys, torch
from pathlib import Path
from cocadesk.engine.safetensors_file import open_safetensors

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

arrays = open_safetensors(Path(sys.argv[1]))
next(iter(arrays.values())).tensor(torch.device("cpu"), torch.bfloat16)  # torch's threads take memory of their own
before = peak()
kept = [array.tensor(torch.device("cpu"), torch.bfloat16) for array in arrays.values()]
print((peak() - before) * 1024 / sum(tensor.nbytes for tensor in kept))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_converting_holds_no_second_copy(tmp_path: Path) -> None:
    """In a process of its own: 256 MB of float32 become 128 MB, and the peak grows by little more than these."""
    save_file({f"{number}": torch.zeros(2_000_000) for number in range(32)}, tmp_path / "large.safetensors")
    command = [sys.executable, "-c", PEAK, str(tmp_path / "large.safetensors")]
    ratio = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert 0.8 < ratio < 1.15
