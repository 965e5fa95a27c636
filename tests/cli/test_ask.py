"""`cocadesk ask`: what it writes where, what it asks of the engine, and its exit codes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from cocadesk.catalog.cards import DEFAULT_ANSWERER
from cocadesk.cli.ask import answer_json
from cocadesk.cli.main import run
from cocadesk.cli.text_writers import TextWriter
from cocadesk.types import AnswerResult, AskOptions, Draft, ModelRequest, Timings, Token
from tests.cli.conftest import use_model
from tests.engine.blip_models import write_tiny
from tests.fakes.answerer import FakeAnswerer
from tests.fakes.pictures import animation, make_bad_inputs

ANSWER = "two green dogs"
QUESTIONS = ("How many dogs?", "what colour are they?")


def test_one_question_is_one_line(answerer: FakeAnswerer, pictures: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "one.png", QUESTIONS[0]]) == 0

    assert capfd.readouterr() == (f"{ANSWER}\n", "")
    assert answerer.asked == [("one.png", QUESTIONS[0], AskOptions())]


def test_several_questions_stand_above_their_answers(
    answerer: FakeAnswerer, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["ask", "one.png", *QUESTIONS, "is\nit\tso?"]) == 0

    assert capfd.readouterr().out == (
        f"How many dogs?\n  {ANSWER}\nwhat colour are they?\n  {ANSWER}\nis it so?\n  {ANSWER}\n"
    )
    assert answerer.asked[2][1] == "is\nit\tso?"


def test_a_folder_stands_for_its_pictures(
    answerer: FakeAnswerer, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["ask", ".", *QUESTIONS]) == 0

    out = capfd.readouterr().out
    headings = [line for line in out.splitlines() if not line.startswith("  ")]
    assert headings == [
        f"{file}: {question}" for file in ("./Bild zwei 写真.jpg", "./one.png") for question in QUESTIONS
    ]

    assert run(["ask", ".", QUESTIONS[0]]) == 0
    assert capfd.readouterr().out == f"./Bild zwei 写真.jpg\n  {ANSWER}\n./one.png\n  {ANSWER}\n"


def test_json_has_exactly_the_promised_shape(
    answerer: FakeAnswerer, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["ask", "--json", "one.png", *QUESTIONS]) == 0

    out, err = capfd.readouterr()
    first, second = (json.loads(line) for line in out.splitlines())
    assert err == ""
    assert set(first) == {"file", "model", "question", "answer", "logprob", "tokens", "timings"}
    assert (first["question"], second["question"]) == QUESTIONS
    assert (first["file"], first["model"], first["answer"]) == ("one.png", "blip-vqa-base", ANSWER)
    assert first["logprob"] == pytest.approx(-2.0)
    assert [token["text"] for token in first["tokens"]] == ["two", " green", " dogs", ""]
    assert all(len(token["alternatives"]) == 5 for token in first["tokens"])
    assert set(first["timings"]) == {"load_s", "encode_s", "first_token_s", "decode_s", "tokens_per_s"}


def test_other_answers_are_named_with_their_probabilities(
    answerer: FakeAnswerer, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["ask", "one.png", QUESTIONS[0], "--others", "2"]) == 0
    assert capfd.readouterr().out == f"{ANSWER}\n   13.5%  other 0\n    5.0%  other 1\n"

    assert run(["ask", "one.png", *QUESTIONS, "--others", "1"]) == 0
    assert capfd.readouterr().out.splitlines()[:3] == [QUESTIONS[0], f"  {ANSWER}", "     13.5%  other 0"]

    assert run(["ask", "one.png", QUESTIONS[0], "--others", "2", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["others"] == [
        {"answer": "other 0", "logprob": -2.0},
        {"answer": "other 1", "logprob": -3.0},
    ]
    assert answerer.asked[0][2] == AskOptions(others=2)


def test_other_answers_of_a_real_model(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write_tiny(monkeypatch, tmp_path, "blip-vqa")

    call = ["ask", "one.png", "how many dogs?", "--model", "tiny-blip-vqa", "--device", "cpu", "--others", "3"]
    assert run([*call, "--json"]) == 0

    found = json.loads(capfd.readouterr().out)
    logprobs = [other["logprob"] for other in found["others"]]
    assert len(logprobs) == 3
    assert logprobs == sorted(logprobs, reverse=True)


def test_json_stays_json_where_an_answer_is_ruled_out() -> None:
    result = AnswerResult(0, "what?", "", float("-inf"), (), Timings(), "blip-vqa-base")

    assert json.loads(json.dumps(answer_json("x.png", result), allow_nan=False))["logprob"] is None


def test_an_animation_says_which_frames_were_averaged(
    answerer: FakeAnswerer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    clip = animation(tmp_path / "clip.gif", 20)

    assert run(["ask", "--json", "--frames", "4", str(clip), QUESTIONS[0]]) == 0

    assert json.loads(capfd.readouterr().out)["frames"] == [2, 7, 12, 17]


def test_options_reach_the_engine(monkeypatch: pytest.MonkeyPatch, pictures: Path) -> None:
    fake = FakeAnswerer()
    loads = use_model(monkeypatch, fake, "ask")
    options = "--temperature 0.7 --top-k 40 --top-p 0.9 --max-tokens 12 --frames 8 --seed 3"
    model = "--model blip-vqa-capfilt-large --device cpu --dtype bfloat16 --checkpoint weights.pt --untrained"

    assert run(["ask", "one.png", "why?", *options.split(), *model.split()]) == 0

    assert fake.asked == [("one.png", "why?", AskOptions(0.7, 40, 0.9, 1, 12, 8, 3))]
    assert loads == [ModelRequest("blip-vqa-capfilt-large", "cpu", "bfloat16", "weights.pt", untrained=True, seed=3)]


def test_the_model_is_loaded_once_and_by_default_the_catalogs(monkeypatch: pytest.MonkeyPatch, pictures: Path) -> None:
    loads = use_model(monkeypatch, FakeAnswerer(), "ask")

    assert run(["ask", ".", *QUESTIONS]) == 0

    assert loads == [ModelRequest(DEFAULT_ANSWERER)]


def test_a_bad_question_costs_one_line_and_the_others_are_answered(
    answerer: FakeAnswerer, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["ask", "--json", "one.png", QUESTIONS[0], "", QUESTIONS[1]]) == 1

    out, err = capfd.readouterr()
    assert [json.loads(line)["question"] for line in out.splitlines()] == list(QUESTIONS)
    assert err == "cocadesk: one.png: The question is empty. Ask something about the picture.\n"


@pytest.mark.parametrize(
    "name", ["text.jpg", "truncated.jpg", "no pictures", "deleted.jpg", "https://example.org/cat.jpg"]
)
def test_a_bad_picture_costs_one_line_however_many_questions(
    answerer: FakeAnswerer, pictures: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    part = make_bad_inputs(pictures)[name]

    assert run(["ask", name, *QUESTIONS]) == 1

    out, err = capfd.readouterr()
    assert out == ""
    [line] = err.splitlines()
    assert line.startswith(f"cocadesk: {name}: ")
    assert part in line
    assert answerer.asked == []


def test_a_question_that_breaks_the_engine_does_not_break_the_others(
    monkeypatch: pytest.MonkeyPatch, pictures: Path, profile: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def break_on(question: str, position: int) -> None:
        if question == QUESTIONS[0] and position == 1:
            raise RuntimeError("a tensor of the wrong shape")

    use_model(monkeypatch, FakeAnswerer(before_token=break_on), "ask")

    assert run(["ask", "--json", "one.png", *QUESTIONS]) == 1

    out, err = capfd.readouterr()
    assert json.loads(out)["question"] == QUESTIONS[1]
    [line] = err.splitlines()
    assert line.startswith("cocadesk: one.png: Something unexpected went wrong (RuntimeError).")
    assert "wrong shape" in (profile / "data" / "errors.log").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "wrong",
    [
        ["one.png"],
        [],
        ["one.png", "what?", "--model", "unheard-of"],
        ["one.png", "what?", "--temperature", "-1"],
        ["one.png", "what?", "--beams", "4", "--temperature", "1"],
        ["one.png", "what?", "--max-tokens", "0"],
        ["one.png", "what?", "--others", "65"],
        ["one.png", "what?", "--others", "2", "--beams", "4"],
        ["one.png", "what?", "--frames", "0"],
        ["one.png", "what?", "--device", "toaster"],
        ["one.png", "what?", "--uncached"],
    ],
)
def test_a_wrong_call_exits_with_2_and_writes_no_result(
    answerer: FakeAnswerer, pictures: Path, capfd: pytest.CaptureFixture[str], wrong: list[str]
) -> None:
    assert run(["ask", *wrong]) == 2

    out, err = capfd.readouterr()
    assert out == ""
    assert err
    assert "Traceback" not in err


@pytest.mark.parametrize(("command", "model"), [("ask", "starter-coca"), ("caption", "blip-vqa-base")])
def test_a_model_that_cannot_do_it_is_refused_before_its_weights_are_missed(
    pictures: Path, capfd: pytest.CaptureFixture[str], command: str, model: str
) -> None:
    call = [command, "one.png", "--model", model] + (["what?"] if command == "ask" else [])
    assert run(call) == 2

    assert f"{model} cannot {command}" in capfd.readouterr().err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_words_appear_as_they_come() -> None:
    terminal = Terminal()
    writer = TextWriter(terminal)
    seen = []
    writer.start("one.png", heading="how many?")
    for position, text in enumerate((" two", " dogs", "")):
        writer.take(Token(0, position, 1, text, -0.1))
        seen.append(terminal.getvalue())
    writer.take(AnswerResult(0, "how many?", "two dogs", -0.3, (), Timings(), "blip-vqa-base"))
    writer.stop()

    assert seen == ["how many?\n  two", "how many?\n  two dogs", "how many?\n  two dogs"]
    assert terminal.getvalue() == "how many?\n  two dogs\n"


def test_on_a_terminal_a_draft_gives_way_to_the_answer() -> None:
    terminal = Terminal()
    writer = TextWriter(terminal)
    writer.start("one.png", heading="")
    writer.take(Draft(0, "one cat"))
    writer.take(Token(0, 0, 1, "two", -0.1))
    writer.take(AnswerResult(0, "what?", "two", -0.3, (), Timings(), "blip-vqa-base"))

    assert terminal.getvalue() == "one cat\r\x1b[Ktwo\n"


def test_with_a_real_model(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for family in ("blip-vqa", "blip-caption"):
        write_tiny(monkeypatch, tmp_path, family)

    questions = ["how many dogs?", "how many dogs? " * 2_000, "🐕?"]
    assert run(["ask", "one.png", *questions, "--model", "tiny-blip-vqa", "--device", "cpu", "--json"]) == 1
    out, err = capfd.readouterr()
    found = [json.loads(line) for line in out.splitlines()]
    assert [each["question"] for each in found] == ["how many dogs?", "🐕?"]
    assert found[0]["logprob"] == pytest.approx(sum(token["logprob"] for token in found[0]["tokens"]))
    [line] = err.splitlines()
    assert line.startswith("cocadesk: one.png: The question “how many dogs?")
    assert "this model reads at most 16" in line

    for more in ([], ["--untrained"], ["--beams", "3"], ["--uncached"]):
        call = ["caption", "one.png", "--model", "tiny-blip-caption", "--device", "cpu", "--json", *more]
        assert run(call) == 0
        caption = json.loads(capfd.readouterr().out)
        assert caption["caption"] == "".join(token["text"] for token in caption["tokens"]).strip()
