"""The Models panel as a user works with it: finding a model, downloading, using, removing it."""

from __future__ import annotations

import random
import threading
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QAbstractButton, QComboBox, QFileDialog, QLabel, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from cocadesk.catalog import cards
from cocadesk.catalog.card import WEIGHTS_FILE, ModelCard
from cocadesk.catalog.checkpoints import find_weights
from cocadesk.catalog.removal import unfinished_bytes
from cocadesk.errors import ModelError
from cocadesk.gui.engine_calls import EngineCalls
from cocadesk.gui.entries import EntryState
from cocadesk.gui.library import Place
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.model_status import ModelPhase
from cocadesk.gui.panels.models_panel import ModelsPanel
from cocadesk.paths import models_dir
from cocadesk.store import settings
from cocadesk.store.settings import Settings
from cocadesk.types import ModelRequest
from cocadesk.work.downloads import DownloadPhase
from tests.fakes.captioner import FakeCaptioner
from tests.fakes.hub_server import Fault, HubServer, running_hub
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS, drop, file_urls, states, wait_for_entry, wait_for_states

NAME = "coca-vit-b-32"
CARD = cards.CARDS[NAME]
SIZE = 300_000
CONTENT = random.Random(0).randbytes(SIZE)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """Has a small file in the place of one model's weights."""
    small = replace(CARD, download_bytes=SIZE)
    monkeypatch.setitem(cards.CARDS, NAME, small)
    with running_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        server.add(CARD.hub_repo, CARD.hub_files[0], CONTENT)
        yield server


def loader(request: ModelRequest) -> FakeCaptioner:
    """Fails as the engine does where there are no weights."""
    if find_weights(cards.card(request.name)) is None:
        raise ModelError(f"The weights of {request.name} are not on this machine.")
    return FakeCaptioner(name=request.name)


def open_panel(qtbot: QtBot, window: MainWindow) -> ModelsPanel:
    with qtbot.waitSignal(window.library.scanned, timeout=WAIT_MS):
        window.commands.models.trigger()
    panel = window.desk.panel
    assert panel is not None
    assert panel.isVisible()
    return panel


def button(panel: ModelsPanel, text: str) -> QPushButton:
    """The button of that text on the selected model's card; it must be there to be pressed."""
    found = [one for one in panel.card.findChildren(QPushButton) if one.isVisible() and one.text() == text]
    assert len(found) == 1, [one.text() for one in panel.card.findChildren(QPushButton) if one.isVisible()]
    return found[0]


def click(qtbot: QtBot, what: QAbstractButton) -> None:
    qtbot.mouseClick(what, Qt.MouseButton.LeftButton)


def texts(panel: ModelsPanel) -> list[str]:
    return [label.text() for label in panel.findChildren(QLabel) if label.isVisible()]


def is_at(phase: DownloadPhase) -> object:
    return lambda entry: entry.download is not None and entry.download.phase is phase


def stop_at(qtbot: QtBot, hub: HubServer, window: MainWindow, panel: ModelsPanel, size: int) -> None:
    """Begin the download and wait until so many bytes are there, where the hub stalls."""
    hub.fail(Fault(stall_after=size))
    panel.list.choose(NAME)
    click(qtbot, button(panel, "Download 300 kB"))
    wait_for_entry(qtbot, window, NAME, lambda entry: entry.download and entry.download.bytes_done == size)


def test_caption_again_without_the_model_keeps_the_caption(
    qtbot: QtBot, make_window: MakeWindow, hub: HubServer, many_files: list[Path]
) -> None:
    window = make_window(loader=loader)
    drop(window, file_urls(many_files[:1]))
    wait_for_states(qtbot, window, EntryState.CAPTIONED)
    entry = window.session.entries.at(0)
    assert entry is not None
    said = entry.tokens[1]
    window.continuing.trees.go_on(entry, said, said.alternatives[1])
    wait_for_states(qtbot, window, EntryState.CAPTIONED)
    before, branches = entry.result, window.continuing.trees.branches(entry)
    assert before is not None
    wait_for_entry(qtbot, window, NAME, lambda model: model.place is Place.ABSENT)
    window.panel.settings.chooser.choose(NAME)
    window.commands.again.trigger()
    assert entry.result is before
    assert entry.state is EntryState.CAPTIONED
    assert window.panel.view.text == before.caption
    assert window.continuing.trees.branches(entry) == branches
    held = [label.text() for label in window.panel.findChildren(QLabel) if label.isVisible()]
    assert "CoCa ViT-B/32 is not on this machine. This picture is captioned once it is downloaded." in held
    window.commands.download_model.trigger()
    qtbot.waitUntil(lambda: entry.result is not None and entry.result.model == NAME, timeout=WAIT_MS)
    assert window.continuing.trees.branches(entry) == []
    assert not entry.held


