"""`cocadesk caption`: what it writes where, what it asks of the engine, and its exit codes."""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch

import cocadesk.engine.memory
from cocadesk.catalog.card import Ability
from cocadesk.cli.caption import caption_json
from cocadesk.cli.main import run
from cocadesk.cli.text_writers import TextWriter
from cocadesk.types import CaptionOptions, CaptionResult, Clip, Draft, ModelRequest, Picture, Timings, Token
from tests.cli.conftest import use_captioner
from tests.fakes.captioner import FakeCaptioner
from tests.fakes.pictures import animation, make_bad_inputs, quadrants, without_rights

SENTENCE = "a cat on a green background"


def test_one_picture_is_one_line(captioner: FakeCaptioner, pictures: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["caption", "one.png"]) == 0

    assert capfd.readouterr() == (f"{SENTENCE}\n", "")


def test_several_pictures_have_headings(
    captioner: FakeCaptioner, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["caption", "one.png", "Bild zwei 写真.jpg"]) == 0

    assert capfd.readouterr().out == f"one.png\n  {SENTENCE}\nBild zwei 写真.jpg\n  {SENTENCE}\n"


def test_a_folder_stands_for_its_pictures(
    captioner: FakeCaptioner, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["caption", str(pictures), "--json"]) == 0

    files = [json.loads(line)["file"] for line in capfd.readouterr().out.splitlines()]
    assert files == [str(pictures / "Bild zwei 写真.jpg"), str(pictures / "one.png")]


def test_json_has_exactly_the_promised_shape(
    captioner: FakeCaptioner, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["caption", "--json", "one.png", "Bild zwei 写真.jpg"]) == 0

    out, err = capfd.readouterr()
    first, second = (json.loads(line) for line in out.splitlines())
    assert err == ""
    assert set(first) == {"file", "model", "caption", "tokens", "timings"}
    assert (first["file"], second["file"]) == ("one.png", "Bild zwei 写真.jpg")
    assert (first["model"], first["caption"]) == ("starter-coca", SENTENCE)
    assert [token["text"] for token in first["tokens"]] == ["a", " cat", " on", " a", " green", " background", ""]
    for token in first["tokens"]:
        assert set(token) == {"id", "text", "logprob", "alternatives"}
        assert len(token["alternatives"]) == 5
        assert all(set(other) == {"id", "text", "logprob"} for other in token["alternatives"])
    assert set(first["timings"]) == {"load_s", "encode_s", "first_token_s", "decode_s", "tokens_per_s"}


def test_json_names_the_frames_of_a_clip() -> None:
    result = CaptionResult(0, "a cat", (), Timings(), "starter-coca", frames=(2, 7))

    assert caption_json("clip.gif", result)["frames"] == [2, 7]


def test_json_stays_json_where_a_token_is_ruled_out() -> None:
    token = Token(0, 0, 5, "a ", float("-inf"))
    result = CaptionResult(0, "a", (token,), Timings(), "starter-coca")

    assert json.loads(json.dumps(caption_json("x.png", result), allow_nan=False))["tokens"][0]["logprob"] is None


def test_options_reach_the_engine(monkeypatch: pytest.MonkeyPatch, pictures: Path) -> None:
    fake = FakeCaptioner()
    loads = use_captioner(monkeypatch, fake)
    options = "--temperature 0.7 --top-k 40 --top-p 0.9 --max-tokens 12 --frames 8 --seed 3 --uncached"
    model = "--model coca-vit-b-32 --device cpu --dtype bfloat16 --checkpoint weights.pt --untrained"

    assert run(["caption", "one.png", *options.split(), *model.split()]) == 0

    assert fake.asked == [CaptionOptions(0.7, 40, 0.9, 1, 12, 8, 3, cached=False)]
    assert loads == [ModelRequest("coca-vit-b-32", "cpu", "bfloat16", "weights.pt", untrained=True, seed=3)]


def test_the_first_words_of_a_caption_can_be_given(captioner: FakeCaptioner, pictures: Path) -> None:
    assert run(["caption", "one.png", "Bild zwei 写真.jpg", "--prefix", "two dogs"]) == 0

    assert captioner.asked == [CaptionOptions(prefix=(100, 101))] * 2


