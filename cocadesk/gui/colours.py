"""The colours of the light and the dark appearance."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Colours:
    """The named colours of one appearance, each as "#rrggbb"; `series` are fills that tell things apart under text."""

    window: str
    surface: str
    sunken: str
    border: str
    text: str
    muted: str
    faint: str
    accent: str
    accent_hover: str
    on_accent: str
    accent_soft: str
    doubt: str
    danger: str
    danger_soft: str
    series: tuple[str, ...]
    is_dark: bool


LIGHT = Colours(
    window="#f6f5f2",
    surface="#ffffff",
    sunken="#eceae5",
    border="#dedbd4",
    text="#22211f",
    muted="#6b6862",
    faint="#a9a59d",
    accent="#0e7566",
    accent_hover="#0b6155",
    on_accent="#ffffff",
    accent_soft="#dff0ec",
    doubt="#f0a63a",
    danger="#b3362b",
    danger_soft="#fbe9e6",
    series=("#9fd3c7", "#f3c88b", "#a9c4ea", "#e5b1c3", "#c5d694", "#c9b8e8", "#e9b49a", "#a8d3de"),
    is_dark=False,
)

DARK = Colours(
    window="#1b1c1e",
    surface="#242629",
    sunken="#131415",
    border="#383b3f",
    text="#eceae6",
    muted="#a2a09b",
    faint="#66686b",
    accent="#55bfaa",
    accent_hover="#6fd0bc",
    on_accent="#0c211d",
    accent_soft="#20403a",
    doubt="#d98a1f",
    danger="#f1897d",
    danger_soft="#412523",
    series=("#2f6d62", "#80571f", "#395a8a", "#7d4257", "#5a6b2c", "#5e4b86", "#83492f", "#316773"),
    is_dark=True,
)
