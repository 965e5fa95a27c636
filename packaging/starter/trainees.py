"""The networks in training: each with the heads that only training needs; their forward gives the stage's losses."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import marks
import numpy as np
import questions
import torch
import towers
import vit_model
import vqa_model
from lessons import IGNORED, NO_NOUN
from model import CONFIG, Config, build, has_norm, load, read_config, save, tower_shape
from nouns import NOUNS
from photos import CLASSES
from render import BACKGROUND
from scenes import COLOUR_NAMES, MOST_OF_A_KIND, NUMBER_WORDS, Scene
from tokenizer import CaptionEncoder
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 — its usual name
from vqa_model import WordPieces

NOUN_WEIGHT = 3.0
"""How much more a noun's token counts than others: most of a caption is wording that the picture does not decide."""
Losses = dict[str, Tensor]


def noun_words() -> set[str]:
    """The words that name things."""
    words = {word for noun in NOUNS for name in (noun["noun"], noun["plural"]) for word in name.split()}
    return words - {*COLOUR_NAMES, *NUMBER_WORDS, "of", "and"}


class Trainee(nn.Module):
    """What the three have in common: a head that says which noun is in each cell of the picture.

    Attributes:
        weights: How much each loss counts.
        side, grid: Of its pictures, in pixels and in patches.
        config: What it is made of.
        read: Its tokenizers, in the stages that learn to read.
        goes_on: Whether it is begun with a model of its own kind, so that nothing but heads is fresh.
    """

    weights: dict[str, float]

    def __init__(
        self,
        width: int,
        side: int,
        patch: int,
        config: Config,
        read: tuple[CaptionEncoder | WordPieces, ...] = (),
        *,
        goes_on: bool,
    ) -> None:
        super().__init__()
        self.side, self.grid, self.config, self.read, self.goes_on = side, side // patch, config, read, goes_on
        self.patch_head = nn.Linear(width, len(NOUNS) + 1)
        weight = torch.ones(len(NOUNS) + 1)
        weight[BACKGROUND] = 0.15
        self.register_buffer("class_weight", weight, persistent=False)

    def cell_loss(self, head: nn.Linear, tokens: Tensor, cells: Tensor, weight: Tensor | None = None) -> Tensor:
        """Of a head on tokens (n, cells, width) that each stand for a cell, with its label (n, grid, grid).

        Args:
            weight: How much each class counts.
        """
        scores = head(F.layer_norm(tokens, tokens.shape[-1:])).flatten(0, 1).float()
        return F.cross_entropy(scores, cells.flatten(), weight, ignore_index=IGNORED)

    def noun_loss(self, head: nn.Linear, tokens: Tensor, cells: Tensor) -> Tensor:
        """Of a head that says which noun is in a token's cell."""
        return self.cell_loss(head, tokens, cells, self.class_weight)

    def export(self, *folders: Path) -> None:
        """Write the models that are trained, each as the application reads it into a folder of its own."""
        raise NotImplementedError

    def watch(self, scenes: list[Scene], pictures: Tensor, single: Tensor, nouns: Tensor) -> dict[str, float]:
        """Figures for the training log: of scenes, and of pictures of a single object each, with its noun."""
        raise NotImplementedError


class Seen(NamedTuple):
    """Of n pictures: the tower's `tokens` (n, 1 + cells, width), its class token first; what the CoCa's pooler makes of
    them, `pooled` (n, cells, width) and `embedding` (n, width)."""

    tokens: Tensor
    pooled: Tensor
    embedding: Tensor


