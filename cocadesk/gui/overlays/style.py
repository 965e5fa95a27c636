"""How a map is laid over the picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cocadesk.media.colour_maps import NAMES
from cocadesk.store.settings import Settings

COLOUR_MAPS = NAMES
FAINTEST, OPACITY_STEP = 0.05, 0.1


@dataclass(frozen=True, slots=True)
class OverlayStyle:
    """How a map is laid over the picture.

    Attributes:
        colours: One of `COLOUR_MAPS`.
        opacity: Of the map, 0 to 1.
        threshold: Share of the scale, 0 to 1, below which nothing is laid over.
        smooth: Interpolate between the patches' centres; otherwise every patch has one colour.
        limits: The values of the first and the last colour; None for the lowest and the highest of the map.

    Raises:
        ValueError: There is no such colour map, or a number lies outside its range.
    """

    colours: str = "inferno"
    opacity: float = 0.55
    threshold: float = 0.0
    smooth: bool = True
    limits: tuple[float, float] | None = None

    @classmethod
    def kept(cls, settings: Settings) -> OverlayStyle:
        """The style that was remembered; colours that are no longer known become the usual ones."""
        colours = settings.look_colours if settings.look_colours in COLOUR_MAPS else cls().colours
        return cls(colours, settings.look_opacity, settings.look_threshold, settings.look_smooth)

    def keep(self, settings: Settings) -> Settings:
        """Those settings with this style remembered; its limits belong to a map and are not kept."""
        return replace(
            settings,
            look_colours=self.colours,
            look_opacity=self.opacity,
            look_threshold=self.threshold,
            look_smooth=self.smooth,
        )

    def __post_init__(self) -> None:
        if self.colours not in COLOUR_MAPS:
            raise ValueError(f"There is no colour map “{self.colours}”; there are {', '.join(COLOUR_MAPS)}.")
        if not (0 <= self.opacity <= 1 and 0 <= self.threshold <= 1):
            raise ValueError("Opacity and threshold lie between 0 and 1.")