def test_the_list_says_what_there_is(qtbot: QtBot, window: MainWindow) -> None:
    panel = open_panel(qtbot, window)
    assert panel.list.shown == list(cards.all_cards())
    assert panel.list.current is not None
    assert panel.list.current.card.name == "starter-coca"
    spoken = panel.list.view.currentIndex().data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken.startswith("Starter CoCa, Loaded. Captions, ranking, classification")
    panel.list.choose(NAME)
    shown = texts(panel)
    for expected in (
        "CoCa ViT-B/32",
        "coca_ViT-B-32",
        "253,560,065",
        "224 × 224 pixels, as 7 × 7 patches of 32 × 32",
        "1.01 GB in float32, 507 MB in bfloat16, 507 MB in float16",
        "LAION-2B",
        "MIT",
    ):
        assert expected in shown
    assert any("https://arxiv.org/abs/2205.01917" in text for text in shown)
    assert any("laion/CoCa-ViT-B-32-laion2B-s13B-b90k" in text for text in shown)


def test_the_list_is_searched_and_filtered(qtbot: QtBot, window: MainWindow) -> None:
    panel = open_panel(qtbot, window)
    qtbot.keyClicks(panel.list.search, "mscoco L/14")
    assert panel.list.shown == ["coca-vit-l-14-mscoco"]
    qtbot.keyClick(panel.list.search, Qt.Key.Key_Return)  # presses no button
    qtbot.keyClicks(panel.list.search, " nowhere")
    assert panel.list.shown == []
    clear = next(one for one in panel.list.findChildren(QPushButton) if one.text() == "Clear the filters")
    assert clear.isVisible()
    click(qtbot, clear)
    chips = {chip.text(): chip for chip in panel.list.findChildren(QPushButton) if chip.isCheckable()}
    click(qtbot, chips["Captions"])
    able = [name for name, card in cards.all_cards().items() if "caption" in card.abilities]
    assert panel.list.shown == able
    click(qtbot, chips["Ranking"])
    assert panel.list.shown == [name for name in able if "rank" in cards.card(name).abilities]
    panel.list.clear_filters()
    combos = {combo.accessibleName(): combo for combo in panel.list.findChildren(QComboBox)}
    combos["Where"].setCurrentText("On this machine")
    here = [name for name, card in cards.all_cards().items() if card.bundled]
    assert panel.list.shown == here
    panel.list.clear_filters()
    combos["Family"].setCurrentText("CoCa")
    assert panel.list.shown == [name for name, card in cards.all_cards().items() if card.family == "coca"]


def test_a_model_is_downloaded_and_used(
    qtbot: QtBot, make_window: MakeWindow, hub: HubServer, picture_file: Path
) -> None:
    window = make_window(loader=loader)
    panel = open_panel(qtbot, window)
    stop_at(qtbot, hub, window, panel, 120_000)
    qtbot.waitUntil(lambda: any(text.startswith("120 kB of 300 kB") for text in texts(panel)), timeout=WAIT_MS)
    assert window.statusBar().fetching.isVisible()  # type: ignore[attr-defined]
    drop(window, file_urls([picture_file]))  # captioning goes on meanwhile
    wait_for_states(qtbot, window, EntryState.CAPTIONED)
    click(qtbot, button(panel, "Pause"))
    assert "Paused at 120 kB of 300 kB" in texts(panel)
    assert not window.statusBar().fetching.isVisible()  # type: ignore[attr-defined]
    click(qtbot, button(panel, "Resume"))
    wait_for_entry(qtbot, window, NAME, lambda entry: entry.place is Place.HERE)
    path = find_weights(CARD)
    assert path is not None
    assert path.read_bytes() == CONTENT
    click(qtbot, button(panel, "Use for captions"))
    assert window.session.model.name == NAME
    qtbot.waitUntil(lambda: window.session.status.phase is ModelPhase.READY, timeout=WAIT_MS)
    assert window.statusBar().chip.text() == f"{NAME} · CPU · float32 · 1.00 kB"  # type: ignore[attr-defined]
    assert not window.statusBar().starter.isVisible()  # type: ignore[attr-defined]
    wait_for_entry(qtbot, window, NAME, lambda entry: entry.is_loaded)
    assert not button(panel, "Used for captions").isEnabled()


