"""Looking at single words with the mouse and with the keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QEnterEvent, QImage
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.theme import scaled_font
from cocadesk.gui.widgets.caption_view import CaptionView
from cocadesk.gui.widgets.word import Word
from cocadesk.gui.wording import probability
from cocadesk.types import Token
from tests.gui.driving import drop, file_urls, wait_for_states
from tests.gui.test_captioning import DONE


@pytest.fixture
def captioned(qtbot: QtBot, window: MainWindow, picture_file: Path) -> MainWindow:
    drop(window, file_urls([picture_file]))
    wait_for_states(qtbot, window, DONE)
    return window


def hover(word: Word) -> None:
    middle = QPointF(word.rect().center())
    QApplication.sendEvent(word, QEnterEvent(middle, middle, QPointF(word.mapToGlobal(word.rect().center()))))


def test_hovered_word_shows_its_alternatives(qtbot: QtBot, captioned: MainWindow) -> None:
    word = captioned.panel.view.words[1]
    assert not captioned.popup.isVisible()
    hover(word)
    assert captioned.popup.isVisible()
    assert captioned.popup.word is word
    for expected in ("cat, 61 %", "other0 37 %", "other3 1.8 %"):
        assert expected in captioned.popup.accessibleDescription()
    covered = captioned.popup.geometry()
    for other in captioned.panel.view.words:
        place = other.rect().translated(other.mapTo(captioned, other.rect().topLeft()))
        assert not covered.intersects(place)
    QApplication.sendEvent(word, QEvent(QEvent.Type.Leave))
    qtbot.waitUntil(lambda: not captioned.popup.isVisible())


def test_words_are_walked_with_the_keyboard(qtbot: QtBot, captioned: MainWindow) -> None:
    words = captioned.panel.view.words
    qtbot.keyClick(captioned, Qt.Key.Key_F7)
    assert words[0].hasFocus()
    assert captioned.popup.word is words[0]
    qtbot.keyClick(words[0], Qt.Key.Key_Right)
    assert captioned.popup.word is words[1]
    qtbot.keyClick(words[1], Qt.Key.Key_End)
    assert words[-1].hasFocus()
    qtbot.keyClick(words[-1], Qt.Key.Key_Right)
    assert words[-1].hasFocus()
    qtbot.keyClick(words[-1], Qt.Key.Key_Escape)
    assert not captioned.popup.isVisible()


def test_exactly_one_word_is_a_tab_stop(qtbot: QtBot, captioned: MainWindow) -> None:
    words = captioned.panel.view.words
    words[2].setFocus()
    stops = [word for word in words if word.focusPolicy() & Qt.FocusPolicy.TabFocus]
    assert stops == [words[2]]


def test_popup_goes_with_the_picture(captioned: MainWindow, qtbot: QtBot, many_files: list[Path]) -> None:
    hover(captioned.panel.view.words[0])
    drop(captioned, file_urls(many_files[:1]))
    wait_for_states(qtbot, captioned, DONE, DONE)
    assert not captioned.popup.isVisible()


def test_pieces_of_a_word_stay_on_one_line(qtbot: QtBot) -> None:
    view = CaptionView()
    qtbot.addWidget(view)
    texts = [" one", " two", " fi", "re", "flies", " four", " fire", "fly"] * 3
    view.resize(170, 600)
    view.set_tokens([Token(0, place, place, text, -0.1) for place, text in enumerate(texts)])
    view.show()
    for word, following in zip(view.words, view.words[1:], strict=False):
        if not following.begins_word:
            assert following.y() == word.y()
            assert following.x() <= word.geometry().right() + 1
        assert word.geometry().right() <= view.width()
    assert view.words[-1].geometry().bottom() < view.heightForWidth(170) + 1
    assert len({word.y() for word in view.words}) > 4


def test_what_is_longer_than_a_line_stays_inside(qtbot: QtBot) -> None:
    view = CaptionView()
    qtbot.addWidget(view)
    view.resize(200, 400)
    pieces = ["an", " incomprehen", "sibili", "ties", " likeness", " and", " " + "w" * 80, " end"]
    view.set_tokens([Token(0, place, place, text, -0.1) for place, text in enumerate(pieces)])
    view.show()
    assert all(word.geometry().right() < view.width() for word in view.words)
    assert all(word.geometry().left() >= 0 for word in view.words)
    longest = view.words[6]
    assert longest.width() == view.width()
    assert view.words[-1].y() > longest.y()
    image = view.grab(longest.geometry()).toImage()
    edge = [image.pixelColor(image.width() - 2, row) for row in range(image.height())]
    assert len({colour.name() for colour in edge[6:-6]}) == 1  # no letter is cut at the edge
    view.set_tokens([], "w" * 80)
    assert view.heightForWidth(200) > 2 * view.fontMetrics().lineSpacing()


def test_a_word_that_fits_is_not_shortened(qtbot: QtBot) -> None:
    host = QWidget()
    qtbot.addWidget(host)
    for text in ("background", "likeness", "fly", "a", "incomprehensibilities", "William", "ff"):
        word = Word(Token(0, 0, 0, text, 0.0), host)
        word.setFont(scaled_font(1.45))
        inks = []
        for more in (0, 40):
            word.resize(word.sizeHint().width() + more, word.sizeHint().height())
            image = word.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
            dark = [
                x for x in range(image.width()) for y in range(image.height()) if image.pixelColor(x, y).value() < 128
            ]
            inks.append(max(dark) - min(dark))
        assert abs(inks[0] - inks[1]) <= 1, text


def test_streamed_words_are_kept_when_the_result_repeats_them(qtbot: QtBot) -> None:
    view = CaptionView()
    qtbot.addWidget(view)
    tokens = [Token(0, place, place, text, -0.1) for place, text in enumerate(("a", " cat", ""))]
    for token in tokens:
        view.append(token)
    kept = view.words
    view.set_tokens(tokens)
    assert view.words == kept
    view.set_tokens(tokens[:1])
    assert view.words == kept[:1]


def test_words_are_measured_anew_in_another_font(qtbot: QtBot) -> None:
    view = CaptionView()
    qtbot.addWidget(view)
    view.set_tokens([Token(0, 0, 0, "butterfly", -0.1)])
    (word,) = view.words
    before = word.sizeHint()
    assert word.sizeHint() == before
    font = word.font()
    font.setPointSizeF(2 * font.pointSizeF())
    word.setFont(font)
    assert word.sizeHint().width() > 1.7 * before.width()
    assert word.sizeHint().height() > 1.5 * before.height()


def test_unsure_words_are_tinted_stronger(qtbot: QtBot) -> None:
    view = CaptionView()
    qtbot.addWidget(view)
    view.resize(300, 60)
    view.set_tokens([Token(0, 0, 0, "sure ", -0.001), Token(0, 1, 1, "guess ", -3.0)])
    view.show()
    image = view.grab().toImage()
    sure, guess = (image.pixelColor(word.x() + 4, word.geometry().bottom() - 2) for word in view.words)
    assert guess.saturation() > sure.saturation() + 20


@pytest.mark.parametrize(
    ("logprob", "text"), [(0.0, "100 %"), (-0.5, "61 %"), (-4.0, "1.8 %"), (-9.0, "< 0.1 %"), (0.1, "100 %")]
)
def test_probability(logprob: float, text: str) -> None:
    assert probability(logprob) == text
