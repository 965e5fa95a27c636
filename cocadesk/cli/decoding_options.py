"""Options of the commands that make text: how it is decoded, each with its help."""

from __future__ import annotations

from typing import Annotated

import typer

Temperature = Annotated[float, typer.Option(help="0 always takes the likeliest token; higher is more varied.")]
TopK = Annotated[int, typer.Option(help="Sample among this many likeliest tokens.")]
TopP = Annotated[float | None, typer.Option(help="Sample among the fewest tokens whose probabilities sum to this.")]
Prefix = Annotated[str, typer.Option(metavar="TEXT", help="Words that the caption begins with.")]
Beams = Annotated[int, typer.Option(help="Width of the beam search; 1 for none.")]
