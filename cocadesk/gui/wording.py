"""Sizes, rates and what models can do, as a user reads them."""

from __future__ import annotations

import math

from cocadesk.catalog.card import Ability, Family, ModelCard
from cocadesk.catalog.progress import format_duration
from cocadesk.types import NetInfo
from cocadesk.work.downloads import DownloadPhase, DownloadState

UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))

STARTER = (
    "A small model that comes along so that everything works at once. It knows drawn scenes only: to have photographs "
    "described, download one of the full models."
)

STARTER_KNOWS = "drawn scenes"

CAN: dict[Ability, str] = {
    "caption": "captions pictures",
    "ask": "answers questions",
    "rank": "ranks texts",
    "classify": "classifies",
    "attend": "shows attention",
}

SUBJECTS: dict[Ability, str] = {
    "caption": "Captions",
    "ask": "Questions",
    "rank": "Ranking",
    "classify": "Classification",
}
"""What models are chosen by; the rest of what they can do follows."""

FAMILIES: dict[Family, str] = {
    "coca": "CoCa",
    "blip-vqa": "BLIP, questions",
    "blip-caption": "BLIP, captions",
    "vit": "Vision Transformer",
    "clip": "CLIP",
}


def percent(share: float) -> str:
    """A probability, 0 to 1, in percent."""
    if share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.1f} %" if share < 0.0995 else f"{100 * share:.0f} %"


def probability(logprob: float) -> str:
    """The probability, in percent, whose natural logarithm this is."""
    return percent(math.exp(min(logprob, 0.0)))


def starter(card: ModelCard, full: ModelCard | None, *, is_here: bool) -> tuple[str, str]:
    """Which starter speaks; and, as what is clicked, what to do for photographs, empty where there is nothing."""
    told = f"{card.title} is a small model that knows {STARTER_KNOWS}."
    if full is None:
        return told, ""
    fetched = f" ({size(full.download_bytes)})".replace(" ", "\u00a0") if full.download_bytes else ""
    asked = f"choose {full.title}…" if is_here else f"download {full.title}{fetched}…"
    return f"{told} For photographs,", asked


def size(count: float) -> str:
    """Bytes in three significant digits and powers of ten, as on the hub: "1.01 GB", "120 MB"."""
    for unit, name in UNITS:
        if count >= 0.9995 * unit:
            value = count / unit
            return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {name}"
    return f"{count:.0f} bytes"


def pace(bytes_per_s: float) -> str:
    """A rate in two digits, because more would only flicker: "11 MB/s"."""
    for unit, name in UNITS:
        if bytes_per_s >= 0.95 * unit:
            value = bytes_per_s / unit
            return f"{value:.{1 if value < 9.5 else 0}f} {name}/s"
    return f"{bytes_per_s:.0f} bytes/s"


def clock(seconds: float, decimals: int = 0) -> str:
    """A time within a clip: "0:05", "1:02:33", with decimals "0:05.24"; never beyond what was given."""
    parts = 10**decimals
    whole, fraction = divmod(int(seconds * parts + 1e-6), parts)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return f"{text}.{fraction:0{decimals}}" if decimals else text


def count(number: int) -> str:
    """A number of parameters: "253.6 million"."""
    if number >= 999_950_000:
        return f"{number / 1e9:.2f} billion"
    return f"{number / 1e6:.1f} million" if number >= 1e5 else f"{number:,}"


def abilities(card: ModelCard) -> str:
    """What the model can do, as a sentence."""
    can = [said for ability, said in CAN.items() if ability in card.abilities]
    return f"{', '.join(can)}.".capitalize()


def summary(card: ModelCard) -> str:
    """The model in one line: what it is for, and what it has learned from."""
    line = ", ".join(said for ability, said in SUBJECTS.items() if ability in card.abilities).capitalize()
    learned = card.finetuned_on or card.trained_on
    return f"{line} · {learned}" if learned else line


def memory(info: NetInfo) -> str:
    """What its weights take in each number format: "1.01 GB in float32, 507 MB in bfloat16"."""
    return ", ".join(f"{size(taken)} in {dtype}" for dtype, taken in info.memory_bytes)


def progress(state: DownloadState) -> str:
    """A download in one line: "120 MB of 1.01 GB · 11 MB/s · 1 min 20 s left"."""
    amount = f"{size(state.bytes_done)} of {size(state.bytes_total)}" if state.bytes_total else size(state.bytes_done)
    match state.phase:
        case DownloadPhase.QUEUED:
            return "Waits for the downloads before it" + (f" · {amount}" if state.bytes_done else "")
        case DownloadPhase.PAUSED:
            return f"Paused at {amount}"
        case DownloadPhase.FAILED:
            return f"Stopped at {amount}" if state.bytes_done else ""
        case _:
            parts = [amount]
            if state.bytes_per_s:
                parts.append(pace(state.bytes_per_s))
            if state.seconds_left is not None:
                parts.append(f"{format_duration(state.seconds_left)} left")
            return " · ".join(parts)