def test_cancel_removes_what_has_arrived(qtbot: QtBot, window: MainWindow, hub: HubServer) -> None:
    panel = open_panel(qtbot, window)
    stop_at(qtbot, hub, window, panel, 120_000)
    click(qtbot, button(panel, "Cancel"))
    button(panel, "Download 300 kB")
    qtbot.waitUntil(lambda: unfinished_bytes(CARD) == 0, timeout=WAIT_MS)


def test_closing_keeps_what_has_arrived_for_the_next_start(
    qtbot: QtBot, make_window: MakeWindow, hub: HubServer
) -> None:
    first = make_window()
    stop_at(qtbot, hub, first, open_panel(qtbot, first), 120_000)
    first.close()
    assert unfinished_bytes(CARD) == 120_000
    second = make_window()
    panel = open_panel(qtbot, second)
    panel.list.choose(NAME)
    assert "Paused at 120 kB of 300 kB" in texts(panel)
    click(qtbot, button(panel, "Resume"))
    wait_for_entry(qtbot, second, NAME, lambda entry: entry.place is Place.HERE)
    assert hub.gets()[-1].headers["range"] == "bytes=120000-"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(times=1, host="hub", method="HEAD", status=404, code="RepoNotFound"), "There is no repository"),
        (Fault(times=2, content=CONTENT[::-1]), "arrived damaged twice"),
    ],
    ids=["404", "corrupted"],
)
def test_a_failed_download_says_why_and_can_be_tried_again(
    qtbot: QtBot, window: MainWindow, hub: HubServer, fault: Fault, said: str
) -> None:
    hub.fail(replace(fault))
    panel = open_panel(qtbot, window)
    panel.list.choose(NAME)
    click(qtbot, button(panel, "Download 300 kB"))
    wait_for_entry(qtbot, window, NAME, is_at(DownloadPhase.FAILED))  # type: ignore[arg-type]
    assert any(said in text for text in texts(panel))
    click(qtbot, button(panel, "Try again"))
    wait_for_entry(qtbot, window, NAME, lambda entry: entry.place is Place.HERE)


def test_too_little_room_is_told_before_the_start(
    qtbot: QtBot, window: MainWindow, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10**9, 10**9 - 200_000, 200_000))
    panel = open_panel(qtbot, window)
    panel.list.choose(NAME)
    assert any(text.startswith("The disk has 200 kB free, and 300 kB are missing.") for text in texts(panel))


def test_a_model_that_is_not_here_is_offered_where_it_is_chosen(
    qtbot: QtBot, make_window: MakeWindow, hub: HubServer, picture_file: Path
) -> None:
    window = make_window(loader=loader, settings=Settings(settings_shown=True))
    with qtbot.waitSignal(window.library.scanned, timeout=WAIT_MS):
        window.library.refresh()
    combo = next(one for one in window.panel.settings.findChildren(QComboBox) if one.accessibleName() == "Model")
    row = combo.findData(NAME)
    assert combo.itemData(row, Qt.ItemDataRole.AccessibleTextRole) == "CoCa ViT-B/32, not on this machine"
    combo.setCurrentIndex(row)
    box = window.panel.settings.chooser.download
    assert box.begin.isVisible()
    assert box.begin.text() == "Download 300 kB"
    drop(window, file_urls([picture_file]))
    wait_for_states(qtbot, window, EntryState.IDLE)
    shown = [label.text() for label in window.panel.findChildren(QLabel) if label.isVisible()]
    assert "CoCa ViT-B/32 is not on this machine. This picture is captioned once it is downloaded." in shown
    assert window.messages.messages == []
    assert window.commands.download_model.isEnabled()
    window.commands.download_model.trigger()
    wait_for_entry(qtbot, window, NAME, lambda entry: entry.place is Place.HERE)
    wait_for_states(qtbot, window, EntryState.CAPTIONED)  # nobody had to ask again
    assert window.session.status.request.name == NAME
    assert not box.begin.isVisible()


def test_a_model_from_the_hub_is_there_again_at_the_next_start(
    qtbot: QtBot, make_window: MakeWindow, hub: HubServer, picture_file: Path
) -> None:
    wanted = Settings(model=ModelRequest(NAME))
    first = make_window(loader=loader, settings=wanted)
    drop(first, file_urls([picture_file]))
    qtbot.waitUntil(first.commands.download_model.isEnabled, timeout=WAIT_MS)
    assert states(first) == [EntryState.IDLE]
    first.commands.download_model.trigger()
    wait_for_states(qtbot, first, EntryState.CAPTIONED)
    first.close()
    second = make_window(loader=loader, settings=wanted)
    qtbot.waitUntil(lambda: second.session.status.phase is ModelPhase.READY, timeout=WAIT_MS)
    assert second.messages.messages == []


