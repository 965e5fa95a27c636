"""Descriptions, one per line: typed, pasted, or dropped as a text file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from cocadesk.errors import InputError
from cocadesk.media.texts import read_lines

TEXT_SUFFIXES = frozenset({".txt", ".text", ".csv", ".tsv", ".md", ".list", ".lst", ""})
LARGEST_BYTES = 4_000_000


def text_files(mime: QMimeData) -> list[Path]:
    """The files that a drag or a paste carries, if all of them may be lists of texts."""
    urls = mime.urls() if mime.hasUrls() else []
    files = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
    alike = len(files) == len(urls) and all(file.suffix.lower() in TEXT_SUFFIXES for file in files)
    return [file for file in files if not file.is_dir()] if alike else []


class TextListField(QPlainTextEdit):
    """A field of lines; text files may be dropped on it, pictures go to the window as anywhere else."""

    refused = Signal(str)
    """Why a file was not taken."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Descriptions, one per line")
        self.setPlaceholderText("One description per line, for example\na dog on a beach\ntwo cats\nan empty street")
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setTabChangesFocus(True)

    @property
    def lines(self) -> list[str]:
        """What was typed, line by line."""
        return self.toPlainText().split("\n") if not self.document().isEmpty() else []

    def put(self, text: str) -> None:
        """Put that text in place of what is there; it can be undone."""
        cursor = self.textCursor()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(text)

    def add_files(self, files: list[Path]) -> None:
        """Add the lines of text files below what is there; what cannot be read is told."""
        added: list[str] = []
        for file in files:
            try:
                added += read_lines(file, LARGEST_BYTES)
            except InputError as error:
                self.refused.emit(f"{file.name}: {error}")
        if added:
            cursor = self.textCursor()
            cursor.movePosition(QTextCursor.MoveOperation.End)
            gap = "\n" if self.toPlainText() and not self.toPlainText().endswith("\n") else ""
            cursor.insertText(gap + "\n".join(added))
            self.setTextCursor(cursor)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return bool(text_files(source)) or (not source.hasUrls() and source.hasText())

    def insertFromMimeData(self, source: QMimeData) -> None:
        files = text_files(source)
        if files:
            self.add_files(files)
        elif source.hasText():
            self.insertPlainText(source.text())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._judge(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._judge(event)

    def _judge(self, event: QDragMoveEvent) -> None:
        """Take texts, and leave pictures to the window."""
        if not self.canInsertFromMimeData(event.mimeData()):
            event.ignore()
        elif event.type() == event.Type.DragEnter:
            super().dragEnterEvent(event)  # type: ignore[arg-type]
        else:
            super().dragMoveEvent(event)
        if event.isAccepted():
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
