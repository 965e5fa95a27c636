"""`cocadesk models info` and `import`, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cocadesk.catalog.cards import CARDS
from cocadesk.cli.main import run
from tests.fakes.hub_home import use_hub_home

NAME = "coca-vit-b-32"


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_hub_home(monkeypatch, tmp_path / "hf")


def test_a_model_that_is_not_downloaded_in_words(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "info", NAME]) == 0

    out = capfd.readouterr().out
    facts, layers, arrays = out.split("\n\n")[1:]
    told = {line[:13].strip(): line[13:].strip() for line in facts.splitlines()}
    assert told["state"] == "not downloaded"
    assert told["parameters"] == "253,560,065"
    assert told["memory"] == "1.01 GB in float32, 507.1 MB in bfloat16, 507.1 MB in float16"
    assert told["download"] == "1.01 GB"
    assert told["picture"] == "224 × 224 pixels, 7 × 7 patches"
    assert "weights" not in told
    assert layers.splitlines()[0].split() == ["LAYER", "COUNT"]
    assert ["Conv2d", "1"] in [line.split() for line in layers.splitlines()]
    heading, *rows, total = arrays.splitlines()
    assert heading.split() == ["ARRAY", "SHAPE", "DTYPE", "PARAMETERS"]
    assert ["logit_scale", "1", "float32", "1"] in [row.split() for row in rows]
    assert "visual.conv1.weight 768 × 3 × 32 × 32 float32 2,359,296" in [" ".join(row.split()) for row in rows]
    assert total.split() == [str(len(rows)), "arrays", "253,560,065"]


def test_json_is_one_object_with_exactly_these_keys(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "info", NAME, "--json"]) == 0

    [line] = capfd.readouterr().out.splitlines()
    found = json.loads(line)
    assert " ".join(found) == (
        "name title family state parameters download_bytes input_pixels patch_pixels licence abilities architecture "
        "trained_on finetuned_on reference hub_repo hub_files weights memory_bytes layers arrays"
    )
    assert found["weights"] is None
    assert found["parameters"] == sum(array["parameters"] for array in found["arrays"]) == CARDS[NAME].parameters
    assert found["arrays"][0].keys() == {"name", "shape", "dtype", "parameters"}
    assert found["memory_bytes"]["bfloat16"] == 2 * found["parameters"]
    assert found["layers"]["Conv2d"] == 1


def test_an_unknown_model(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "info", "coca-vit-b-23", "--json"]) == 1

    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("cocadesk: coca-vit-b-23: There is no model named")


def test_what_cannot_be_imported_costs_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.safetensors"
    page.write_text("<!doctype html>")

    assert run(["models", "import", str(page)]) == 1
    assert run(["models", "import", "nowhere.bin"]) == 1

    out, err = capfd.readouterr()
    first, second = err.splitlines()
    assert out == ""
    assert first.startswith(f"cocadesk: {page}: ")
    assert second == "cocadesk: nowhere.bin: There is no such file."


def test_a_name_like_none_is_answered_with_all(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "info", "zzz"]) == 1

    [line] = capfd.readouterr().err.splitlines()
    assert line.startswith("cocadesk: zzz: There is no model named “zzz”. There are starter-coca, ")
    assert "Did you mean" not in line
