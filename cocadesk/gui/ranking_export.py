"""A ranking as text for other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

import numpy as np

from cocadesk.gui.rankings import Ranking

_HEADING = ("picture", "text", "cosine_distance", "similarity", "probability")


def as_csv(ranking: Ranking) -> str:
    """A line per picture and text, the nearest texts of each first; what could not be read is left out."""
    return _table(ranking, ",")


def as_tabs(ranking: Ranking) -> str:
    """As `as_csv`, with tabs, as spreadsheets like to paste it."""
    return _table(ranking, "\t")


def as_json(ranking: Ranking) -> str:
    """A list of objects, one per picture, with the keys of `cocadesk rank --json`, and what could not be read."""
    refused = [{"text": ranking.texts[at], "reason": why} for at, why in ranking.comparison.refused]
    told = [
        {
            "file": location,
            "model": ranking.model,
            "ranking": [
                {"text": text, "cosine_distance": distance, "probability": probability}
                for text, distance, _, probability in _rows(ranking, number)
            ],
            **({"refused": refused} if refused else {}),
        }
        for number, location in enumerate(ranking.locations)
    ]
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _table(ranking: Ranking, delimiter: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(_HEADING)
    for number, location in enumerate(ranking.locations):
        for text, *figures in _rows(ranking, number):
            writer.writerow((location, text, *(f"{figure:.6f}" for figure in figures)))
    return out.getvalue()


def _rows(ranking: Ranking, picture: int) -> Iterator[tuple[str, float, float, float]]:
    """Text, distance, similarity and probability, the nearest text first."""
    similarities, probabilities = ranking.comparison.similarities[picture], ranking.comparison.probabilities[picture]
    for at in np.argsort(-similarities, kind="stable"):
        if not np.isnan(similarities[at]):
            similarity = float(similarities[at])
            yield ranking.texts[at], 1.0 - similarity, similarity, float(probabilities[at])