class CocaTrainee(Trainee):
    """The CoCa alone: its tower, or all of it.

    Args:
        words: Numbers of the tokens of nouns.
        start_from: Folder of a model to begin with.
        read: Its tokenizer if it is to caption too; None if its tower learns alone.
        seeing: Folder of a starter whose tower it takes instead of its own.
    """

    def __init__(
        self,
        words: Iterable[int],
        start_from: Path | None,
        read: CaptionEncoder | None,
        seeing: Path | None = None,
    ) -> None:
        config = read_config(start_from) if start_from else CONFIG
        width, vision = config["embed_dim"], config["vision_cfg"]
        numbers = width, vision["image_size"], vision["patch_size"]
        super().__init__(*numbers, config, (read,) if read else (), goes_on=start_from is not None)
        self.captions = read
        self.coca = load(start_from) if start_from else build(config)
        if seeing:
            vit_model.set_tower(self.coca.visual, towers.weights(seeing, tower_shape(config)))
            if has_norm(config):
                raise SystemExit(f"The CoCa has a norm before its blocks and {seeing} has none: see without_norm.py.")
        self.pooled_head = nn.Linear(width, len(NOUNS) + 1)
        self.count_head = nn.Linear(width, MOST_OF_A_KIND)
        self.picture_head = nn.Linear(width, CLASSES)
        self._tokens: Tensor | None = None
        self.coca.visual.transformer.register_forward_hook(self._keep_tokens)
        self._cross_attention = self.coca.text_decoder.cross_attn[-1].attn
        self._attended: tuple[Tensor, Tensor] | None = None
        self._cross_attention.register_forward_pre_hook(self._keep_attended)
        token_weight = torch.ones(config["text_cfg"]["vocab_size"])
        token_weight[list(words)] = NOUN_WEIGHT
        self.register_buffer("token_weight", token_weight, persistent=False)
        for name, parameter in self.coca.named_parameters():
            parameter.requires_grad_(read is not None or name.startswith("visual"))
        self.weights = {"patch": 1.0, "pooled": 1.0, "count": 0.3, "picture": 0.5}
        if read:
            self.weights = {"patch": 0.4, "pooled": 0.4, "count": 0.2, "picture": 0.2}
            self.weights |= {"caption": 1.0, "pointing": 0.3, "contrastive": 0.2}

    def _keep_tokens(self, _module: nn.Module, _inputs: object, output: Tensor) -> None:
        self._tokens = output

    def _keep_attended(self, _module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._attended = inputs[0], inputs[1]

    def forward(self, lesson: dict[str, Tensor]) -> Losses:
        return self.learn(self.see(lesson["pictures"]), lesson)

    def see(self, pictures: Tensor) -> Seen:
        """What the tower makes of pictures (n, 3, side, side)."""
        embedding, pooled = self.coca.visual(pictures)
        assert self._tokens is not None
        tokens, self._tokens = self._tokens, None
        return Seen(tokens, pooled, embedding)

    def learn(self, seen: Seen, lesson: dict[str, Tensor]) -> Losses:
        """The losses of what was seen in a lesson's pictures."""
        losses = {
            "patch": self.noun_loss(self.patch_head, seen.tokens[:, 1:], lesson["cells"]),
            "pooled": self.noun_loss(self.pooled_head, seen.pooled, lesson["cells"]),
            "count": self.cell_loss(self.count_head, seen.pooled, lesson["of_its_kind"]),
            "picture": F.cross_entropy(self.picture_head(seen.embedding).float(), lesson["classes"]),
        }
        return losses | self._texts(seen.embedding, seen.pooled, lesson) if self.captions else losses

    def _texts(self, embedding: Tensor, pooled: Tensor, lesson: dict[str, Tensor]) -> Losses:
        text, pad = lesson["text"], self.coca.pad_id
        text_latent, states = self.coca.text(text)
        said = text[:, 1:].masked_fill(~lesson["captioned"][:, None], pad)
        longest = int((said != pad).sum(1).amax())
        said = said[:, :longest]  # what only pads is not worth its time
        scores = self.coca.text_decoder(pooled, states[:, :longest])
        caption = F.cross_entropy(scores.flatten(0, 1).float(), said.flatten(), self.token_weight, ignore_index=pad)
        key = lesson["text_key"][None]
        fits = ((lesson["picture_key"][:, None] == key) | (lesson["sole_key"][:, None] == key)).float()
        with torch.autocast(text.device.type, enabled=False):  # in bfloat16, steps between similarities are up to 0.5
            contrastive = self._contrastive(embedding.float(), text_latent.float(), fits)
        pointing = self._pointing(lesson["text_nouns"][:, 1 : longest + 1], lesson["cells"])
        return {"caption": caption, "pointing": pointing, "contrastive": contrastive}

    def _contrastive(self, image: Tensor, text: Tensor, fits: Tensor) -> Tensor:
        """CLIP's loss of embeddings (n, width), where several texts may fit a picture: `fits` (n, n) is one there."""
        with torch.no_grad():  # the temperature stays in its bounds, as in CLIP
            self.coca.logit_scale.clamp_(0, math.log(100))
        similarity = self.coca.logit_scale.exp() * F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).T
        by_picture, by_text = fits / fits.sum(1, keepdim=True), fits.T / fits.sum(0)[:, None]
        return (F.cross_entropy(similarity, by_picture) + F.cross_entropy(similarity.T, by_text)) / 2

    def _pointing(self, named: Tensor, cells: Tensor) -> Tensor:
        """How far the last block is from looking at a thing while it is about to count or name it: the negative
        logarithm of the attention, mean over heads, that the token before gives to the cells (n, grid, grid) of the
        noun that the next one (n, tokens) names. What fills no cell does not count."""
        assert self._attended is not None
        (query, key), self._attended = self._attended, None
        attend = self._cross_attention
        weights, biases = attend.in_proj_weight.chunk(3), attend.in_proj_bias.chunk(3)
        query, key = (
            F.linear(tokens, weights[part], biases[part]).unflatten(-1, (attend.num_heads, -1)).transpose(1, 2)
            for part, tokens in enumerate((query, key))
        )
        attention = (query @ key.mT * query.shape[-1] ** -0.5).float().softmax(-1).mean(1)
        wanted = cells.flatten(1)[:, None] == named[..., None]
        return mean_negative_log((attention * wanted).sum(-1)[(named != NO_NOUN) & wanted.any(-1)])

    def export(self, *folders: Path) -> None:
        save(self.coca, folders[0], self.config)

    def watch(self, scenes: list[Scene], pictures: Tensor, single: Tensor, nouns: Tensor) -> dict[str, float]:
        figures = {"single object": marks.top1(self.picture_head(self.see(single).embedding), nouns)}
        if self.captions:
            figures |= marks.mark(scenes, marks.greedy(self.coca, self.captions.tokenize, pictures))
            self._tokens = None
        return figures


