"""What starting costs: neither `--version` nor the first paint of the window may wait for torch."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from tests.benchmarks.row import Row

VERSION = """
import json, sys
from cocadesk.__main__ import main
sys.argv = ["cocadesk", "--version"]
try:
    main()
except SystemExit:
    pass
print(json.dumps(sorted(name for name in ("torch", "PySide6", "numpy", "PIL") if name in sys.modules)))
"""

FIRST_PAINT = """
import json, os, sys, tempfile
os.environ["QT_QPA_PLATFORM"] = "offscreen"
with tempfile.TemporaryDirectory() as profile:
    os.environ["COCADESK_PROFILE"] = profile
    from PySide6.QtCore import QEvent, QObject
    from cocadesk.gui import app
    from cocadesk.store.settings import Settings

    class Painted(QObject):
        imported = None

        def eventFilter(self, watched, event):
            if event.type() == QEvent.Type.Paint and self.imported is None:
                self.imported = sorted(name for name in ("torch", "open_clip") if name in sys.modules)
            return False

    def never(request):
        raise AssertionError("the model is loaded after the first paint only")

    qt = app.application()
    window = app.build(Settings(), loader=never, keep=False)
    painted = Painted()
    window.installEventFilter(painted)
    window.show()
    while painted.imported is None:
        qt.processEvents()
    window.close()
    print(json.dumps(painted.imported))
"""

IMPORT_TORCH = "import json, torch; print(json.dumps([]))"


def rows() -> list[Row]:
    """What was imported by then, and how long it took against importing torch alone."""
    torch_s, _ = imported_by(IMPORT_TORCH)
    result = []
    for name, script in (("cocadesk --version", VERSION), ("first paint of the window", FIRST_PAINT)):
        seconds, imported = imported_by(script)
        forbidden = {"torch", "PySide6"} if script is VERSION else {"torch", "open_clip"}
        heavy = sorted(forbidden & set(imported))
        result.append(
            Row(
                f"{name}: imports {', '.join(heavy) or 'nothing heavy'}; time against importing torch",
                seconds / torch_s,
                1.0,
                not heavy and seconds < torch_s,
            )
        )
    return result


def imported_by(script: str) -> tuple[float, list[str]]:
    """Run a script in a fresh interpreter: how long that took, and the names that it printed as JSON."""
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - begun
    return seconds, json.loads(done.stdout.splitlines()[-1])
