"""`cocadesk attend`: where a model looks, in every layer and head, as numbers and as pictures."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cocadesk.catalog.cards import DEFAULT_ANSWERER, DEFAULT_CAPTIONER
from cocadesk.cli.each_picture import each_picture
from cocadesk.cli.ending import end, refusing
from cocadesk.cli.managed_model import ManagedModel, load_for
from cocadesk.cli.options import Checkpoint, Device, Dtype, Json, Seed, Untrained
from cocadesk.cli.output import results_only
from cocadesk.errors import OptionError
from cocadesk.types import AttentionKind, Clip, ModelRequest, Picture

if TYPE_CHECKING:
    from cocadesk.engine.attention import AttentionMaps

_DEFAULT_MODELS: dict[AttentionKind, str] = {
    "image": DEFAULT_CAPTIONER,
    "text": DEFAULT_CAPTIONER,
    "question": DEFAULT_ANSWERER,
    "words": DEFAULT_CAPTIONER,
}
_NEED_TEXT = {"text": "a text to read", "question": "a question about the picture"}


def attend(
    *,
    file: Annotated[str | None, typer.Argument(metavar="[FILE]", help="A picture; --kind text needs none.")] = None,
    kind: Annotated[
        AttentionKind,
        typer.Option(
            help="image: among the picture's patches; text: among a text's tokens; question: from a question's tokens "
            "to the patches; words: from the words of a caption to the patches."
        ),
    ],
    out: Annotated[str, typer.Option(metavar="DIR", help="Folder for maps.npz, a PNG of each map and grid.png.")],
    text: Annotated[
        str | None,
        typer.Option(metavar="T", help="The text or question; with words, a caption in place of the model's own."),
    ] = None,
    layer: Annotated[int, typer.Option(help="Layer to draw, from 0; negative ones count from the last.")] = -1,
    head: Annotated[str, typer.Option(metavar="mean|N|all", help="Head to draw: the mean, one, or each.")] = "mean",
    patch: Annotated[
        str | None,
        typer.Option(
            metavar="ROW,COLUMN", help="With image: what that patch attends to, not the feature token; or all."
        ),
    ] = None,
    rollout: Annotated[
        bool, typer.Option("--rollout", help="With image: what has come from each patch through all layers so far.")
    ] = False,
    by_patch: Annotated[bool, typer.Option("--by-patch", help="Draw patches in one colour each.")] = False,
    keep_minimum: Annotated[
        bool, typer.Option("--keep-minimum", help="With question: draw also what all tokens look at alike.")
    ] = False,
    model: Annotated[
        str | None, typer.Option(help="A model that can attend; starter-coca, or blip-vqa-base for a question.")
    ] = None,
    seed: Seed = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    checkpoint: Checkpoint = None,
    untrained: Untrained = False,
    as_json: Json = False,
) -> None:
    """Write where a model looks: attention weights of every layer and head.

    maps.npz holds `weights` with the names of its axes in `axes`, and the names of the `tokens` that attend and the
    `keys` that are attended to. Maps lie over the picture where the model saw it; what it did not see is grey. Of a
    clip, the mean over 16 of its frames counts, drawn over the first.

    Exit code: 0 all went well, 1 the picture failed, 2 the call itself was wrong.
    """
    with refusing():
        asked = _Asked(
            kind, text, patch, rollout, layer, _head(head), smooth=not by_patch, subtract_minimum=not keep_minimum
        )
        asked.check(file)
        folder = _folder(out)
        request = ModelRequest(
            model or _DEFAULT_MODELS[kind], device, dtype, checkpoint, untrained=untrained, seed=seed or 0
        )
        with results_only() as stream:
            looking: ManagedModel[Any] = ManagedModel(request, _load_for(kind))

            def work(model: Any, seen: Picture | Clip | None) -> _Written:
                return asked.written(model, seen, folder)

            def write(file: str | None, found: _Written, several: bool = False) -> None:
                stream.write(f"{json.dumps(attention_json(file, found)) if as_json else _told(found, folder)}\n")
                stream.flush()

            failures = 0
            if file is None or kind == "text":
                looking.prepare()
                [found] = looking.run(lambda model: iter([work(model, None)]))
                write(None, found)
            else:
                failures = each_picture([file], looking, work, write)
    raise end(failures)


@dataclass(frozen=True, slots=True)
class _Written:
    """Maps, and the files they are in."""

    maps: AttentionMaps
    files: Sequence[Path]


def attention_json(file: str | None, found: _Written) -> dict[str, Any]:
    """The stable shape of `cocadesk attend --json`; `file` is null for a text, `grid` are rows and columns."""
    maps = found.maps
    return {
        "file": file,
        "model": maps.model,
        "kind": maps.kind,
        "text": maps.text,
        "tokens": list(maps.tokens),
        "layers": maps.layers,
        "heads": maps.heads,
        "grid": maps.grid,
        "files": [str(path) for path in found.files],
    }


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be looked at, and how it is to be drawn."""

    kind: AttentionKind
    text: str | None
    patch: str | None
    rollout: bool
    layer: int
    head: int | Literal["mean", "all"]
    smooth: bool
    subtract_minimum: bool

    def check(self, file: str | None) -> None:
        """Raise `OptionError` if no model could be asked for that."""
        if self.kind != "text" and file is None:
            raise OptionError(f"--kind {self.kind} looks at a picture. Name its FILE.")
        if self.kind == "image" and self.text is not None:
            raise OptionError("--kind image looks at the picture alone. Leave --text out, or choose --kind words.")
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

    def written(self, model: Any, seen: Picture | Clip | None, folder: Path) -> _Written:
        """Make the maps and write them.

        Raises:
            OptionError: if there is no such layer or head, or the files cannot be written.
        """
        from cocadesk.engine.attention_export import Drawing, export  # noqa: PLC0415 — brings torch along

        maps = self._maps(model, seen)
        drawing = Drawing(self.layer, self.head, smooth=self.smooth, subtract_minimum=self.subtract_minimum)
        try:
            return _Written(maps, export(maps, folder, drawing, seen))
        except OSError as error:
            raise _not_writable(folder, error) from error

    def _maps(self, model: Any, seen: Picture | Clip | None) -> AttentionMaps:
        from cocadesk.engine.attention_summary import rollout  # noqa: PLC0415 — as above

        maps: AttentionMaps
        if self.kind == "text":
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


