"""Options that several commands have, each with its help."""

from __future__ import annotations

from typing import Annotated

import typer

from cocadesk.types import DeviceName, DtypeName

Files = Annotated[list[str], typer.Argument(metavar="FILE", help="Pictures and videos, or folders of them.")]
ModelName = Annotated[
    str,
    typer.Argument(
        metavar="M", help="A model that `cocadesk models list` names, or `open_clip:ARCH/TAG`, `timm:NAME`."
    ),
]
Frames = Annotated[int, typer.Option(min=1, help="Uniformly spaced frames of a clip to average.")]
Seed = Annotated[int | None, typer.Option(help="Repeat a sampled text; with --untrained, the weights as well.")]
Device = Annotated[DeviceName, typer.Option(help="Where to compute.")]
Dtype = Annotated[DtypeName, typer.Option(help="Number format of the weights.")]
Checkpoint = Annotated[str | None, typer.Option(metavar="FILE", help="Weights to use in place of the model's own.")]
Untrained = Annotated[bool, typer.Option("--untrained", help="Random weights instead of trained ones.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per picture on stdout, and nothing else.")]
