"""Entry of the `cocadesk` script: tells files for the window from commands, and turns every end into an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches

from cocadesk import __version__
from cocadesk.cli.output import complain, crash_report, failed_unexpectedly

COMMANDS = ("caption", "ask", "rank", "classify", "attend", "doctor", "models")

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells count


def main() -> None:
    """Run the command line of this process and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one call and return its exit code; no exception leaves this function.

    A first argument that is neither a command nor an option is a file, and opens the window. A file that is called
    like a command is named with its folder: `cocadesk ./doctor`.
    """
    try:
        return _dispatch(arguments)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return EXIT_FAILED  # whoever read the output has closed it: nobody is left to tell
    except Exception as error:  # noqa: BLE001 — the last place where an exception can become a sentence
        complain("", failed_unexpectedly(error, crash_report(error)))
        return EXIT_FAILED


def _dispatch(arguments: Sequence[str]) -> int:
    first = arguments[0] if arguments else "--"
    if first == "--version":
        # Ahead of the parser, which needs the modules of all commands.
        print(f"cocadesk {__version__}", flush=True)
        return EXIT_OK
    if first == "--":
        return _open_window(arguments[1:])
    if first in COMMANDS or first.startswith("-"):
        return _run_command(arguments)
    meant = get_close_matches(first, COMMANDS, n=1) if first.isalpha() else []  # a path or a suffix makes it a file
    if meant and not os.path.lexists(first):
        complain(first, f"There is no such command or file. Did you mean {meant[0]}?")
        return EXIT_USAGE
    return _open_window(arguments)


def _run_command(arguments: Sequence[str]) -> int:
    import warnings  # noqa: PLC0415

    from cocadesk.cli.app import app  # noqa: PLC0415

    if not sys.warnoptions:
        # Libraries' warnings speak to programmers; what concerns the user is said in the project's own words.
        warnings.simplefilter("ignore")
    try:
        app(list(arguments), prog_name="cocadesk")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else EXIT_FAILED
    return EXIT_OK


def _open_window(files: Sequence[str]) -> int:
    from cocadesk.cli.system import has_display, install_command, missing_qt_libraries  # noqa: PLC0415

    missing = missing_qt_libraries()
    if missing:
        libraries = ", ".join(library.file for library in missing)
        complain(
            "", f"The window needs libraries that are missing: {libraries}. Install them: {install_command(missing)}"
        )
        return EXIT_FAILED
    if not has_display():
        # Qt would abort the process.
        complain("", "There is no display to open the window on. In a terminal, use: cocadesk caption FILE")
        return EXIT_FAILED
    from cocadesk.gui import app  # noqa: PLC0415

    return app.run(list(files))
