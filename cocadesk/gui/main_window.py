"""The window: puts the panels together and says what each action does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import QMainWindow, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from cocadesk.gui.about import About
from cocadesk.gui.actions import Actions
from cocadesk.gui.canvas import Canvas
from cocadesk.gui.closing import Closing
from cocadesk.gui.compare.compare_desk import CompareDesk
from cocadesk.gui.compare.comparing import Comparing
from cocadesk.gui.continuing import Continuing
from cocadesk.gui.entries import Entry, EntryState
from cocadesk.gui.icons import app_icon
from cocadesk.gui.library import Library
from cocadesk.gui.look.exporting import Exporting
from cocadesk.gui.look_desk import LookDesk
from cocadesk.gui.looking import Looking
from cocadesk.gui.measuring import Measuring
from cocadesk.gui.model_desk import ModelDesk
from cocadesk.gui.model_status import ModelPhase
from cocadesk.gui.model_watch import ModelWatch
from cocadesk.gui.opening import Opening
from cocadesk.gui.overlays.pins_menu import fill_pins_menu
from cocadesk.gui.panels.caption_panel import CaptionPanel
from cocadesk.gui.panels.strip import Strip
from cocadesk.gui.panels.trouble import Trouble
from cocadesk.gui.panels.welcome import Welcome
from cocadesk.gui.pyramid import Pyramid
from cocadesk.gui.questions import Questions
from cocadesk.gui.rankings import Rankings
from cocadesk.gui.remembering import Remembering
from cocadesk.gui.session import Session
from cocadesk.gui.side_desk import SideDesk
from cocadesk.gui.states.inquiry import Inquiries
from cocadesk.gui.states.states_desk import StatesDesk
from cocadesk.gui.status import Status, describe
from cocadesk.gui.testing import Testing
from cocadesk.gui.testing_desk import TestDesk
from cocadesk.gui.timeline import Timeline
from cocadesk.gui.widgets.message_bar import MessageBar
from cocadesk.store.settings import Settings
from cocadesk.types import Token

COLUMN_WIDTHS = (190, 690, 400)
FIRST_SIZE = (1280, 800)

_AGAIN = {EntryState.IDLE: "Caption", EntryState.STOPPED: "Caption", EntryState.FAILED: "Try again"}


class MainWindow(QMainWindow):
    """The application's window.

    Args:
        settings: What was remembered.
        samples: Pictures to offer while nothing is open.
        keep: Write what is to be remembered to disk.
    """

    def __init__(
        self,
        session: Session,
        questions: Questions,
        rankings: Rankings,
        looking: tuple[Looking, Looking],
        testing: tuple[Testing, Measuring],
        *,
        comparing: Comparing,
        inquiries: Inquiries,
        exporting: Exporting,
        library: Library,
        settings: Settings,
        samples: Sequence[Path],
        keep: bool = True,
    ) -> None:
        super().__init__()
        self.session = session
        self.questions = questions
        self.rankings = rankings
        self.library = library
        self._samples = list(samples)
        self.setWindowTitle("CocaDesk")
        self.setWindowIcon(app_icon())
        self.commands = do = Actions(self)
        self.canvas = Canvas()
        fill_pins_menu(do.pinned, self.canvas.pins)
        self.timeline = Timeline(do)
        self.strip = Strip(session.entries, session.thumbnails, do.open_files)
        self.strip.set_menu((do.again, do.copy, do.close_picture))
        self.panel = CaptionPanel(library, do.again, do.stop, do.copy)
        self.look = LookDesk(
            *looking,
            library,
            session,
            exporting=exporting,
            questions=questions,
            canvas=self.canvas,
            words=self.panel.view,
            shown=lambda: self.strip.current,
            do=do,
            window=self,
        )
        self.tests = TestDesk(
            *testing,
            library,
            session,
            questions=questions,
            canvas=self.canvas,
            look=self.look.panel,
            window=self,
        )
        self.beside = SideDesk(
            questions,
            rankings,
            library,
            captions=self.panel,
            look=self.look,
            tests=self.tests,
            do=do,
            window=self,
            keep=keep,
        )
        self.trouble = Trouble()
        self.welcome = Welcome(samples, session.thumbnails, do.open_files, do.open_folder)
        self.messages = MessageBar()
        self._lay_out()
        self.continuing = Continuing(session, self.panel, lambda: self.strip.current, do, self)
        self.popup = self.continuing.popup
        self.opening = Opening(self, session, settings)
        self.memory = Remembering(self, self._columns, self.opening, do, keep=keep)
        self.watch = ModelWatch(session, library, self)
        self.desk = ModelDesk(library, do, lambda: self.memory.settings.last_folder, self)
        self.compare = CompareDesk(
            comparing,
            library,
            session,
            opens=do.compare,
            models=self.desk,
            shown=lambda: self.strip.current,
            parent=self,
        )
        self.states = StatesDesk(
            inquiries, library, session, opens=do.states, shown=lambda: self.strip.current, parent=self
        )
        self.closing = Closing(exporting, library, self)
        self.setStatusBar(Status(session, library, do.models, self))
        do.fill_menus()
        self.menuBar().insertMenu(self.menuBar().actions()[-2], self.tests.do.menu())
        self._connect()
        self._restore(settings)
        self._show_current()
        self.welcome.setFocus()

    def _lay_out(self) -> None:
        self._middle = QStackedWidget()
        self._middle.addWidget(self.welcome)
        self._stage = QWidget()
        stage = QVBoxLayout(self._stage)
        stage.setContentsMargins(0, 0, 0, 0)
        stage.setSpacing(0)
        stage.addWidget(self.canvas, 1)
        stage.addWidget(self.timeline)
        self._middle.addWidget(self._stage)
        self._middle.addWidget(self.trouble)
        self._columns = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False, handleWidth=1)
        for widget in (self.strip, self._middle, self.beside.side):
            self._columns.addWidget(widget)
        self._columns.setStretchFactor(1, 8)
        self._columns.setStretchFactor(2, 1)
        self._columns.setSizes(COLUMN_WIDTHS)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.messages)
        column.addWidget(self._columns, 1)
        self.setCentralWidget(centre)

    def _connect(self) -> None:
        session, do = self.session, self.commands
        session.opened.connect(self._on_opened)
        session.entries.changed.connect(self._on_changed)
        session.view_ready.connect(self._on_view)
        session.status_changed.connect(self._on_status)
        session.queue_changed.connect(self._refresh_actions)
        session.token_arrived.connect(self._on_token)
        session.problem.connect(self.messages.add)
        self.timeline.frame_ready.connect(self.canvas.show_frame)
        self.timeline.resample_asked.connect(session.caption_anew)
        self.timeline.count_changed.connect(self._on_count)
        self.timeline.problem.connect(self.messages.add)
        self.canvas.zoom_changed.connect(self.timeline.set_scale)
        for widget in (self._stage, self.strip):
            widget.addActions([do.play, do.frame_back, do.frame_forward])
        session.loaded_changed.connect(lambda: self.library.set_loaded(session.loaded))
        self.strip.entry_chosen.connect(self._on_chosen)
        self.strip.selection_changed.connect(lambda: self.beside.show_entries(self.strip.selected))
        self.beside.tab_changed.connect(self._show_columns)
        self.beside.tab_changed.connect(self._refresh_actions)
        self.beside.busy_changed.connect(self._refresh_stop)
        self.beside.remembered.connect(self.memory.change)
        self.beside.sections_toggled.connect(self._on_section)
        self.look.problem.connect(self.messages.add)
        self.look.told.connect(lambda text: self.statusBar().showMessage(text, 2500))
        self.canvas.pins.told.connect(lambda text: self.statusBar().showMessage(text, 5000))
        for panel in (self.beside.ask, self.beside.rank, self.look.panel):
            self.desk.steer(panel.notice.download)
            self.desk.steer(panel.box.chooser.download)
        for download in self.tests.panel.downloads:
            self.desk.steer(download)
        self.welcome.samples_asked.connect(session.open_paths)
        self.opening.problem.connect(self.messages.add)
        self.trouble.retry_asked.connect(self._retry)
        self.trouble.close_asked.connect(do.close_picture.trigger)
        self.panel.settings.edited.connect(self._on_edited)
        self.panel.section.toggled.connect(self._on_section)
        self.desk.steer(self.panel.settings.chooser.download)
        for hint in (self.panel.starter, self.beside.ask.starter, self.beside.rank.starter):
            hint.model_asked.connect(self.desk.show_models)
            hint.dismissed.connect(lambda: do.starter_hints.setChecked(False))
            do.starter_hints.toggled.connect(hint.set_wanted)
        self.desk.use_asked.connect(self.panel.settings.chooser.choose)
        self.desk.unload_asked.connect(session.unload)
        self.watch.missed.connect(lambda: self.panel.section.set_open(True))
        self.desk.folder_chosen.connect(self._on_folder)
        self.desk.folder_used.connect(self._on_folder_used)
        self.library.changed.connect(self._on_model_changed)
        for action, what in (
            (do.open_files, self.opening.ask_files),
            (do.open_folder, self.opening.ask_folder),
            (do.open_samples, lambda: session.open_paths(self._samples)),
            (do.clear_recent, self.opening.forget_recent),
            (do.close_picture, self._close_current),
            (do.close_all, self._close_all),
            (do.quit, self.close),
            (do.paste, self.opening.paste),
            (do.copy, self._copy),
            (do.again, self._again),
            (do.caption_rest, self._caption_rest),
            (do.stop, self._stop),
            (do.words, self.panel.view.focus_words),
            (do.next, lambda: self.strip.step(1)),
            (do.previous, lambda: self.strip.step(-1)),
            (do.fit, self.canvas.fit),
            (do.actual_size, self.canvas.actual_size),
            (do.zoom_in, self.canvas.zoom_in),
            (do.zoom_out, self.canvas.zoom_out),
            (do.full_screen, lambda: self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)),
            (do.models, self.desk.show_models),
            (do.net_info, self.desk.show_net),
            (do.download_model, lambda: self.desk.download(session.model.name)),
            (do.add_model, self.desk.ask_add),
            (do.import_model, self.desk.ask_import),
            (do.choose_model_folder, self.desk.ask_folder),
            (do.shared_model_folder, self.desk.use_shared_folder),
            (do.about, lambda: About(self).open()),
        ):
            action.triggered.connect(lambda _=False, what=what: what())
        do.settings.toggled.connect(self._on_section)

    # What the session tells

    def _on_opened(self, opened: Sequence[Entry]) -> None:
        if opened:
            self.strip.choose(opened[0])
            self.strip.list.setFocus()

    def _on_chosen(self, entry: Entry | None) -> None:
        self.popup.dismiss()
        if entry is None:
            self.canvas.show_picture(None)
        else:
            self.canvas.await_picture()
            self.session.hurry(entry)
        self.session.show(entry)
        self._show_current()

    def _on_view(self, key: int, pyramid: Pyramid) -> None:
        current = self.strip.current
        if current is not None and current.key == key:
            self.canvas.show_picture(pyramid, current.name, key)
            self.look.show_view(key, pyramid)
            self.tests.show_view(key)
            self._show_current()

    def _on_changed(self, key: int) -> None:
        current = self.strip.current
        if current is not None and current.key == key:
            self._show_current()
            self.beside.show_entries(self.strip.selected)

    def _on_token(self, key: int, token: Token) -> None:
        current = self.strip.current
        if current is not None and current.key == key:
            self.panel.append(token)
            self._refresh_stop()
            self.commands.words.setEnabled(True)

    def _on_status(self) -> None:
        status = self.session.status
        if status.phase is ModelPhase.FAILED:
            self.messages.add(describe(status), status.message)
        self._show_current()

    def _on_model_changed(self, name: str) -> None:
        if name == self.session.model.name:
            self._refresh_actions()
            self.states.show_current()

    def _show_current(self) -> None:
        """Bring panel, picture and actions up to date with the selected entry."""
        entry = self.strip.current
        status = self.session.status
        self.panel.show_entry(entry, describe(status) if status.phase is ModelPhase.LOADING else "")
        unopened = entry is not None and bool(entry.unopened)
        if entry is not None and unopened:
            self.canvas.show_picture(None)
            self.trouble.describe(entry.name, entry.unopened)
        self.continuing.refresh()
        self.timeline.show_entry(None if unopened else entry)
        self.look.show_entry(entry)
        self.tests.show_entry(entry)
        self.compare.show_current()
        self.states.show_current()
        self._middle.setCurrentWidget(self.welcome if entry is None else self.trouble if unopened else self._stage)
        self._show_columns()
        self.setWindowTitle(f"{entry.name} — CocaDesk" if entry else "CocaDesk")
        self._refresh_actions()

    def _show_columns(self) -> None:
        """Without a picture there is nothing to list, and nothing to say unless the settings were asked for."""
        is_empty = len(self.session.entries) == 0
        self.strip.setVisible(not is_empty)
        wanted = self.commands.settings.isChecked() or self.beside.tab != "caption"
        self.beside.side.setVisible(not is_empty or wanted)

    def _refresh_actions(self) -> None:
        do, entry = self.commands, self.strip.current
        for action in do.needing_picture:
            action.setEnabled(entry is not None)
        for action in do.needing_canvas:
            action.setEnabled(entry is not None and not self.canvas.is_empty)
        do.again.setText(_again(entry))
        do.again.setEnabled(entry is not None and entry.state not in (EntryState.WORKING, EntryState.WAITING))
        self._refresh_stop()
        do.words.setEnabled(bool(self.panel.view.words))
        do.close_all.setEnabled(len(self.session.entries) > 0)
        do.caption_rest.setEnabled(any(_is_left(entry) for entry in self.session.entries))
        do.open_samples.setEnabled(bool(self._samples))
        model = self.library.entry(self.session.model.name)
        do.download_model.setEnabled(model is not None and model.can_download)
        do.shared_model_folder.setEnabled(bool(self.memory.settings.model_folder))

    def _refresh_stop(self) -> None:
        """Say whether there is something to stop, and something to copy."""
        entry = self.strip.current
        self.commands.stop.setEnabled(self.session.active is not None or self.beside.is_busy)
        self.commands.copy.setEnabled(entry is not None and bool(entry.caption))
        self.beside.refresh_actions()

    # What the user asks for

    def _stop(self) -> None:
        """Stop what the shown panel is doing, or else whatever is being done."""
        captions_first = self.beside.tab == "caption" and self.session.active is not None
        if captions_first or not self.beside.stop():
            self.session.stop()

    def _again(self) -> None:
        entry = self.strip.current
        if entry is not None and entry.unopened:
            self._retry()
        elif entry is not None:
            self.session.caption([entry])

    def _caption_rest(self) -> None:
        self.session.caption([entry for entry in self.session.entries if _is_left(entry)])

    def _retry(self) -> None:
        """Open the file anew, and caption it unless it has a caption."""
        entry = self.strip.current
        if entry is not None:
            self.session.thumbnails.forget(entry.source)
            if not entry.caption:
                self.session.caption([entry])
            self._on_chosen(entry)

    def _copy(self) -> None:
        entry = self.strip.current
        if self.beside.tab != "caption":
            self.statusBar().showMessage(self.beside.copy(), 2500)
        elif entry is not None and entry.caption:
            QGuiApplication.clipboard().setText(entry.caption)
            self.statusBar().showMessage("Caption copied", 2500)

    def _close_current(self) -> None:
        if self.strip.current is not None:
            self.session.close(self.strip.current)
            self._after_closing()

    def _close_all(self) -> None:
        self.session.close_all()
        self._after_closing()

    def _after_closing(self) -> None:
        self.canvas.pins.keep_only(lambda key: self.session.entries.get(key) is not None)
        self._on_chosen(self.strip.current)

    def _on_edited(self) -> None:
        chosen = self.panel.settings
        changed = chosen.model != self.session.model
        self.session.choose(chosen.model, chosen.options)
        self.timeline.set_count(chosen.options.frames)
        self.memory.change(lambda settings: replace(settings, model=chosen.model, options=chosen.options))
        if changed:
            self.desk.show_in_use(chosen.model.name)
            self.watch.warm()
            self._refresh_actions()
        self.states.show_current()

    def _on_count(self, frames: int) -> None:
        chosen = self.panel.settings
        chosen.show_values(chosen.model, replace(chosen.options, frames=frames))
        self._on_edited()

    def _on_folder(self, folder: str) -> None:
        self.memory.change(lambda settings: replace(settings, model_folder=folder))
        self._refresh_actions()

    def _on_folder_used(self, folder: str) -> None:
        self.memory.change(lambda settings: replace(settings, last_folder=folder))

    def _on_section(self, shown: bool) -> None:
        self.commands.settings.setChecked(shown)
        self.panel.section.set_open(shown)
        self.beside.set_sections(shown)
        self._show_columns()
        self.memory.change(lambda settings: replace(settings, settings_shown=shown))

    # What is remembered

    def _restore(self, settings: Settings) -> None:
        self.panel.settings.show_values(settings.model, settings.options)
        chosen = self.panel.settings.model
        self.session.choose(chosen, settings.options)
        self._tell_gone(settings.model.name, chosen.name)
        self.timeline.set_count(settings.options.frames)
        self.desk.show_in_use(chosen.name)
        self.beside.restore(settings)
        self.panel.section.set_open(settings.settings_shown)
        self.resize(*FIRST_SIZE)
        self.memory.restore()

    def _tell_gone(self, remembered: str, chosen: str) -> None:
        known = self.library.entry(chosen)
        if remembered != chosen and known is not None:
            self.messages.add(remembered, f"It is not on the list of models any more. {known.card.title} captions.")

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:  # whoever changed it
            self.commands.full_screen.setChecked(self.isFullScreen())

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.closing.may_close():
            event.ignore()
            return
        self.memory.save_layout()
        self.beside.save()
        self.hide()  # stopping may take a moment, which nobody needs to watch
        self.timeline.shutdown()
        self.library.shutdown()
        self.look.shutdown()
        self.session.shutdown()
        super().closeEvent(event)


def _again(entry: Entry | None) -> str:
    if entry is None:
        return "Caption again"
    return "Try again" if entry.unopened else _AGAIN.get(entry.state, "Caption again")


def _is_left(entry: Entry) -> bool:
    return entry.state in (EntryState.IDLE, EntryState.STOPPED, EntryState.FAILED)
