"""`cocadesk models` for the models that open_clip and timm name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import save

from cocadesk import engine
from cocadesk.cli.main import run
from tests.fakes.hub_home import use_hub_home
from tests.fakes.hub_server import running_hub

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_hub_home(monkeypatch, tmp_path / "hf")


def test_a_librarys_models_are_listed_by_name(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "list", "--library", "open_clip"]) == 0
    plain = capfd.readouterr().out.splitlines()
    assert run(["models", "list", "--library", "timm", "--json"]) == 0
    objects = [json.loads(line) for line in capfd.readouterr().out.splitlines()]

    assert "open_clip:ViT-B-32/openai" in plain
    assert {"name": "timm:vit_base_patch32_224.augreg_in21k_ft_in1k"} in objects


def test_information_on_one_that_is_not_downloaded(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "info", "timm:deit_tiny_patch16_224", "--json"]) == 0

    found = json.loads(capfd.readouterr().out)
    assert (found["state"], found["family"], found["parameters"]) == ("not downloaded", "vit", 5_717_416)
    assert found["architecture"] == "deit_tiny_patch16_224.fb_in1k"
    assert found["hub_repo"] == "timm/deit_tiny_patch16_224.fb_in1k"


@pytest.mark.parametrize(
    ("command", "part"),
    [
        (["info", "timm:vit_bse_patch16_224"], "Did you mean vit_base_patch16_224"),
        (["pull", "timm:vit_huge_patch14_gap_224.in1k_ijepa"], "published at https://dl.fbaipublicfiles.com/"),
        (["pull", "open_clip:ViT-S-32"], "without published weights"),
        (["remove", "open_clip:ViT-B-32/openia"], "Did you mean openai"),
    ],
)
def test_what_is_not_there_costs_one_line(command: list[str], part: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["models", *command]) == 1

    out, err = capfd.readouterr()
    [line] = err.splitlines()
    assert out == ""
    assert line.startswith(f"cocadesk: {command[1]}: ")
    assert part in line


def test_one_is_pulled_used_and_removed(
    monkeypatch: pytest.MonkeyPatch, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = "timm:deit_tiny_patch16_224"
    weights = engine.load(name, device="cpu", untrained=True, seed=1).module.state_dict()
    with running_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.add("timm/deit_tiny_patch16_224.fb_in1k", "model.safetensors", save(weights))
        assert run(["models", "pull", name]) == 0
    assert f"{name} is on this machine now" in capfd.readouterr().out
    assert run(["models", "list"]) == 0
    assert f"{name}  " in capfd.readouterr().out

    assert run(["classify", "one.png", "--model", name, "--top", "2", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    [expected] = engine.load(name, device="cpu", untrained=True, seed=1).classify("one.png", top=2)
    assert found["model"] == name
    assert [score["label"] for score in found["top"]] == [score.label for score in expected.top]

    assert run(["models", "remove", name]) == 0
    assert run(["models", "list"]) == 0
    assert name not in capfd.readouterr().out.splitlines()[-1]
    assert run(["classify", "one.png", "--model", name]) == 2
    assert f"models pull {name}" in capfd.readouterr().err


def test_nothing_to_remove(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "remove", "open_clip:ViT-B-32/openai"]) == 0

    assert "nothing to remove" in capfd.readouterr().out


def test_ordinary_names_bring_no_library_along() -> None:
    code = (
        "import sys; from cocadesk.cli.main import run;"
        "run(['models', 'list']); run(['models', 'remove', 'coca-vit-b-32']);"
        "sys.exit(bool({'torch', 'timm', 'open_clip'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False).returncode == 0
