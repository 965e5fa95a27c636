"""Asking where a file goes: its name gets its kind’s ending, and what is there is replaced only if the user agrees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

Subject = TypeVar("Subject")


class FileKind(Protocol):
    """A kind of file, as a dialog offers it."""

    @property
    def label(self) -> str:
        """What it holds; kinds with the same one differ in their form only."""

    @property
    def suffix(self) -> str:
        """The ending of its name, in lower case, with the dot."""

    @property
    def filter(self) -> str:
        """As a file dialog names it."""


AnyKind = TypeVar("AnyKind", bound=FileKind)


@dataclass(frozen=True, slots=True)
class TextKind(Generic[Subject]):
    """A kind of text file.

    Attributes:
        write: Makes the text.
    """

    label: str
    suffix: str
    write: Callable[[Subject], str]

    @property
    def filter(self) -> str:
        """As a file dialog names it."""
        return f"{self.label} (*{self.suffix})"


def ask_where(parent: QWidget, title: str, start: Path, kinds: Sequence[AnyKind]) -> tuple[Path, AnyKind] | None:
    """Let the user choose a file to write, and what kind it is; None if nothing is to be written.

    Args:
        start: The folder and name that are offered.
        kinds: What can be written; the first one unless the user says otherwise.
    """
    filters = ";;".join(kind.filter for kind in kinds)
    file, named = QFileDialog.getSaveFileName(parent, title, str(start), filters)
    if not file:
        return None
    path, kind = chosen(file, named, kinds)
    if path != Path(file) and path.exists() and not _may_replace(parent, path):
        return None  # the dialog asked about another name
    return path, kind


def chosen(file: str, named: str, kinds: Sequence[AnyKind]) -> tuple[Path, AnyKind]:
    """Where and what to write, by what a file dialog says.

    A name that ends as another kind says so, unless the user took a kind that is not the first: then its ending counts.
    Any other ending, as in “St. Ives 1.5”, is a part of the name.

    Args:
        named: The filter that was chosen; anything else for the first one.
    """
    path = Path(file)
    suffix = path.suffix.lower()
    kind = next((kind for kind in kinds if kind.filter == named), kinds[0])
    if suffix == kind.suffix:
        return path, kind
    alike = sorted((other for other in kinds if other.suffix == suffix), key=lambda other: other.label != kind.label)
    if not alike:
        return path.with_name(path.name + kind.suffix), kind
    if kind is kinds[0]:
        return path, alike[0]
    return path.with_suffix(kind.suffix), kind


def _may_replace(parent: QWidget, path: Path) -> bool:
    asked = QMessageBox.question(parent, "Replace the file", f"{path.name} is there already. Replace it?")
    return asked == QMessageBox.StandardButton.Yes
