"""Where these scripts keep what they fetch and make: `art/` at the root of the checkout, which git ignores."""

from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ART = ROOT / "art"
MERGES = "merges.txt.gz"
"""CoCa's vocabulary, in a model's folder."""


def packages() -> Path:
    """What npm installed."""
    return ART / "node_modules"


def sprites() -> Path:
    """The artwork, by `artwork.py`: `pixels` (n, 4, side, side) premultiplied, `noun` and `artist` (n)."""
    return ART / "artwork.npz"


def photographs() -> Path:
    """Square pieces of photographs for backgrounds, by `photographs.py`: `pixels` (n, 3, side, side)."""
    return ART / "photographs.npz"


def dataset(name: str, split: str) -> Path:
    """A data set's pictures, by `data_sets.py`: `pixels` (n, height, width, channels) and `label` (n)."""
    return ART / "datasets" / f"{name}-{split}.npz"
