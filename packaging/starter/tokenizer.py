"""Writes the starter's vocabulary in CLIP's BPE format, so that open_clip's own tokenizer reads it.

Byte-pair merges are learned from every word that captions and prompts of the starter's world use, until each is one
token; any other text falls back to smaller pieces, down to bytes.
"""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from nouns import NOUNS
from open_clip.tokenizer import SimpleTokenizer
from scenes import COLOUR_NAMES, NUMBER_WORDS, RELATIONS
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

_PHRASES = (
    "a an the picture of there is are on in front background plain shaded textured photo image with and , . ? to "
    "this that it what which how many can't tell yes no i not biggest smallest thing things object objects colour "
    "color small large grayscale gray item clothing black-and-white photograph drawing showing some next beside "
    "t-shirt / top trouser pullover dress coat sandal shirt sneaker bag ankle boot "
    "airplane automobile bird cat deer dog frog horse ship truck person man woman child people street city sky "
    "water grass dirty clean close up view"
)


def words() -> list[str]:
    """Every word of the starter's world, without repeats."""
    text = " ".join((_PHRASES, *COLOUR_NAMES, *NUMBER_WORDS, *RELATIONS.values()))
    text = " ".join((text, *(f"{noun['noun']} {noun['plural']}" for noun in NOUNS))).lower()
    return list(dict.fromkeys(text.replace("-", " ").replace("/", " ").replace("'", " ").split()))


def write(path: Path) -> int:
    """Write `merges.txt.gz` and return the size of the vocabulary, start and end token included."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    text = " ".join(words())
    # The trainer numbers letters that end words in the order of a hash table, and ties between merges fall by number:
    # naming these letters beforehand makes it repeatable.
    letters = [letter + suffix for letter in sorted(set(text) - {" "}) for suffix in ("", "</w>")]
    trainer = trainers.BpeTrainer(
        vocab_size=30_000,
        min_frequency=1,
        end_of_word_suffix="</w>",
        special_tokens=letters,
        show_progress=False,
    )
    tokenizer.train_from_iterator([text], trainer)
    with tempfile.TemporaryDirectory() as folder:
        Path(tokenizer.model.save(folder)[0]).unlink()
        merges = (Path(folder) / "merges.txt").read_text(encoding="utf-8").splitlines()
    merges = [line for line in merges if line and not line.startswith("#")]
    with path.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:  # no name, no time: repeatable
        file.write(("#version: 0.2\n" + "\n".join(merges)).encode())
    return 512 + len(merges) + 2


class CaptionEncoder:
    """open_clip's tokenizer for many short texts: what stands between two spaces is looked up once.

    CLIP's pieces never reach over a space, so the tokens are the same.
    """

    def __init__(self, tokenize: SimpleTokenizer) -> None:
        self.tokenize, self._known = tokenize, dict[str, list[int]]()

    def __call__(self, texts: list[str]) -> npt.NDArray[np.int64]:
        """(n, context): each text between the start and the end token, padded with zeros."""
        tokens = np.zeros((len(texts), self.tokenize.context_length), np.int64)
        for row, text in zip(tokens, texts, strict=True):
            said = [self.tokenize.sot_token_id, *self.encode(text)]
            said = [*said[: len(row) - 1], self.tokenize.eot_token_id]
            row[: len(said)] = said
        return tokens

    def encode(self, text: str) -> list[int]:
        """The text's tokens alone."""
        return [token for word in text.split() for token in self._word(word)]

    def _word(self, word: str) -> list[int]:
        if word not in self._known:
            self._known[word] = self.tokenize.encode(word)
        return self._known[word]