class VqaTrainee(Trainee):
    """The BLIP for questions.

    Args:
        start_from: Folder of another one, or of another starter whose tower it begins with.
        seeing: Folder of a starter whose tower it takes in any case.
    """

    def __init__(self, start_from: Path, seeing: Path | None = None) -> None:
        is_own = "text_config" in read_config(start_from)
        model, config, self.words = vqa_model.begun(start_from) if is_own else vqa_model.fresh()
        if seeing or not is_own:
            vqa_model.see(model, towers.weights(seeing or start_from, vqa_model.tower_shape(config)))
        vision = config["vision_config"]
        numbers = vision["hidden_size"], vision["image_size"], vision["patch_size"]
        super().__init__(*numbers, config, (self.words,), goes_on=is_own)
        self.blip, self.weights = model, {"answer": 1.0, "patch": 0.3, "count": 0.2, "pointing": 0.3}
        self.count_head = nn.Linear(vision["hidden_size"], MOST_OF_A_KIND)
        self._looked: Tensor | None = None
        first = self.blip.text_encoder.encoder.layer[0].crossattention
        first.self.register_forward_hook(self._keep_looks)
        weight = torch.ones(len(self.words))
        for word in noun_words():
            weight[self.words.encode(word)] = NOUN_WEIGHT
        self.register_buffer("token_weight", weight, persistent=False)

    def forward(self, lesson: dict[str, Tensor]) -> Losses:
        image = self.blip.vision_model(pixel_values=lesson["pictures"]).last_hidden_state
        return {
            **self.answer(image, lesson),
            "patch": self.noun_loss(self.patch_head, image[:, 1:], lesson["cells"]),
            "count": self.cell_loss(self.count_head, image[:, 1:], lesson["of_its_kind"]),
        }

    def answer(self, image: Tensor, lesson: dict[str, Tensor]) -> Losses:
        """The losses of questions about pictures, given their tokens (n, 1 + cells, width)."""
        question, answer = (lesson[name].flatten(0, 1) for name in ("question", "answer"))
        read = (question != self.words.pad).long()
        states = self.blip.text_encoder(
            input_ids=question,
            attention_mask=read,
            encoder_hidden_states=image.repeat_interleave(lesson["question"].shape[1], 0),
        ).last_hidden_state
        scores = self.blip.text_decoder(
            input_ids=answer[:, :-1], encoder_hidden_states=states, encoder_attention_mask=read
        ).logits
        loss = F.cross_entropy(
            scores.flatten(0, 1).float(), answer[:, 1:].flatten(), self.token_weight, ignore_index=self.words.pad
        )
        return {
            "answer": loss,
            "pointing": self._pointing(lesson["question_nouns"], lesson["cells"], lesson["classes"] > 0),
        }

    def _keep_looks(self, _module: nn.Module, _inputs: object, output: tuple[Tensor, Tensor]) -> None:
        self._looked = output[1]

    def _pointing(self, named: Tensor, cells: Tensor, shown: Tensor) -> Tensor:
        """How far the first layer is from looking at a thing where a question names it, and from looking at the class
        token where it names what is not there: the negative logarithm of the attention, mean over heads, that a noun's
        tokens (n, questions, tokens) give to its cells (n, grid, grid), or to the class token. What is `shown`
        (n, classes) but fills no cell does not count.

        What is asked about is found before anything is said of it, and yes or no alone teach that slowly.
        """
        assert self._looked is not None
        looked, self._looked = self._looked, None
        attention = looked.float().mean(1).unflatten(0, named.shape[:2])
        cells_of_it = cells.flatten(1)[:, None, None] == named[..., None]
        wanted = torch.cat([~cells_of_it.any(-1, keepdim=True), cells_of_it], -1)
        numbers = named.flatten(1)
        hidden = shown.gather(1, numbers.clamp(min=0)).view_as(named) & wanted[..., 0]
        return mean_negative_log((attention * wanted).sum(-1)[(named != NO_NOUN) & ~hidden])

    def export(self, *folders: Path) -> None:
        vqa_model.save(self.blip, folders[0], self.config, self.words)

    def watch(self, scenes: list[Scene], pictures: Tensor, single: Tensor, nouns: Tensor) -> dict[str, float]:
        rng = np.random.default_rng(marks.HELD_OUT_SEED)
        asked = [list(questions.of_every_kind(scene, rng)) for scene in scenes]
        said = marks.answers(self.blip, self.words, pictures, [[each.text for each in few] for few in asked])
        right = marks.mark_answers(asked, said)
        return {kind: float(np.mean(right[kind])) for kind in questions.KINDS if kind in right}


