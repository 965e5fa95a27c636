"""What `import cocadesk` promises."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import cocadesk
from tests.fakes.pictures import quadrants

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", cocadesk.__all__)
def test_every_promised_name_is_there(name: str) -> None:
    assert getattr(cocadesk, name) is not None


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = cocadesk.no_such_name


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, cocadesk; sys.exit(bool({'torch', 'numpy', 'PIL', 'PySide6'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_opening_a_picture_does_not_import_torch_or_qt(tmp_path: Path) -> None:
    quadrants().save(tmp_path / "scene.png")
    code = (
        f"import sys, cocadesk; picture = cocadesk.open_picture({str(tmp_path / 'scene.png')!r});"
        "print(picture.width, picture.height, bool({'torch', 'PySide6'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "80 60 False\n"


def test_the_version_is_a_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", cocadesk.__version__)
    assert f"[{cocadesk.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_a_cancel_token_stops_work_from_a_script() -> None:
    token = cocadesk.CancelToken()
    events = cocadesk.load("starter-coca").caption(str(ROOT / "resources/samples/teapot.jpg"), cancel=token)
    next(events)

    token.cancel()

    with pytest.raises(cocadesk.Cancelled):
        next(events)


def test_option_errors_are_the_projects_own_and_value_errors() -> None:
    with pytest.raises(cocadesk.OptionError) as caught:
        cocadesk.CaptionOptions(temperature=-1)
    assert isinstance(caught.value, cocadesk.CocaDeskError)
    assert isinstance(caught.value, ValueError)
