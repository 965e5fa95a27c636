"""What `cocadesk attend` was asked for: whether it makes sense, and how the maps are made and written."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cocadesk.errors import ModelError, OptionError
from cocadesk.types import AttentionKind, Clip, Picture

if TYPE_CHECKING:
    from cocadesk.catalog.card import ModelCard
    from cocadesk.engine.attention import AttentionMaps

Over = Literal["words", "layers", "heads"]
Format = Literal["png", "svg"]
Animation = Literal["gif", "mp4"]

_NEED_TEXT = {"text": "a text to read", "question": "a question about the picture"}


@dataclass(frozen=True, slots=True)
class Written:
    """Maps of the kind that was asked for, and the files they are in."""

    kind: AttentionKind
    maps: AttentionMaps
    files: Sequence[Path]


@dataclass(frozen=True, slots=True)
class Looking:
    """What is to be looked at, and how it is to be drawn; each as the option of that name."""

    kind: AttentionKind
    text: str | None
    patch: str | None
    rollout: bool
    layer: int
    head: int | Literal["mean", "all"]
    smooth: bool
    subtract_minimum: bool
    format: Format = "png"
    strip: bool = False
    animate: Over | None = None
    animation: Animation = "gif"
    relevance: bool = False

    def check(self, file: str | None) -> None:
        """Raise `OptionError` if no model could be asked for that."""
        if self.kind != "text" and file is None:
            raise OptionError(f"--kind {self.kind} looks at a picture. Name its FILE.")
        if file is not None and Path(file).expanduser().is_dir():
            raise OptionError(f"{file} is a folder, and attend takes one picture. Name a file.")
        if self.kind == "image" and self.text is not None and not self.relevance:
            raise OptionError(
                "--kind image looks at the picture alone. Leave --text out, or choose --kind words or --relevance."
            )
        if self.kind in _NEED_TEXT and self.text is None:
            raise OptionError(f"--kind {self.kind} needs {_NEED_TEXT[self.kind]} (--text).")
        if self.text is not None and not self.text.strip():
            raise OptionError("The text in --text is empty.")
        if self.kind != "image" and (self.patch or self.rollout):
            raise OptionError("--patch and --rollout go with --kind image.")
        if self.patch and not re.fullmatch(r"all|\d+,\d+", self.patch):
            raise OptionError(f"--patch is a row and a column such as 2,3, or all, not “{self.patch}”.")
        if self.rollout and self.head != "mean":
            raise OptionError("Rollout goes through the mean over the heads. Leave --head out.")
        if self.relevance:
            self._check_relevance()
        if self.animate == "words" and self.kind not in ("words", "question"):
            raise OptionError("--animate words goes with --kind words or question. Choose layers or heads.")
        if self.animate == "heads" and self.rollout:
            raise OptionError("Rollout has no heads. Choose --animate layers.")

    def _check_relevance(self) -> None:
        if self.kind == "text":
            raise OptionError("--relevance looks at a picture. Choose --kind words, question or image.")
        if self.patch or self.rollout:
            raise OptionError("--relevance goes with the whole picture. Leave --patch and --rollout out.")
        if self.layer != -1 or self.head != "mean" or self.animate in ("layers", "heads"):
            raise OptionError("Relevance is one map through all layers and heads. Leave --layer and --head out.")
        if self.animate == "words" and self.kind != "words":
            raise OptionError("--animate words goes with the words of a caption: --kind words.")

    def check_card(self, card: ModelCard) -> None:
        """Raise `CocaDeskError` if that model cannot do it, before it is loaded."""
        if not self.relevance or self.kind != "image":
            card.require_attention(self.kind)
        elif "rank" in card.abilities:
            if self.text is None:
                raise OptionError(f"{card.name} holds pictures against texts. Give it one (--text).")
        elif "classify" not in card.abilities:
            raise ModelError(
                f"{card.name} neither ranks texts nor classifies: relevance needs something it says about the picture. "
                "Choose --kind words or question, or another model."
            )

    def written(self, model: Any, seen: Picture | Clip | None, folder: Path) -> Written:
        """Make the maps and write them.

        Raises:
            OptionError: if there is no such layer or head, or the files cannot be written.
        """
        from cocadesk.engine.attention_export import Drawing, Outputs, export_maps  # noqa: PLC0415 — brings torch along

        maps = self._maps(model, seen)
        less = None if self.subtract_minimum else False
        drawing = Drawing(self.layer, self.head, self.smooth, less, self.rollout)
        outputs = Outputs(self.format, strip=self.strip, animate=self.animate, animation=self.animation)
        try:
            return Written(self.kind, maps, export_maps(maps, folder, drawing, seen, outputs))
        except OSError as error:
            raise not_writable(folder, error) from error

    def _maps(self, model: Any, seen: Picture | Clip | None) -> AttentionMaps:
        from cocadesk.engine.attention_summary import rollout  # noqa: PLC0415 — as above

        maps: AttentionMaps
        if self.relevance:
            maps = self._relevance(model, seen)
        elif self.kind == "text":
            maps = model.text_attention(self.text)
        elif self.kind == "question":
            maps = model.question_attention(seen, self.text)
        elif self.kind == "words":
            maps = model.word_attention(seen, self.text)
        elif self.rollout:
            rolled = rollout(model.image_attention(seen))
            maps = rolled.only([f"patch {self.patch}"]) if self.patch not in (None, "all") else rolled
        elif self.patch == "all":
            maps = model.image_attention(seen)
        else:
            maps = model.image_attention(seen, tokens=[f"patch {self.patch}" if self.patch else "[feature]"])
        return maps

    def _relevance(self, model: Any, seen: Picture | Clip | None) -> AttentionMaps:
        maps: AttentionMaps
        if self.kind == "words":
            maps = model.word_relevance(seen, self.text)
        elif self.kind == "question":
            maps = model.answer_relevance(seen, self.text)
        elif hasattr(model, "text_relevance"):
            maps = model.text_relevance(seen, self.text)
        else:
            maps = model.class_relevance(seen, self.text)
        return maps


def head_given(given: str) -> int | Literal["mean", "all"]:
    """What --head says.

    Raises:
        OptionError: if it is neither mean, all nor a number.
    """
    named: dict[str, Literal["mean", "all"]] = {"mean": "mean", "all": "all"}
    if given in named:
        return named[given]
    try:
        return int(given)
    except ValueError:
        raise OptionError(f"--head is mean, all, or a number from 0, not “{given}”.") from None


def folder_given(given: str) -> Path:
    """The folder that --out names; it is made if it is not there.

    Raises:
        OptionError: if it cannot be made, or nothing can be written there.
    """
    if not given.strip():
        raise OptionError("--out is empty. Name a folder.")
    folder = Path(given)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_writable(folder, error) from error
    if not os.access(folder, os.W_OK):
        raise OptionError(f"{folder}: The maps cannot be written: no rights to write there.")
    return folder


def not_writable(folder: Path, error: OSError) -> OptionError:
    """What is told where files cannot be written."""
    return OptionError(f"{folder}: The maps cannot be written: {error.strerror or error}.")