def test_what_waits_for_a_download_is_captioned_by_another_model(
    qtbot: QtBot, make_window: MakeWindow, hub: HubServer, picture_file: Path
) -> None:
    window = make_window(loader=loader, settings=Settings(model=ModelRequest(NAME)))
    wait_for_entry(qtbot, window, NAME, lambda entry: entry.place is Place.ABSENT)
    drop(window, file_urls([picture_file]))
    wait_for_states(qtbot, window, EntryState.IDLE)
    assert window.panel.section.heading.isChecked()  # where the download is offered
    window.panel.settings.chooser.choose("starter-coca")
    wait_for_states(qtbot, window, EntryState.CAPTIONED)
    assert window.session.status.request.name == "starter-coca"


def test_a_model_is_removed_after_one_question(qtbot: QtBot, make_window: MakeWindow, hub: HubServer) -> None:
    window = make_window(loader=loader)
    panel = open_panel(qtbot, window)
    panel.list.choose(NAME)
    click(qtbot, button(panel, "Download 300 kB"))
    wait_for_entry(qtbot, window, NAME, lambda entry: entry.place is Place.HERE)
    click(qtbot, button(panel, "Use for captions"))
    wait_for_entry(qtbot, window, NAME, lambda entry: entry.is_loaded)
    for answer in ("Cancel", "Remove"):
        click(qtbot, button(panel, "Remove…"))
        question = next(box for box in panel.findChildren(QMessageBox) if box.isVisible())
        assert "300 kB will come free" in question.informativeText()
        click(qtbot, next(one for one in question.buttons() if one.text().replace("&", "") == answer))
        qtbot.waitUntil(lambda asked=question: not asked.isVisible(), timeout=WAIT_MS)  # type: ignore[misc]
        assert (find_weights(CARD) is not None) or answer == "Remove"
    wait_for_entry(qtbot, window, NAME, lambda entry: entry.place is Place.ABSENT and not entry.is_loaded)
    assert f"{NAME} is removed: 300 kB came free." in texts(panel)
    button(panel, "Download 300 kB")


def test_a_model_is_unloaded_and_its_folder_shown(qtbot: QtBot, window: MainWindow) -> None:
    shown: list[str] = []

    class Opener(QObject):
        @Slot(QUrl)
        def take(self, url: QUrl) -> None:
            shown.append(url.toLocalFile())

    opener = Opener()
    QDesktopServices.setUrlHandler("file", opener, "take")
    panel = open_panel(qtbot, window)
    wait_for_entry(qtbot, window, "starter-coca", lambda entry: entry.is_loaded)
    assert window.statusBar().starter.isVisible()  # type: ignore[attr-defined]
    click(qtbot, button(panel, "Show in folder"))
    QDesktopServices.unsetUrlHandler("file")
    assert shown == [str(cards.card("starter-coca").folder)]
    click(qtbot, button(panel, "Unload"))
    wait_for_entry(qtbot, window, "starter-coca", lambda entry: not entry.is_loaded)
    assert window.session.status.phase is ModelPhase.ABSENT
    assert window.statusBar().chip.text() == "starter-coca"  # type: ignore[attr-defined]


def test_another_model_folder_is_kept(
    qtbot: QtBot, window: MainWindow, hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = tmp_path / "on another disk"
    chosen.mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(chosen))
    panel = open_panel(qtbot, window)
    with qtbot.waitSignal(window.library.scanned, timeout=WAIT_MS):
        window.commands.choose_model_folder.trigger()
    assert settings.load().model_folder == str(chosen)
    assert window.library.folder == chosen
    panel.list.choose(NAME)
    click(qtbot, button(panel, "Download 300 kB"))
    entry = wait_for_entry(qtbot, window, NAME, lambda entry: entry.place is Place.HERE)
    assert entry.path is not None
    assert entry.path.is_relative_to(chosen)
    window.commands.shared_model_folder.trigger()
    wait_for_entry(qtbot, window, NAME, lambda entry: entry.place is Place.ABSENT)
    assert settings.load().model_folder == ""


