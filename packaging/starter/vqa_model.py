"""The starter's BLIP for questions: transformers' modules, begun with the CoCa's tower, and its vocabulary."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import questions
from model import Config, TowerShape, configuration, read_config, read_weights, write_config, write_weights
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from torch import Tensor
from transformers import BlipConfig, BlipForQuestionAnswering

VOCABULARY = "vocab.txt"
PAD, UNKNOWN, SEPARATOR, DECODE, ENCODE = "[PAD]", "[UNK]", "[SEP]", "[DEC]", "[ENC]"
_SIGNS = "0123456789.,?!:;'\"()-/&%+"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def vocabulary() -> list[str]:
    """Every word of questions and answers whole, then letters and signs, of which any other word is spelled.

    BERT's tokenizer parts "t-shirt" and the application would write "t - shirt" of the parts: answers have it whole.
    """
    text = " ".join(questions.texts()).lower()
    words = [*re.findall(r"[a-z0-9]+", text), *re.findall(r"[a-z0-9]+-[a-z0-9-]+", text)]
    pieces = (*words, *_LETTERS, *_SIGNS, *(f"##{letter}" for letter in _LETTERS + _SIGNS[:10]))
    return [PAD, UNKNOWN, "[CLS]", SEPARATOR, "[MASK]", *dict.fromkeys(pieces), DECODE, ENCODE]


class WordPieces:
    """BERT's lower-cased tokenizer over such a vocabulary.

    Attributes:
        start, end, question_start, pad: Numbers of [DEC], [SEP], [ENC] and [PAD].
    """

    def __init__(self, pieces: list[str]) -> None:
        self.pieces = pieces
        numbers = {piece: number for number, piece in enumerate(pieces)}
        self.pad, self.end, self.start, self.question_start = (
            numbers[name] for name in (PAD, SEPARATOR, DECODE, ENCODE)
        )
        self._tokenizer = Tokenizer(WordPiece(numbers, unk_token=UNKNOWN))
        self._tokenizer.normalizer = BertNormalizer()
        self._tokenizer.pre_tokenizer = BertPreTokenizer()
        self._numbers = numbers
        self._word = cache(lambda word: self._tokenizer.encode(word, add_special_tokens=False).ids)

    def __len__(self) -> int:
        return len(self.pieces)

    def encode(self, text: str) -> list[int]:
        """The text's pieces; each word is looked up once."""
        return [number for word in text.split() for number in self._word(word)]

    def question(self, text: str) -> list[int]:
        return [self.question_start, *self.encode(text), self.end]

    def answer(self, text: str) -> list[int]:
        """As a question is read, but a word with a hyphen is one piece."""
        words = [word for part in text.split() for word in re.split(r"(?=,)", part)]
        said = [[self._numbers[word]] if word in self._numbers else self._word(word) for word in words]
        return [self.start, *(number for numbers in said for number in numbers), self.end]

    def decode(self, numbers: list[int]) -> str:
        """Words up to the end token, as the application sets them: no space before , . ? ! and none around '."""
        text = ""
        for number in numbers:
            if number == self.end:
                break
            text += " " + self.pieces[number]
        text = re.sub(r"\s*'\s*", "'", text.replace(" ##", ""))
        return re.sub(r" ([.,?!])", r"\1", text).strip()


def tower_shape(config: Config) -> TowerShape:
    """What a tower must be like for a model of that configuration to begin with it."""
    vision = config["vision_config"]
    names = ("image_size", "patch_size", "hidden_size", "num_hidden_layers", "num_attention_heads")
    return TowerShape(*(vision[name] for name in names))


def fresh() -> tuple[BlipForQuestionAnswering, Config, WordPieces]:
    """A model that has learned nothing yet."""
    words = WordPieces(vocabulary())
    config = configuration("starter-vqa")
    numbers = {"vocab_size": len(words), "bos_token_id": words.start, "sep_token_id": words.end}
    config["text_config"] |= numbers | {"pad_token_id": words.pad, "eos_token_id": words.end}
    return build(config), config, words


def begun(folder: Path) -> tuple[BlipForQuestionAnswering, Config, WordPieces]:
    """The model of that folder, to train it on.

    Raises:
        SystemExit: if it reads and says other words than this one is to learn.
    """
    model, words = load(folder)
    if words.pieces != vocabulary():
        raise SystemExit(f"The starter-vqa in {folder} has another vocabulary: train one from a CoCa's tower (“vqa”).")
    return model, read_config(folder), words


def build(config: Config) -> BlipForQuestionAnswering:
    return BlipForQuestionAnswering(
        BlipConfig(vision_config=config["vision_config"], text_config=config["text_config"])
    )


_NAMES = {
    "cls_token": "embeddings.class_embedding",
    "pos_embed": "embeddings.position_embedding",
    "patch_embed.proj": "embeddings.patch_embedding",
    "blocks": "encoder.layers",
    "attn.qkv": "self_attn.qkv",
    "attn.proj": "self_attn.projection",
    "norm1": "layer_norm1",
    "norm2": "layer_norm2",
}
"""timm's names of a vision transformer's parts, and transformers' in BLIP."""


def see(model: BlipForQuestionAnswering, weights: dict[str, Tensor]) -> None:
    """Let a model see as that tower does, given under timm's names."""
    renamed = {}
    for name, value in weights.items():
        for old, new in _NAMES.items():
            name = name.replace(old, new)  # noqa: PLW2901
        renamed[re.sub(r"^norm\.", "post_layernorm.", name)] = value
    model.vision_model.load_state_dict(renamed)


def tower_weights(model: BlipForQuestionAnswering) -> dict[str, Tensor]:
    """The image encoder's weights under timm's names."""
    weights = {}
    for name, value in model.vision_model.state_dict().items():
        for new, old in _NAMES.items():
            name = name.replace(old, new)  # noqa: PLW2901
        weights[name.replace("post_layernorm", "norm")] = value
    return weights


def save(model: BlipForQuestionAnswering, folder: Path, config: Config, words: WordPieces) -> None:
    write_weights(model, folder)
    write_config(config, folder)
    (folder / VOCABULARY).write_text("\n".join(words.pieces) + "\n", encoding="utf-8")


def load(folder: Path) -> tuple[BlipForQuestionAnswering, WordPieces]:
    model = build(read_config(folder))
    weights = read_weights(folder)
    missing, unexpected = model.load_state_dict(weights, strict=False)
    shared = set(dict(model.named_parameters(remove_duplicate=False))) - set(dict(model.named_parameters()))
    if unexpected or not set(missing) <= shared | {name for name, _ in model.named_buffers()}:
        raise SystemExit(f"{folder} does not hold a starter-vqa: {missing} {unexpected}")
    return model, WordPieces((folder / VOCABULARY).read_text(encoding="utf-8").split())