def test_a_caption_goes_on_from_its_first_words(pictures: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["caption", "one.png", "--prefix", "A yellow", "--json", "--device", "cpu"]) == 0

    result = json.loads(capfd.readouterr().out)
    assert result["caption"].startswith("a yellow ")
    assert "".join(token["text"] for token in result["tokens"][:2]) == "a yellow"
    assert result["tokens"][1]["id"] != result["tokens"][1]["alternatives"][0]["id"]


def test_too_many_first_words_are_refused(
    captioner: FakeCaptioner, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["caption", "one.png", "--prefix", "two dogs", "--max-tokens", "1"]) == 1

    assert capfd.readouterr() == (
        "",
        "cocadesk: one.png: The caption's beginning has 2 tokens: allow at least as many, not 1.\n",
    )


def test_the_defaults_are_those_of_the_options(captioner: FakeCaptioner, pictures: Path) -> None:
    run(["caption", "one.png"])

    assert captioner.asked == [CaptionOptions()]


def test_bad_inputs_cost_one_line_each_and_the_rest_goes_on(
    captioner: FakeCaptioner, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bad = make_bad_inputs(pictures)

    assert run(["caption", "--json", *bad, "one.png"]) == 1

    out, err = capfd.readouterr()
    assert [json.loads(line)["file"] for line in out.splitlines()] == ["one.png"]
    lines = err.splitlines()
    assert len(lines) == len(bad)
    for name, part in bad.items():
        [line] = [line for line in lines if line.startswith(f"cocadesk: {name}: ")]
        assert part in line


def test_a_file_without_read_permission(captioner: FakeCaptioner, capfd: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "secret.png"
        quadrants().save(path)
        path.chmod(0)
        with without_rights():
            code = run(["caption", str(path)])

    assert code == 1
    assert capfd.readouterr().err.startswith(f"cocadesk: {path}: There is no permission to read it.")


def test_a_line_break_in_a_name_stays_one_line(captioner: FakeCaptioner, capfd: pytest.CaptureFixture[str]) -> None:
    run(["caption", "two\nlines.png"])

    assert len(capfd.readouterr().err.splitlines()) == 1


def test_nothing_is_loaded_when_nothing_can_be_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    loads = use_captioner(monkeypatch, FakeCaptioner())

    assert run(["caption", str(tmp_path / "missing.png")]) == 1
    assert loads == []


def test_one_picture_that_breaks_the_engine_does_not_break_the_others(
    monkeypatch: pytest.MonkeyPatch, pictures: Path, profile: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def break_on_one(picture: Picture, position: int) -> None:
        if picture.name == "one.png" and position == 2:
            raise RuntimeError("a tensor of the wrong shape")

    use_captioner(monkeypatch, FakeCaptioner(before_token=break_on_one))

    assert run(["caption", "one.png", "Bild zwei 写真.jpg", "--json"]) == 1

    out, err = capfd.readouterr()
    assert [json.loads(line)["caption"] for line in out.splitlines()] == [SENTENCE]
    [line] = err.splitlines()
    assert line.startswith("cocadesk: one.png: Something unexpected went wrong (RuntimeError).")
    log = profile / "data" / "errors.log"
    assert str(log) in line
    assert "a tensor of the wrong shape" in log.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "wrong",
    [
        ["one.png", "--model", "unheard-of"],
        ["one.png", "--temperature", "-1"],
        ["one.png", "--frames", "0"],
        ["one.png", "--top-p", "0"],
        ["one.png", "--beams", "4", "--temperature", "1"],
        ["one.png", "--max-tokens", "0"],
        ["one.png", "--temperature", "1", "--seed", str(2**64)],
        ["one.png", "--untrained", "--seed", str(-(2**63) - 1)],
        ["one.png", "--dtype", "int4"],
        ["one.png", "--device", "toaster"],
        ["one.png", "--temperature", "warm"],
        ["one.png", "--no-such-option"],
        [],
    ],
)
def test_a_wrong_call_exits_with_2_and_writes_no_result(
    captioner: FakeCaptioner, pictures: Path, capfd: pytest.CaptureFixture[str], wrong: list[str]
) -> None:
    assert run(["caption", *wrong]) == 2

    out, err = capfd.readouterr()
    assert out == ""
    assert err
    assert "Traceback" not in err


def test_what_libraries_print_does_not_reach_the_results(
    monkeypatch: pytest.MonkeyPatch, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def chatter(picture: Picture, position: int) -> None:
        sys.stdout.write("Loading shards: 100%\n")
        os.write(1, b"a word from a C library\n")

    use_captioner(monkeypatch, FakeCaptioner(before_token=chatter))

    assert run(["caption", "one.png", "--json"]) == 0

    out, err = capfd.readouterr()
    assert json.loads(out)["caption"] == SENTENCE
    assert "Loading shards" in err
    assert "a word from a C library" in err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_words_appear_as_they_come() -> None:
    terminal = Terminal()
    writer = TextWriter(terminal)
    writer.start("one.png", heading="one.png")
    seen = []
    for event in FakeCaptioner().caption(Picture("one.png", np.asarray(quadrants()))):
        writer.take(event)
        seen.append(terminal.getvalue())
    writer.stop()

    assert seen[:3] == ["one.png\n  a", "one.png\n  a cat", "one.png\n  a cat on"]
    assert terminal.getvalue().rstrip() == f"one.png\n  {SENTENCE}"
    assert terminal.getvalue().endswith("\n")


def test_on_a_terminal_a_draft_gives_way_to_the_caption() -> None:
    terminal = Terminal()
    writer = TextWriter(terminal)
    writer.start("one.png", heading="")
    writer.take(Draft(0, "a dog"))
    writer.take(CaptionResult(0, "a cat", (), Timings(), "starter-coca"))
    writer.stop()

    assert terminal.getvalue() == "a dog\r\x1b[Ka cat\n"


def test_a_caption_that_begins_anew_gets_a_line_of_its_own() -> None:
    terminal = Terminal()
    writer = TextWriter(terminal)
    writer.start("one.png", heading="one.png")
    for position, text in ((0, "a"), (1, " cat"), (0, "a"), (1, " cat")):
        writer.take(Token(0, position, 1, text, -0.1))
    writer.take(CaptionResult(0, "a cat", (), Timings(), "starter-coca"))

    assert terminal.getvalue() == "one.png\n  a cat\n  a cat\n"


def test_a_caption_that_breaks_off_leaves_the_line_closed() -> None:
    terminal = Terminal()
    writer = TextWriter(terminal)
    writer.start("one.png", heading="")
    writer.take(Token(0, 0, 1, "a", -0.1))
    writer.stop()
    writer.start("two.png", heading="two.png")

    assert terminal.getvalue() == "a\ntwo.png\n"


def test_an_animation_says_which_frames_were_averaged(
    captioner: FakeCaptioner, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    clip = animation(tmp_path / "clip.gif", 20)

    assert run(["caption", "--json", "--frames", "4", str(clip)]) == 0

    assert json.loads(capfd.readouterr().out)["frames"] == [2, 7, 12, 17]


def test_a_graphics_processor_without_memory_hands_over_to_the_cpu(
    monkeypatch: pytest.MonkeyPatch, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def take(picture: Picture | Clip, position: int) -> None:
        if position == 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    def load_for(ability: Ability, request: ModelRequest) -> FakeCaptioner:
        devices.append(request.device)
        fake = FakeCaptioner() if request.device == "cpu" else FakeCaptioner(before_token=take)
        fake.device = "cpu" if request.device == "cpu" else "cuda"
        return fake

    devices: list[str] = []
    monkeypatch.setattr(cocadesk.engine, "load_for", load_for)
    monkeypatch.setattr(cocadesk.engine.memory, "available", lambda device: 10**12)

    assert run(["caption", "one.png", "Bild zwei 写真.jpg", "--json"]) == 0

    out, err = capfd.readouterr()
    assert [json.loads(line)["caption"] for line in out.splitlines()] == ["a cat on a green background"] * 2
    assert devices == ["auto", "cpu"]
    assert err.count("so it runs on the CPU, which is slower") == 1


def test_a_model_that_may_not_fit_is_told(
    monkeypatch: pytest.MonkeyPatch, captioner: FakeCaptioner, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cocadesk.engine.memory, "available", lambda device: 1_000_000)

    assert run(["caption", "one.png", "--json", "--device", "cpu"]) == 0

    out, err = capfd.readouterr()
    assert len(out.splitlines()) == 1
    assert err.startswith("cocadesk: starter-coca needs about 29.5 MB, and this machine has 1.0 MB free")
