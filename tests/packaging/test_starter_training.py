"""Training the starters: each stage learns, goes on where it was, and writes what the application reads."""

from __future__ import annotations

import argparse
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import artists
import cards
import data_sets
import files
import lessons
import marks
import measure
import model
import numpy as np
import photos
import progress
import pytest
import questions
import tokenizer
import torch
import towers
import train
import train_all
import vit_model
import vqa_model
from budget import Budget, rate
from optimiser import Muon
from safetensors.torch import load_file
from together import TogetherTrainee
from trainees import CocaTrainee, VqaTrainee

from cocadesk import engine
from cocadesk.catalog import cards as catalog
from cocadesk.types import AnswerResult, CaptionResult, Picture

HEADS = ("patch_head", "pooled_head", "count_head", "picture_head")
LIKE = {"starter-coca": "starter-coca", "starter-vqa": "blip-vqa-base", "starter-vit": "vit-base-patch32"}


def arguments(out: Path, *given: str) -> argparse.Namespace:
    args = train.options().parse_args(
        ["--out", str(out), "--batch", "12", "--processes", "1", "--samplers", "0", *given]
    )
    args.steps = 2
    return args


def beginning(trained: Path, stage: str) -> Path:
    """What `--start-from` names for a stage that is to go on with its own."""
    return trained if stage == "together" else trained / progress.MODELS[stage][0]


def run(stage: str, args: argparse.Namespace) -> train.Worker:
    worker = train.Worker(stage, 0, 1, args)
    worker.run()
    return worker


