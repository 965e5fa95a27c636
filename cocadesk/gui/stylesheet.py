"""The style sheet: spacing, corners and states of standard controls. Colours come from the theme."""

from __future__ import annotations

from string import Template

from cocadesk.gui.colours import Colours
from cocadesk.paths import resources_dir

_SHEET = Template("""
* { outline: none; }
QMainWindow, QDialog { background: $window; }
QToolTip { background: $surface; color: $text; border: 1px solid $border; padding: 4px 6px; }

QMenuBar { background: $window; border-bottom: 1px solid $border; padding: 2px 6px; }
QMenuBar::item { padding: 5px 10px; border-radius: 5px; background: transparent; }
QMenuBar::item:selected { background: $accent_soft; }
QMenu { background: $surface; border: 1px solid $border; padding: 5px; }
QMenu::item { padding: 6px 28px 6px 26px; border-radius: 5px; }
QMenu::item:selected { background: $accent_soft; color: $text; }
QMenu::item:disabled { color: $faint; }
QMenu::separator { height: 1px; background: $border; margin: 5px 8px; }
QMenu::indicator { width: 14px; height: 14px; left: 7px; }

QStatusBar { background: $window; border-top: 1px solid $border; }
QStatusBar::item { border: none; }
QStatusBar QLabel { color: $muted; padding: 3px 8px; }

QProgressBar { background: $border; border: none; border-radius: 3px; }
QProgressBar::chunk { background: $accent; border-radius: 3px; }

QSplitter::handle { background: $border; }
QSplitter::handle:hover { background: $accent; }

QPushButton { background: $surface; border: 1px solid $border; border-radius: 7px; padding: 7px 14px; }
QPushButton:hover { border-color: $muted; }
QPushButton:pressed { background: $sunken; }
QPushButton:focus { border: 2px solid $accent; padding: 6px 13px; }
QPushButton:disabled { color: $faint; }
QPushButton[kind="primary"] { background: $accent; color: $on_accent; border-color: $accent; font-weight: 600; }
QPushButton[kind="primary"]:hover { background: $accent_hover; border-color: $accent_hover; }
QPushButton[kind="primary"]:focus { border: 2px solid $text; }
QPushButton[kind="primary"]:disabled { background: $sunken; color: $faint; border-color: $border; }
QPushButton[kind="section"] { background: transparent; border: 1px solid transparent; border-radius: 7px;
    padding: 7px 2px; text-align: left; font-weight: 600; }
QPushButton[kind="section"]:hover { background: $accent_soft; }
QPushButton[kind="section"]:focus { border: 2px solid $accent; padding: 6px 1px; }
QPushButton[kind="chip"] { background: transparent; color: $muted; border: 1px solid $border; border-radius: 12px;
    padding: 3px 11px; }
QPushButton[kind="chip"]:hover { border-color: $muted; color: $text; }
QPushButton[kind="chip"]:checked { background: $accent_soft; border-color: $accent; color: $text; }
QPushButton[kind="chip"]:focus { border: 2px solid $accent; padding: 2px 10px; }
QPushButton[kind="status"] { background: transparent; color: $muted; border: 1px solid transparent; border-radius: 6px;
    padding: 3px 8px; }
QPushButton[kind="status"]:hover { background: $accent_soft; color: $text; }
QPushButton[kind="status"]:focus { border: 1px solid $accent; color: $text; }
QPushButton[kind="tag"] { background: $accent_soft; color: $accent; border: 1px solid transparent; border-radius: 7px;
    padding: 1px 8px; font-size: 8.5pt; }
QPushButton[kind="tag"]:hover { border-color: $accent; }
QPushButton[kind="tag"]:focus { border: 1px solid $accent; }
QPushButton[kind="link"] { background: transparent; color: $accent; border: 1px solid transparent; border-radius: 5px;
    padding: 2px 4px; }
QPushButton[kind="link"]:hover { color: $accent_hover; text-decoration: underline; }
QPushButton[kind="link"]:focus { border: 1px solid $accent; }
QPushButton::menu-indicator { width: 0; }
QToolButton { border: 1px solid transparent; border-radius: 6px; padding: 5px; background: transparent; }
QToolButton::menu-indicator { image: none; width: 0; }
QToolButton:hover { background: $accent_soft; }
QToolButton:pressed { background: $border; }
QToolButton:checked { background: $accent_soft; border-color: $accent; }
QToolButton:focus { border: 2px solid $accent; padding: 4px; }
QToolButton:disabled { color: $faint; }

QLineEdit { background: $surface; border: 1px solid $border; border-radius: 6px; padding: 6px 8px;
    selection-background-color: $accent; selection-color: $on_accent; }
QLineEdit:hover { border-color: $muted; }
QLineEdit:focus { border: 2px solid $accent; padding: 5px 7px; }
QLineEdit:disabled { color: $faint; background: $window; }
QAbstractSpinBox QLineEdit { border: none; padding: 0; background: transparent; }
QComboBox, QAbstractSpinBox { background: $surface; border: 1px solid $border; border-radius: 6px;
    padding: 5px 8px; min-height: 20px; selection-background-color: $accent; selection-color: $on_accent; }
QComboBox:hover, QAbstractSpinBox:hover { border-color: $muted; }
QComboBox:focus, QAbstractSpinBox:focus { border: 2px solid $accent; padding: 4px 7px; }
QComboBox:disabled, QAbstractSpinBox:disabled { color: $faint; background: $window; }
QComboBox::drop-down { border: none; width: 24px; }
QComboBox::down-arrow { image: url($icons/chevron-down-$tone.svg); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: $surface; border: 1px solid $border; padding: 4px;
    selection-background-color: $accent_soft; selection-color: $text; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { border: none; width: 22px; background: transparent; }
QAbstractSpinBox::up-button { subcontrol-position: top right; margin-top: 2px; }
QAbstractSpinBox::down-button { subcontrol-position: bottom right; margin-bottom: 2px; }
QAbstractSpinBox::up-arrow { image: url($icons/chevron-up-$tone.svg); width: 10px; height: 10px; }
QAbstractSpinBox::down-arrow { image: url($icons/chevron-down-$tone.svg); width: 10px; height: 10px; }
QCheckBox { spacing: 8px; border: 2px solid transparent; border-radius: 5px; padding: 2px; }
QCheckBox:focus { border-color: $accent; }
QCheckBox::indicator { width: 15px; height: 15px; border: 1px solid $muted; border-radius: 4px; background: $surface; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; image: url($icons/check-$tone.svg); }

QScrollArea, QScrollArea > QWidget > QWidget[plain="true"] { background: transparent; border: none; }
QScrollBar:vertical { width: 10px; background: transparent; margin: 2px; }
QScrollBar:horizontal { height: 10px; background: transparent; margin: 2px; }
QScrollBar::handle { background: $border; border-radius: 3px; min-height: 28px; min-width: 28px; }
QScrollBar::handle:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QAbstractScrollArea::corner { background: transparent; border: none; }
QTableCornerButton::section { background: transparent; border: none; border-bottom: 1px solid $border; }

QSlider { min-height: 20px; }
QSlider::groove:horizontal { height: 4px; background: $border; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 2px; }
QSlider::sub-page:horizontal:disabled { background: $border; }
QSlider::handle:horizontal { width: 12px; margin: -6px 0; border-radius: 8px; background: $surface;
    border: 2px solid $accent; }
QSlider::handle:horizontal:hover { background: $accent_soft; }
QSlider::handle:horizontal:focus { background: $accent; border-color: $text; }
QSlider::handle:horizontal:disabled { border-color: $faint; }

QListView { background: transparent; border: none; }
QTreeView, QTableView { background: $surface; border: none; alternate-background-color: $window;
    selection-background-color: $accent_soft; selection-color: $text; }
QTreeView::item { padding: 5px 6px; border: none; }
QTableView::item { padding: 2px 6px; border: none; }
QTreeView::item:selected, QTableView::item:selected { background: $accent_soft; color: $text; }
QTreeView:focus, QTableView:focus { border: none; }
QHeaderView { background: $surface; border: none; }
QHeaderView::section { background: $surface; color: $muted; border: none; border-bottom: 1px solid $border;
    padding: 6px; }
QHeaderView::section:hover { color: $text; }
QHeaderView::section:checked { color: $text; }
QHeaderView::up-arrow { image: url($icons/chevron-up-$tone.svg); width: 9px; height: 9px; }
QHeaderView::down-arrow { image: url($icons/chevron-down-$tone.svg); width: 9px; height: 9px; }
QTabWidget::pane { border: 1px solid $border; border-radius: 8px; background: $surface; top: -1px; }
QTabBar { background: transparent; }
QTabBar::tab { background: transparent; color: $muted; padding: 7px 14px; border: none;
    border-bottom: 2px solid transparent; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $text; border-bottom: 2px solid $accent; font-weight: 600; }
QTabBar::tab:focus { background: $accent_soft; border-radius: 6px; }

QPlainTextEdit { background: $surface; border: 1px solid $border; border-radius: 8px; padding: 4px 6px;
    selection-background-color: $accent; selection-color: $on_accent; }
QPlainTextEdit:hover { border-color: $muted; }
QPlainTextEdit:focus { border: 2px solid $accent; padding: 3px 5px; }
QTextEdit[kind="reading"] { background: transparent; border: none; padding: 0;
    selection-background-color: $accent; selection-color: $on_accent; }
QTextEdit[tone="muted"] { color: $muted; }
QTextEdit[tone="danger"] { color: $danger; }

#sidebar, #captionPanel, #sidePanel { background: $window; }
#timeline { background: $window; border-top: 1px solid $border; }
#question { background: $accent_soft; border: none; border-radius: 10px; }
#card { background: $surface; border: 1px solid $border; border-radius: 10px; }
#popup { background: $surface; border: 1px solid $faint; border-radius: 9px; }
#modelsFooter { background: $window; border-top: 1px solid $border; }
#zoomBar { background: $surface; border: 1px solid $border; border-radius: 9px; }
#messageBar { background: $danger_soft; border: none; border-bottom: 1px solid $border; }
#messageBar QLabel { color: $text; }
#welcome { background: $window; }
QLabel[tone="muted"] { color: $muted; }
QLabel[tone="danger"] { color: $danger; }
QPushButton[kind="sample"] { background: $surface; border: 1px solid $border; border-radius: 10px; padding: 0; }
QPushButton[kind="sample"]:hover { border: 2px solid $accent; }
QPushButton[kind="sample"]:focus { border: 2px solid $accent; }
""")


def style_sheet(colours: Colours) -> str:
    """The sheet in these colours."""
    named = {name: getattr(colours, name) for name in colours.__slots__ if name not in {"series", "is_dark"}}
    tone = "dark" if colours.is_dark else "light"
    icons = (resources_dir() / "icons").as_posix()
    return _SHEET.substitute(named, tone=tone, icons=icons)