def _load_for(kind: AttentionKind) -> Callable[[ModelRequest], Any]:
    def load(request: ModelRequest) -> Any:
        from cocadesk import engine  # noqa: PLC0415 — brings torch along: only once there is something to look at

        engine.find_card(request.name).require_attention(kind)
        return load_for("attend")(request)

    return load


def _head(given: str) -> int | Literal["mean", "all"]:
    named: dict[str, Literal["mean", "all"]] = {"mean": "mean", "all": "all"}
    if given in named:
        return named[given]
    try:
        return int(given)
    except ValueError:
        raise OptionError(f"--head is mean, all, or a number from 0, not “{given}”.") from None


def _folder(given: str) -> Path:
    if not given.strip():
        raise OptionError("--out is empty. Name a folder.")
    folder = Path(given)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_writable(folder, error) from error
    if not os.access(folder, os.W_OK):
        raise OptionError(f"{folder}: The maps cannot be written: no rights to write there.")
    return folder


def _not_writable(folder: Path, error: OSError) -> OptionError:
    return OptionError(f"{folder}: The maps cannot be written: {error.strerror or error}.")


def _told(found: _Written, folder: Path) -> str:
    caption = [found.maps.text] if found.maps.kind == "words" else []
    pictures = len(found.files) - 2
    return "\n".join([*caption, f"{folder}: maps.npz, grid.png and {pictures} map{'s' * (pictures != 1)}"])