@pytest.fixture(scope="module", autouse=True)
def _unwatched() -> Iterator[None]:
    """Drawing hundreds of scenes for the log takes longer than two steps of training."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(marks, "monitor", lambda *_: "")
        yield


@pytest.fixture(scope="module")
def trained(world: Path) -> Path:
    """A folder in which every stage was trained for two steps."""
    for stage in lessons.STAGES:
        run(stage, arguments(world / "train"))
    return world / "train"


def test_every_stage_runs_and_says_what_it_did(trained: Path) -> None:
    done = progress.read(trained)
    assert list(done) == list(lessons.STAGES)
    assert all(made["finished"] and made["steps"] == 2 and made["pictures"] == 24 for made in done.values())
    for name in progress.MODELS["together"]:
        weights = load_file(trained / name / "model.safetensors")
        assert all(value.dtype == torch.float16 and value.isfinite().all() for value in weights.values())


def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(world: Path) -> None:
    straight = run("tower", arguments(world / "straight"))
    first = train.Worker("tower", 0, 1, arguments(world / "twice"))
    first.learn(first.lessons[0])
    first._keep()
    assert not progress.is_finished(world / "twice", "tower")
    second = run("tower", arguments(world / "twice"))
    assert second.step == 2
    for one, other in zip(straight.trainee.parameters(), second.trainee.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_all_three_go_on_where_they_were_and_leave_what_they_began_with_until_they_are_done(
    trained: Path, tmp_path: Path
) -> None:
    """As in train_all.py, where the models that a stage begins with are those that it makes."""
    for out in ("straight", "twice"):
        for name in progress.MODELS["together"]:
            shutil.copytree(trained / name, tmp_path / out / name)
    args = arguments(tmp_path / "twice")
    args.steps = 20
    args.minutes = None
    first = train.Worker("together", 0, 1, args)
    assert first.heads_first == 2
    for step in range(3):
        first.learn(first.lessons[step])
    first._keep()
    for name in progress.MODELS["together"]:
        weights = "model.safetensors"
        assert (tmp_path / "twice" / name / weights).read_bytes() == (trained / name / weights).read_bytes()
    second, straight = (
        train.Worker("together", 0, 1, argparse.Namespace(**vars(args) | {"out": tmp_path / out}))
        for out in ("twice", "straight")
    )
    for step in range(5):
        straight.learn(straight.lessons[step])
        if step > 2:
            second.learn(second.lessons[step])
    for one, other in zip(straight.trainee.parameters(), second.trainee.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-6)
    second.finished = True
    second._keep()
    for name in progress.MODELS["together"]:
        runs = [made["stage"] for made in progress.history(tmp_path / "twice" / name)]
        assert runs == [*(made["stage"] for made in progress.history(trained / name)), "together"]


def test_a_finished_stage_is_not_trained_again(trained: Path) -> None:
    before = (trained / "vit.pt").read_bytes()
    assert train.train(0, 1, "vit", arguments(trained))
    assert (trained / "vit.pt").read_bytes() == before


def test_a_stage_pauses_when_asked_and_keeps_what_it_has(world: Path) -> None:
    out = world / "paused"
    assert not train.train(0, 1, "tower", arguments(out, "--stop-after", "0"))
    assert not progress.is_finished(out, "tower")
    assert (out / "tower.pt").exists()


def test_losses_that_are_no_numbers_go_back_to_the_checkpoint(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    args = arguments(world / "broken", "--report", "1")
    worker = train.Worker("tower", 0, 1, args)
    broken, learn, usual = [True], worker.learn, worker.rate

    def learn_or_break(lesson: lessons.Lesson) -> dict[str, torch.Tensor]:
        losses = learn(lesson)
        if broken:
            broken.clear()
            with torch.no_grad():
                next(worker.trainee.parameters()).fill_(float("nan"))
            return {name: loss * float("nan") for name, loss in losses.items()}
        return losses

    monkeypatch.setattr(worker, "learn", learn_or_break)
    assert worker.run()
    assert worker.rate == usual / 2
    assert all(parameter.isfinite().all() for parameter in worker.trainee.parameters())
    assert train.Worker("tower", 0, 1, args).rate == usual / 2


@pytest.mark.parametrize("stage", lessons.STAGES)
def test_every_weight_in_training_takes_part(trained: Path, stage: str) -> None:
    """Processes that train together would wait in vain for the gradient of one that does not."""
    args = arguments(trained)
    args.start_from = beginning(trained, stage)
    worker = train.Worker(stage, 0, 1, args)
    losses = worker.trainee(worker.studio.draw(worker.lessons[0]))
    assert losses.keys() == worker.trainee.weights.keys()
    torch.stack(list(losses.values())).sum().backward()
    idle = [
        name
        for name, parameter in worker.trainee.named_parameters()
        if parameter.requires_grad and parameter.grad is None
    ]
    assert not idle


def test_the_others_begin_with_the_cocas_tower(trained: Path) -> None:
    coca = model.load(trained / "starter-coca").visual
    picture = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        seen = coca.attn_pool.ln_k(coca.transformer(coca._embeds(picture)))
        (answerer, _, _), (classifier, _) = vqa_model.fresh(), vit_model.fresh()
        vqa_model.see(answerer, vit_model.tower_weights(coca))
        vit_model.see(classifier, vit_model.tower_weights(coca))
        assert torch.allclose(answerer.vision_model(pixel_values=picture).last_hidden_state, seen, atol=1e-4)
        # timm's norms add 1e-6 to the variance where the others add 1e-5
        assert torch.allclose(classifier.forward_features(picture), seen, atol=0.02)


def test_captions_can_begin_with_the_tower_that_questions_taught(trained: Path, tmp_path: Path) -> None:
    args = arguments(tmp_path)
    args.start_from, args.tower_of = trained / "starter-coca", tmp_path / "starter-vqa"
    shutil.copytree(trained / "starter-vqa", args.tower_of)
    answerer, config, words = vqa_model.begun(args.tower_of)
    torch.nn.init.normal_(answerer.vision_model.embeddings.patch_embedding.bias)
    vqa_model.save(answerer, args.tower_of, config, words)
    worker = train.Worker("caption", 0, 1, args)
    assert isinstance(worker.trainee, CocaTrainee)
    tower, picture = worker.trainee.coca.visual, torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        seen = tower.attn_pool.ln_k(tower.transformer(tower._embeds(picture)))
        expected = vqa_model.load(args.tower_of)[0].vision_model(pixel_values=picture).last_hidden_state
    assert torch.allclose(seen, expected, atol=1e-4)
    (before,) = worker.before
    assert [made["stage"] for made in before] == ["tower", "caption", "vqa", "together"]  # of both parts, each once
    config = model.read_config(trained / "starter-coca")
    config["vision_cfg"]["no_ln_pre"] = False
    args.start_from, args.tower_of = tmp_path / "normed", trained / "starter-vqa"
    model.save(model.build(config), args.start_from, config)
    shutil.copyfile(trained / "starter-coca" / files.MERGES, args.start_from / files.MERGES)
    with pytest.raises(SystemExit, match=r"The CoCa has a norm before its blocks"):
        train.Worker("caption", 0, 1, args)


@pytest.mark.parametrize("stage", ["caption", "vqa", "vit"])
@pytest.mark.parametrize("seeing", ["starter-coca", "starter-vqa", "starter-vit"])
def test_each_can_go_on_with_any_others_tower(trained: Path, tmp_path: Path, stage: str, seeing: str) -> None:
    args = arguments(tmp_path)
    args.start_from, args.tower_of = beginning(trained, stage), trained / seeing
    train.Worker(stage, 0, 1, args).trainee.export(tmp_path / "begun")
    if stage == "caption":
        shutil.copyfile(args.start_from / files.MERGES, tmp_path / "begun" / files.MERGES)
    wanted = towers.shape(model.read_config(args.tower_of))
    found, expected = towers.weights(tmp_path / "begun", wanted), towers.weights(args.tower_of, wanted)
    if stage == "caption":  # its patches have no bias: their places have it
        expected["pos_embed"][:, 1:] += expected.pop("patch_embed.proj.bias")
        found.pop("patch_embed.proj.bias")
    assert found.keys() == expected.keys()
    for name, weight in found.items():
        assert torch.allclose(weight, expected[name], atol=2e-3), name
    own = load_file(args.start_from / "model.safetensors")
    kept = {"caption": "text_decoder.text_projection", "vqa": "text_decoder.cls.predictions.bias", "vit": "head.weight"}
    assert torch.equal(load_file(tmp_path / "begun" / "model.safetensors")[kept[stage]], own[kept[stage]])


@pytest.mark.parametrize("stage", ["vqa", "vit"])
@pytest.mark.parametrize("change", [{"layers": 2}, {"image_size": 48, "attn_pooler_queries": 10}, {"no_ln_pre": False}])
def test_another_tower_is_refused_with_a_sentence(
    trained: Path, tmp_path: Path, stage: str, change: dict[str, int]
) -> None:
    """Each a tower that the model could not begin with, or not see alike with."""
    config = model.read_config(trained / "starter-coca")
    config["vision_cfg"] |= change
    model.save(model.build(config), tmp_path / "other", config)
    args = arguments(tmp_path / "train")
    args.start_from = tmp_path / "other"
    with pytest.raises(SystemExit, match=r"begins with 32 pixels in patches of 16, width 32, 1 blocks of 2 heads"):
        train.Worker(stage, 0, 1, args)


@pytest.mark.parametrize("stage", ["vqa", "vit"])
def test_a_stage_can_begin_with_its_own_model(trained: Path, tmp_path: Path, stage: str) -> None:
    out = tmp_path / "new" / "folder"
    args = arguments(out)
    args.start_from = beginning(trained, stage)
    worker = train.Worker(stage, 0, 1, args)
    worker.trainee.export(tmp_path / "begun")
    earlier = progress.history(args.start_from)
    begun = load_file(tmp_path / "begun" / "model.safetensors")
    assert begun.keys() == load_file(args.start_from / "model.safetensors").keys()
    for name, weight in load_file(args.start_from / "model.safetensors").items():
        assert torch.equal(begun[name], weight), name
    assert worker.run()
    runs = progress.history(out / progress.MODELS[stage][0])
    assert [made["stage"] for made in runs] == ["tower", "caption", stage, "together", stage]
    assert runs[:4] == earlier
    again = train.Worker(stage, 0, 1, args)
    again._keep()
    without_time = [[made | {"minutes": 0} for made in some] for some in (runs, progress.history(again.folders[0]))]
    assert without_time[0] == without_time[1]


def test_three_that_learn_together_see_alike(trained: Path, tmp_path: Path) -> None:
    """And what each says is as its own trainee has it, also halfway, when the log looks at them."""
    args = arguments(tmp_path)
    args.start_from = trained
    worker = train.Worker("together", 0, 1, args)
    assert isinstance(worker.trainee, TogetherTrainee)
    own = (worker.trainee.coca.visual, worker.trainee.vqa.blip.vision_model.post_layernorm, worker.trainee.vit.vit.norm)
    with torch.no_grad():
        for module in (*own, worker.trainee.vit.vit.head):
            for parameter in module.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.1)
    worker._keep()
    scenes, drawn = marks.held_out("seen", 3, 32, 2, single=True)
    watched = worker.trainee.eval().watch(scenes, drawn, drawn, marks.first_nouns(scenes, "cpu"))
    assert {"noun F1", "what?", "class"} <= watched.keys()
    assert worker.trainee.train()(worker.studio.draw(worker.lessons[0])).keys() == worker.trainee.weights.keys()
    pictures = torch.randn(4, 3, 32, 32)
    with torch.inference_mode():
        seen = worker.trainee.see(pictures).tokens
        watching = worker.trainee.vqa.blip.vision_model(pixel_values=pictures).last_hidden_state
        assert torch.allclose(watching, worker.trainee.vqa.blip.vision_model.post_layernorm(seen), atol=1e-3)
        coca = model.load(tmp_path / "starter-coca").visual
        blip, vit = vqa_model.load(tmp_path / "starter-vqa")[0], vit_model.load(tmp_path / "starter-vit")
        assert torch.allclose(coca.transformer(coca._embeds(pictures)), seen, atol=0.02)  # written as float16
        image = blip.eval().vision_model(pixel_values=pictures).last_hidden_state
        assert torch.allclose(image, worker.trainee.vqa.blip.vision_model.post_layernorm(seen), atol=0.02)
        scores = worker.trainee.vit.vit.forward_head(worker.trainee.vit.vit.norm(seen))
        assert torch.allclose(vit.eval()(pictures), scores, atol=0.02)
        begun = vqa_model.load(trained / "starter-vqa")[0].eval().vision_model(pixel_values=pictures).last_hidden_state
        assert not torch.allclose(image, begun, atol=0.2)
    runs = [[made["stage"] for made in progress.history(tmp_path / name)] for name in progress.MODELS["together"]]
    assert runs == [
        ["tower", "caption", "together", "together"],
        ["tower", "caption", "vqa", "together", "together"],
        ["tower", "caption", "vit", "together", "together"],
    ]
    args.start_from = tmp_path / "nothing"
    with pytest.raises(SystemExit, match="“together” begins with all three models: train first"):
        train.Worker("together", 0, 1, args)


def begun_from(model: Path, out: Path, steps: int) -> argparse.Namespace:
    """Arguments of a longer run."""
    args = arguments(out)
    args.start_from, args.steps = model, steps
    return args


def test_fresh_heads_learn_alone_before_a_model_that_goes_on_does(trained: Path, tmp_path: Path) -> None:
    assert train.Worker("vit", 0, 1, begun_from(trained / "starter-coca", tmp_path, 500)).heads_first == 0
    assert train.Worker("caption", 0, 1, begun_from(trained / "starter-coca", tmp_path, 5000)).heads_first == 60
    worker = train.Worker("caption", 0, 1, begun_from(trained / "starter-coca", tmp_path, 10))
    assert worker.heads_first == 1
    changed = []
    for step in range(2):
        before = {name: value.clone() for name, value in worker.trainee.named_parameters()}
        worker.learn(worker.lessons[step])
        now = worker.trainee.named_parameters()
        changed.append({name for name, value in now if not torch.equal(value, before[name])})
    assert changed[0] == {f"{name}.{part}" for name in HEADS for part in ("weight", "bias")}
    assert {"coca.visual.conv1.weight", "coca.text.token_embedding.weight"} <= changed[1]


def test_a_model_of_other_words_or_classes_is_refused(trained: Path, tmp_path: Path) -> None:
    args = arguments(tmp_path)
    args.start_from = tmp_path / "other"
    shutil.copytree(trained / "starter-vqa", args.start_from)
    words = (args.start_from / "vocab.txt").read_text(encoding="utf-8")
    (args.start_from / "vocab.txt").write_text(words.replace("\ncat\n", "\npuss\n"), encoding="utf-8")
    with pytest.raises(SystemExit, match="other has another vocabulary"):
        train.Worker("vqa", 0, 1, args)
    args.start_from = tmp_path / "classes"
    shutil.copytree(trained / "starter-vit", args.start_from)
    config = model.read_config(args.start_from)
    model.write_config(config | {"label_names": config["label_names"][::-1]}, args.start_from)
    with pytest.raises(SystemExit, match="classes has other classes"):
        train.Worker("vit", 0, 1, args)


def test_what_is_no_starter_is_refused(tmp_path: Path) -> None:
    args = arguments(tmp_path)
    args.start_from = tmp_path / "other"
    model.write_config({"architecture": "resnet50"}, args.start_from)
    (args.start_from / "model.safetensors").touch()
    with pytest.raises(SystemExit, match="other holds no starter: train one first"):
        train.Worker("vqa", 0, 1, args)


def test_held_out_pictures_are_of_the_models_own_size(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not of the size that the configuration says: any checkpoint can be measured."""
    made: list[tuple[int, int]] = []
    real = marks.Renderer

    def noted(artists: list[int], side: int, grid: int, device: str) -> marks.Renderer:
        made.append((side, grid))
        return real(artists, side, grid, device)

    monkeypatch.setattr(marks, "Renderer", noted)
    monkeypatch.setattr(measure, "PART", 5)
    config = model.read_config(trained / "starter-coca")
    config["vision_cfg"] |= {"image_size": 48, "attn_pooler_queries": 10}
    other = trained / "other"
    model.save(model.build(config), other, config)
    (other / files.MERGES).write_bytes((trained / "starter-coca" / files.MERGES).read_bytes())
    table = measure.measure(other, 5)
    assert set(made) == {(48, 3)}
    assert table.keys() == {"seen", "unseen", "photos"}


