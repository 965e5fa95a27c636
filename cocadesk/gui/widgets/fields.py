"""Fields of a form: named, described, and deaf to the wheel unless they have the focus."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QDoubleSpinBox, QFormLayout, QLabel, QSpinBox, QWidget

from cocadesk.gui.widgets.naming import named

LONGEST_LABEL = "Number format"


class WheelGuard(QObject):
    """Lets the wheel scroll what a field lies in; it changes the field only while that has the focus."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False


def form() -> QFormLayout:
    """An empty form whose fields take the width that is left; `label` aligns several of them."""
    made = QFormLayout()
    made.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    made.setHorizontalSpacing(14)
    made.setVerticalSpacing(8)
    made.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return made


def label(field: QWidget, text: str = "") -> QLabel:
    """What stands beside a field: its name, or a shorter text."""
    made = QLabel(text or field.accessibleName())
    made.setBuddy(field)
    made.setMinimumHeight(field.sizeHint().height())
    made.setMinimumWidth(made.fontMetrics().horizontalAdvance(LONGEST_LABEL))
    return made


def combo(name: str, hint: str = "") -> QComboBox:
    """A choice, no wider than the panel."""
    made = named(QComboBox(), name, hint)
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(12)
    return made


def whole(name: str, least: int, most: int, hint: str) -> QSpinBox:
    """A whole number."""
    spin = QSpinBox(minimum=least, maximum=most)
    _prepare(spin, name, hint)
    return spin


def decimal(name: str, least: float, most: float, step: float, hint: str) -> QDoubleSpinBox:
    """A number with two decimals."""
    spin = QDoubleSpinBox(minimum=least, maximum=most, singleStep=step, decimals=2)
    _prepare(spin, name, hint)
    return spin


def _prepare(spin: QAbstractSpinBox, name: str, hint: str) -> None:
    spin.setAccessibleName(name)
    spin.setAccessibleDescription(hint)
    spin.setToolTip(hint)
    spin.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    spin.setKeyboardTracking(False)
    spin.lineEdit().setTextMargins(6, 0, 0, 0)
