"""A CLIP's tokenizer: open_clip's own, or one of the Hugging Face hub that is on this machine already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from huggingface_hub import try_to_load_from_cache
from open_clip.tokenizer import HFTokenizer, default_bpe

from cocadesk.catalog.hub_cache import read_hub_settings
from cocadesk.engine.tokenizer import ClipTokenizer, require_fit
from cocadesk.errors import ModelError


class TextTokenizer(Protocol):
    """Turns texts into tokens."""

    def encode(self, text: str) -> list[int]:
        """The text's tokens; what is missing up to the model's context is zero.

        Raises:
            OptionError: if there are more than the model can read.
        """

    def names(self, tokens: Sequence[int]) -> list[str]:
        """What each token of a text is called; "[padding]" for what fills it up."""


class HubTokenizer:
    """A tokenizer that transformers reads from the Hugging Face cache."""

    def __init__(self, repo: str, *, context: int, **options: Any) -> None:
        """Read it, without asking the network.

        Raises:
            ModelError: if it is not on this machine, or damaged.
        """
        from transformers import PreTrainedConfig  # noqa: PLC0415 — slow to import, and few models need it

        cache = read_hub_settings().cache
        if not isinstance(try_to_load_from_cache(repo, "config.json", cache_dir=cache), str):
            # transformers wants a model's configuration, and a repository may hold a tokenizer alone.
            options["config"] = PreTrainedConfig()
        try:
            self._tokenizer = HFTokenizer(
                repo, context_length=context, cache_dir=str(cache), local_files_only=True, **options
            )
        except Exception as error:  # files that are there and damaged raise anything
            raise ModelError(
                f"This model reads text with the tokenizer of “{repo}” on the Hugging Face hub, which is not on this "
                f"machine, or damaged. Download it in a terminal: hf download {repo} --cache-dir {cache} "
                '--exclude "*.safetensors" "*.bin" "*.msgpack" "*.h5"'
            ) from error
        self._context = context

    def encode(self, text: str) -> list[int]:
        """The text's tokens, padded to the model's context.

        Raises:
            OptionError: if there are more than the model can read.
        """
        whole = self._tokenizer.tokenizer(self._tokenizer.clean_fn(text)).input_ids
        require_fit(text, len(whole), self._context)
        tokens: list[int] = self._tokenizer([text])[0].tolist()
        return tokens

    def names(self, tokens: Sequence[int]) -> list[str]:
        """What each token of a text is called in the tokenizer's vocabulary; "[padding]" for what fills it up."""
        own = self._tokenizer.tokenizer
        pieces: list[str] = own.convert_ids_to_tokens(list(tokens))
        named = zip(tokens, pieces, strict=True)
        return ["[padding]" if token == own.pad_token_id else piece for token, piece in named]


def open_tokenizer(text_config: Mapping[str, Any]) -> TextTokenizer:
    """The tokenizer for a text tower's configuration.

    Raises:
        ModelError: if it is one of the Hugging Face hub and not on this machine.
    """
    context = text_config.get("context_length", 77)
    repo = text_config.get("hf_tokenizer_name")
    if repo:
        return HubTokenizer(repo, context=context, **text_config.get("tokenizer_kwargs", {}))
    return ClipTokenizer(Path(default_bpe()), context=context)