class Importing:
    """Imports by writing a note, when it is let; refuses files whose name says so."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.threads: set[str] = set()

    def __call__(self, path: str, name: str | None) -> ModelCard:
        self.threads.add(threading.current_thread().name)
        assert self.go_on.wait(WAIT_MS / 1000)
        if "wrong" in path:
            raise ModelError("It fits no model of the catalog; the nearest is starter-coca.")
        folder = models_dir() / (name or "from-file")
        folder.mkdir(parents=True)
        (folder / cards.IMPORT_FILE).write_text('{"built_like": "starter-coca"}')
        (folder / WEIGHTS_FILE).write_bytes(b"1234")
        return cards.imported_card(folder, cards.CARDS["starter-coca"])


def test_a_checkpoint_is_imported(
    qtbot: QtBot, make_window: MakeWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from cocadesk.gui.import_dialog import ImportDialog  # noqa: PLC0415

    importing = Importing()
    window = make_window(engine=EngineCalls(import_checkpoint=importing))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "Wrong One.pt"), ""))
    window.commands.import_model.trigger()
    dialog = window.findChild(ImportDialog)
    assert dialog is not None
    assert dialog.name.placeholderText() == "wrong-one"
    dialog.file.setText(str(tmp_path / "wrong.pt"))
    click(qtbot, dialog.go)
    assert not dialog.go.isEnabled()
    importing.go_on.set()
    qtbot.waitUntil(lambda: dialog.message.text().startswith("It fits no model"), timeout=WAIT_MS)
    dialog.file.setText(str(tmp_path / "right.pt"))
    dialog.name.setText("mine")
    click(qtbot, dialog.go)
    wait_for_entry(qtbot, window, "mine", lambda entry: entry.place is Place.IMPORTED)
    panel = window.desk.panel
    assert panel is not None
    qtbot.waitUntil(lambda: panel.list.current is not None and panel.list.current.card.name == "mine", timeout=WAIT_MS)
    assert any("architecture starter-coca" in text for text in texts(panel))
    assert all(name.startswith("io-") for name in importing.threads)
    click(qtbot, button(panel, "Use for captions"))
    assert window.session.model.name == "mine"


def test_closing_the_window_asks_before_an_import_is_lost(
    qtbot: QtBot, make_window: MakeWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from cocadesk.gui.import_dialog import ImportDialog  # noqa: PLC0415

    importing = Importing()
    window = make_window(engine=EngineCalls(import_checkpoint=importing))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "my.safetensors"), ""))
    window.commands.import_model.trigger()
    dialog = window.findChild(ImportDialog)
    assert dialog is not None
    click(qtbot, dialog.go)
    click(qtbot, dialog.close_button)  # it goes on in the background
    assert not window.close()
    box = window.closing.box
    assert box is not None
    assert box.text() == "Importing my.safetensors…"
    qtbot.keyClick(box, Qt.Key.Key_Escape)
    assert window.isVisible()
    importing.go_on.set()
    qtbot.waitUntil(lambda: not window.library.importing, timeout=WAIT_MS)
    assert window.close()
    assert window.closing.box is None


@pytest.mark.qt_log_ignore("This plugin does not support")  # the list of names below the field
def test_a_librarys_model_is_added_and_taken_out_again(
    qtbot: QtBot, make_window: MakeWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cocadesk.gui.add_dialog import AddDialog  # noqa: PLC0415

    name = "open_clip:ViT-B-32/openai"
    clip = replace(CARD, name=name, title="ViT-B-32 of open_clip, openai", family="clip")

    def find(asked: str) -> ModelCard:
        if asked != name:
            raise ModelError("open_clip knows no tag of that name.")
        return clip

    names = [name, "timm:vit_base_patch16_224"]
    window = make_window(engine=EngineCalls(find_card=find, library_names=lambda: names))
    window.commands.add_model.trigger()
    dialog = window.findChild(AddDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.name.completer() is not None, timeout=WAIT_MS)
    qtbot.keyClicks(dialog.name, "b-32")
    assert dialog.name.completer().currentCompletion() == name
    assert not dialog.go.isEnabled()
    dialog.name.setText("open_clip:ViT-B-32/none")
    click(qtbot, dialog.go)
    qtbot.waitUntil(lambda: dialog.message.text() == "open_clip knows no tag of that name.", timeout=WAIT_MS)
    dialog.name.setText(name)
    click(qtbot, dialog.go)
    wait_for_entry(qtbot, window, name, lambda entry: entry.place is Place.ABSENT)
    panel = window.desk.panel
    assert panel is not None
    qtbot.waitUntil(lambda: panel.list.current is not None and panel.list.current.card == clip, timeout=WAIT_MS)
    assert button(panel, "Remove…").isEnabled()

    click(qtbot, button(panel, "Remove…"))
    box = panel.findChild(QMessageBox)
    assert box is not None
    click(qtbot, next(one for one in box.buttons() if one.text() == "Remove"))
    qtbot.waitUntil(lambda: window.library.entry(name) is None, timeout=WAIT_MS)