class VitTrainee(Trainee):
    """The vision transformer, begun as the BLIP is. FashionMNIST's classes are none of its own."""

    def __init__(self, start_from: Path, seeing: Path | None = None) -> None:
        is_own = "architecture" in read_config(start_from)
        model, config = vit_model.begun(start_from) if is_own else vit_model.fresh()
        if seeing or not is_own:
            vit_model.see(model, towers.weights(seeing or start_from, vit_model.tower_shape(config)))
        made = config["model_args"]
        super().__init__(made["embed_dim"], made["img_size"], made["patch_size"], config, goes_on=is_own)
        self.vit, self.weights = model, {"class": 1.0, "patch": 0.3}

    def forward(self, lesson: dict[str, Tensor]) -> Losses:
        tokens = self.vit.forward_features(lesson["pictures"])
        return {
            "class": self.classify(tokens, lesson["classes"]),
            "patch": self.noun_loss(self.patch_head, tokens[:, 1:], lesson["cells"]),
        }

    def classify(self, tokens: Tensor, classes: Tensor) -> Tensor:
        """The loss of the head on pictures' tokens (n, 1 + cells, width); those of clothing (a row of zeros among the
        head's own classes) do not count."""
        classes = torch.cat([classes[:, : len(NOUNS)], classes[:, -10:]], 1)
        known = classes.sum(1) > 0
        return F.cross_entropy(self.vit.forward_head(tokens[known]).float(), classes[known], label_smoothing=0.05)

    def export(self, *folders: Path) -> None:
        vit_model.save(self.vit, folders[0], self.config)

    def watch(self, scenes: list[Scene], pictures: Tensor, single: Tensor, nouns: Tensor) -> dict[str, float]:
        return {"single object": marks.top1(self.vit(single), nouns)}


def mean_negative_log(shares: Tensor) -> Tensor:
    """Of shares (n); zero of none."""
    return -shares.clamp(min=1e-6).log().sum() / max(1, len(shares))