def in_the_application(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> engine.Model:
    """The model of a training folder, loaded by the application as one that it came with."""
    resources = folder / f"resources-{name}"
    (resources / "models").mkdir(parents=True)
    (resources / "models" / name).symlink_to(folder / name)
    monkeypatch.setattr("cocadesk.catalog.card.resources_dir", lambda: resources)
    card = replace(
        catalog.card(LIKE[name]),
        name=name,
        architecture=name,
        bundled=True,
        hub_repo="",
        input_pixels=32,
        patch_pixels=16,
    )
    monkeypatch.setitem(catalog.CARDS, name, card)
    return engine.load(name, device="cpu", dtype="float32")


@pytest.fixture
def picture() -> tuple[Picture, torch.Tensor]:
    """One picture as the application takes it, and as the networks do."""
    pixels = np.random.default_rng(3).integers(256, size=(32, 32, 3), dtype=np.uint8)
    return Picture("noise", pixels), model.normalise(torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255)


def test_the_application_captions_with_the_coca(
    trained: Path, picture: tuple[Picture, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, result = in_the_application(trained, "starter-coca", monkeypatch).caption(picture[0])
    assert isinstance(result, CaptionResult)
    coca = model.load(trained / "starter-coca").eval()
    (said,) = marks.greedy(coca, model.tokenizer(trained / "starter-coca"), picture[1], most=len(result.tokens))
    assert result.caption.split() == said.rstrip("\ufffd").split()  # half a letter at the end is not shown


def test_the_application_answers_with_the_blip(
    trained: Path, picture: tuple[Picture, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["what is there?", "how many cats are in the picture?"]
    events = in_the_application(trained, "starter-vqa", monkeypatch).ask(picture[0], asked)
    told = [event for event in events if isinstance(event, AnswerResult)]
    blip, words = vqa_model.load(trained / "starter-vqa")
    (said,) = marks.answers(blip.eval(), words, picture[1], [asked], most=max(len(one.tokens) for one in told))
    for one, answer in zip(told, said, strict=True):
        assert answer.startswith(one.answer)


def test_the_application_classifies_with_the_vit(
    trained: Path, picture: tuple[Picture, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    (told,) = in_the_application(trained, "starter-vit", monkeypatch).classify(picture[0], top=3)
    with torch.inference_mode():
        scores = vit_model.load(trained / "starter-vit").eval()(picture[1])[0].softmax(-1)
    best = scores.topk(3)
    assert [score.label for score in told.top] == [vit_model.LABELS[at] for at in best.indices]
    assert [score.probability for score in told.top] == pytest.approx(best.values.tolist(), rel=1e-3)
    assert told.top[0].definition == vit_model.DEFINITIONS[told.top[0].label]


def test_every_class_has_a_definition_of_its_own() -> None:
    assert len(vit_model.LABELS) == len(set(vit_model.LABELS)) == 321
    assert set(vit_model.LABELS) == set(vit_model.DEFINITIONS)
    assert len(set(vit_model.DEFINITIONS.values())) == 321
    for label, text in vit_model.DEFINITIONS.items():
        assert text[0].islower()
        assert not text.endswith("."), label


def test_measuring_fills_the_cards(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "PART", 10)
    tables = {name: measure.measure(trained / name, 10) for name in LIKE}
    (trained / "figures.json").write_text(json.dumps(tables))
    history = progress.history(trained / "starter-vit")
    progress.write_history(trained / "starter-vit", [*history[:-1], history[-1] | {"note": "with care."}])
    cards.write_cards(trained)
    kinds = set(tables["starter-vqa"]["seen"]) - {"mean of all kinds"}
    assert {"what", "colour", "there"} <= kinds <= set(questions.KINDS)
    for name, table in tables.items():
        text = (trained / name / "README.md").read_text(encoding="utf-8")
        assert "{{" not in text
        assert "32 × 32 pixels in 2 × 2 patches of 16; 1 blocks, width 32, 2 heads" in text
        for artist in artists.TRAINED_ON:
            assert sum(artist.title in line and f"`{artist.package}`" in line for line in text.splitlines()) == 1
        assert artists.UNSEEN.package not in text
        rows = [found.group(1) for found in re.finditer(rf"^\| ({'|'.join(lessons.STAGES)}) \|", text, re.MULTILINE)]
        assert rows == [made["stage"] for made in progress.history(trained / name)]
        assert ("\n- together, 24 pictures: with care.\n" in text) == (name == "starter-vit")
        for column in table.values():
            assert all(0 <= value <= 1 and f"{value:.3f}" in text for value in column.values())


def test_a_classifier_that_knows_the_test_pictures_scores_full_marks(world: Path) -> None:
    labels = torch.from_numpy(data_sets.read("cifar", "test").labels)
    rows = iter(torch.eye(10)[labels].split(measure.PART))
    assert measure._test(photos.CIFAR, lambda _: next(rows), 32, "cpu") == 1.0


def test_pointing_is_the_share_of_attention_on_what_a_word_names(trained: Path) -> None:
    trainee = VqaTrainee(trained / "starter-vqa")
    looked = torch.rand(6, 2, 5, 5, generator=torch.Generator().manual_seed(1)).softmax(-1)  # three questions on two
    trainee._looked = looked
    named = torch.full((2, 3, 5), lessons.NO_NOUN)
    named[0, 1, 3:], named[1, 2, 2], named[1, 0, 1] = 7, 9, 40  # the second picture shows no 40
    named[0, 2, 1] = 50  # is somewhere behind the others
    shown = torch.zeros(2, 321, dtype=torch.bool)
    shown[0, [7, 9, 50]], shown[1, 9] = True, True
    cells = torch.tensor([[[7, 311], [7, 9]], [[9, 311], [311, 311]]])
    shares = [
        looked[1, :, 3].mean(0)[[1, 3]].sum(),
        looked[1, :, 4].mean(0)[[1, 3]].sum(),
        looked[5, :, 2].mean(0)[1],
        looked[3, :, 1].mean(0)[0],
    ]
    assert torch.allclose(trainee._pointing(named, cells, shown), -torch.stack(shares).log().mean())
    trainee._looked = looked
    assert trainee._pointing(torch.full((2, 3, 5), lessons.NO_NOUN), cells, shown) == 0


def test_captions_point_with_the_last_blocks_attention(trained: Path) -> None:
    """Against the weights that torch's own attention gives for the same tokens."""
    trainee = CocaTrainee(
        [1], trained / "starter-coca", tokenizer.CaptionEncoder(model.tokenizer(trained / "starter-coca"))
    )
    attend, said = trainee.coca.text_decoder.cross_attn[-1].attn, list[tuple[torch.Tensor, ...]]()
    attend.register_forward_pre_hook(lambda _module, inputs: said.append(inputs))
    pooled, states = torch.randn(2, 4, 32), torch.randn(2, 5, 32)
    trainee.coca.text_decoder(pooled, states)
    weights = attend(*said.pop(), need_weights=True)[1]
    trainee.coca.text_decoder(pooled, states)
    named = torch.full((2, 5), lessons.NO_NOUN)
    named[0, 1:3], named[1, 4], named[1, 0] = 7, 9, 50  # the second picture shows no 50
    cells = torch.tensor([[[7, 311], [7, 9]], [[9, 311], [311, 311]]])
    shares = [weights[0, 1, [0, 2]].sum(), weights[0, 2, [0, 2]].sum(), weights[1, 4, 0]]
    assert torch.allclose(trainee._pointing(named, cells), -torch.stack(shares).log().mean(), atol=1e-5)


def test_what_only_pads_is_left_out_of_captions_and_changes_no_loss(world: Path, trained: Path) -> None:
    args = arguments(world / "padded")
    args.start_from = trained / "starter-coca"
    worker = train.Worker("caption", 0, 1, args)
    trainee, drawn = worker.trainee, worker.studio.draw(worker.lessons[0])
    with torch.inference_mode():
        losses, coca = trainee(drawn), trainee.coca
        pooled, (_, states) = coca.visual(drawn["pictures"])[1], coca.text(drawn["text"])
        said = drawn["text"][:, 1:].masked_fill(~drawn["captioned"][:, None], 0)
        scores = coca.text_decoder(pooled, states[:, :-1])
        whole = torch.nn.functional.cross_entropy(scores.mT, said, trainee.token_weight, ignore_index=0)
    assert torch.allclose(losses["caption"], whole, atol=1e-5)
    assert (said[:, -5:] == 0).all()


def test_muon_is_torchs_muon() -> None:
    torch.manual_seed(0)
    shapes = [(8, 16), (16, 8), (8, 16), (12, 12)]
    mine = [torch.nn.Parameter(torch.randn(shape)) for shape in shapes]
    theirs = [torch.nn.Parameter(parameter.detach().clone()) for parameter in mine]
    ours = Muon(mine, lr=0.02)
    reference = torch.optim.Muon(theirs, lr=0.02, weight_decay=0.05, adjust_lr_fn="match_rms_adamw")
    for _ in range(3):
        for one, other in zip(mine, theirs, strict=True):
            one.grad = torch.randn_like(one)
            other.grad = one.grad.clone()
        ours.step()
        reference.step()
    for one, other in zip(mine, theirs, strict=True):
        assert torch.allclose(one, other, atol=2e-3)


def test_a_stage_of_minutes_ends_when_they_are_over() -> None:
    budget = Budget(None, 2)
    for seconds, share in ((0, 0.0), (60, 0.5), (500, 1.0)):
        budget.update(seconds)
        assert budget.progress(7) == share
    assert Budget(10, None).progress(5) == 0.5
    with pytest.raises(ValueError, match="one of both"):
        Budget(None, None)


def test_the_rate_warms_up_and_falls_to_nothing_at_the_end() -> None:
    assert rate(0, 0.0, falls=True) == 0.01
    assert rate(500, 0.15, falls=True) == 1
    assert rate(500, 0.575, falls=True) == pytest.approx(0.5)
    assert rate(500, 1.0, falls=True) == 0
    assert rate(500, 1.0, falls=False) == 1


def test_all_stages_run_in_order_and_none_without_its_beginnings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    def fake(_script: str, stage: str, *_: object) -> int:
        started.append(stage)
        if stage != "vqa":
            progress.write(tmp_path, stage, {"finished": True})
        return int(stage == "vqa")

    monkeypatch.setattr(train_all, "run", fake)
    assert train_all.train(tmp_path, 20, [], None) == ["vqa", "together"]
    assert started == ["tower", "caption", "vqa", "vit"]
    assert train_all.train(tmp_path, 20, [], None) == ["vqa", "together"]
    assert started[4:] == ["vqa"]
    progress.write(tmp_path, "vqa", {"finished": True})
    assert train_all.train(tmp_path, 20, [], None) == []
    assert started[5:] == ["together"]
    progress.write(tmp_path, "together", {"finished": False})
    monkeypatch.setattr(train_all, "run", lambda *_: progress.PAUSED)
    with pytest.raises(SystemExit):
        train_all.train(tmp_path, 20, [], None)
