"""`cocadesk attend`: where a model looks, in every layer and head, as numbers and as pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from cocadesk.catalog.cards import DEFAULT_ANSWERER, DEFAULT_CAPTIONER, DEFAULT_CLASSIFIER
from cocadesk.cli.each_picture import each_picture
from cocadesk.cli.ending import end, refusing
from cocadesk.cli.looking import Animation, Format, Looking, Over, Written, folder_given, head_given
from cocadesk.cli.managed_model import ManagedModel, load_for
from cocadesk.cli.options import Checkpoint, Device, Dtype, Frames, Json, Seed, Untrained
from cocadesk.cli.output import results_only
from cocadesk.types import FRAMES, AttentionKind, Clip, ModelRequest, Picture

_DEFAULT_MODELS: dict[AttentionKind, str] = {
    "image": DEFAULT_CAPTIONER,
    "text": DEFAULT_CAPTIONER,
    "question": DEFAULT_ANSWERER,
    "words": DEFAULT_CAPTIONER,
}


def attend(
    *,
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="A picture or a clip; --kind text needs none.")
    ] = None,
    kind: Annotated[
        AttentionKind,
        typer.Option(
            help="image: among the picture's patches; text: among a text's tokens; question: from a question's tokens "
            "to the patches; words: from the words of a caption to the patches."
        ),
    ],
    out: Annotated[str, typer.Option(metavar="DIR", help="Folder for maps.npz, a picture of each map and the grid.")],
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
    relevance: Annotated[
        bool,
        typer.Option(
            "--relevance",
            help="Gradient-weighted relevance through all layers in place of attention: of each word, of the answer "
            "to a question; with image, of the likeness to --text, or of a class (--text; the likeliest if not given).",
        ),
    ] = False,
    by_patch: Annotated[bool, typer.Option("--by-patch", help="Draw patches in one colour each.")] = False,
    keep_minimum: Annotated[
        bool, typer.Option("--keep-minimum", help="With question: draw also what all tokens look at alike.")
    ] = False,
    file_format: Annotated[
        Format,
        typer.Option("--format", help="png, or svg: vectors, with names as text."),
    ] = "png",
    strip: Annotated[
        bool, typer.Option("--strip", help="Also a strip: the maps of all words, or of all heads, in one picture.")
    ] = False,
    animate: Annotated[
        Over | None, typer.Option(help="Also an animation that goes from word to word, or through layers or heads.")
    ] = None,
    animation: Annotated[Animation, typer.Option(help="What the animation is: a GIF, or a video (VP9).")] = "gif",
    model: Annotated[
        str | None, typer.Option(help="A model that can attend; starter-coca, or starter-vqa for a question.")
    ] = None,
    frames: Frames = FRAMES,
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
    clip, the mean over its frames counts, drawn over the first. Files that an earlier call wrote to the same
    folder are replaced or removed; yours stay.

    Exit code: 0 all went well, 1 the picture failed, 2 the call itself was wrong.
    """
    with refusing():
        asked = Looking(
            kind,
            text,
            patch,
            rollout,
            layer,
            head_given(head),
            smooth=not by_patch,
            subtract_minimum=not keep_minimum,
            format=file_format,
            strip=strip,
            animate=animate,
            animation=animation,
            relevance=relevance,
        )
        asked.check(file)
        folder = folder_given(out)
        request = ModelRequest(model or _default(asked), device, dtype, checkpoint, untrained=untrained, seed=seed or 0)
        with results_only() as stream:
            looking: ManagedModel[Any] = ManagedModel(request, _load_for(asked))

            def work(model: Any, seen: Picture | Clip | None) -> Written:
                return asked.written(model, seen, folder)

            def write(file: str | None, found: Written, several: bool = False) -> None:
                stream.write(f"{json.dumps(attention_json(file, found)) if as_json else _told(found, folder)}\n")
                stream.flush()

            failures = 0
            if file is None or kind == "text":
                looking.prepare()
                [found] = looking.run(lambda model: iter([work(model, None)]))
                write(None, found)
            else:
                failures = each_picture([file], looking, work, write, frames=frames)
    raise end(failures)


def attention_json(file: str | None, found: Written) -> dict[str, Any]:
    """The stable shape of `cocadesk attend --json`; `file` is null for a text, `grid` are rows and columns.

    `measure` is "attention" or "relevance".
    """
    maps = found.maps
    return {
        "file": file,
        "model": maps.model,
        "kind": found.kind,
        "measure": maps.measure,
        "text": maps.text,
        "tokens": list(maps.tokens),
        "layers": maps.layers,
        "heads": maps.heads,
        "grid": maps.grid,
        "files": [str(path) for path in found.files],
    }


def _default(asked: Looking) -> str:
    classifies = asked.relevance and asked.kind == "image" and asked.text is None
    return DEFAULT_CLASSIFIER if classifies else _DEFAULT_MODELS[asked.kind]


def _load_for(asked: Looking) -> Callable[[ModelRequest], Any]:
    def load(request: ModelRequest) -> Any:
        from cocadesk import engine  # noqa: PLC0415 — brings torch along: only once there is something to look at

        asked.check_card(engine.find_card(request.name))
        return load_for("attend")(request)

    return load


def _told(found: Written, folder: Path) -> str:
    """What the model said, if it is maps of that, and what was written where, with the many maps as a number."""
    said = found.maps.text if found.kind == "words" else found.maps.tokens[0]
    caption = [said] if found.kind == "words" or found.maps.measure == "relevance" else []
    names = [path.name for path in found.files]
    alone = [name for name in names if name.split(".")[0] in {"maps", "grid", "strip", "words", "layers", "heads"}]
    count = len(names) - len(alone)
    return "\n".join([*caption, f"{folder}: {', '.join(alone)} and {count} map{'s' * (count != 1)}"])
