"""The README's two commands, for a machine with Python and nothing else of CocaDesk installed.

    python3 packaging/bootstrap.py run     open the window with a sample picture being captioned
    python3 packaging/bootstrap.py test    lint, types, layers, tests and the package's build

Both set up what they need: a virtual environment in `.venv`, the dependencies, and on Debian and Ubuntu the system
libraries of the window. Standard library only, and readable by old Pythons, so that those can be told apart politely.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "cocadesk-stamp"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
OLDEST_PYTHON = (3, 11)
NEWER_PYTHONS = ("python3.14", "python3.13", "python3.12", "python3.11")
SAMPLES = ROOT / "resources" / "samples"
WINDOW_PICTURE = ROOT / "out" / "cocadesk-window.png"

SNAPSHOT = """
import sys
from pathlib import Path
from cocadesk.gui.app import snapshot
snapshot(Path(sys.argv[1]), Path(sys.argv[2]))
"""

# What the wheel must hold beside the code: it works offline with these and not at all without.
IN_THE_WHEEL = (
    "cocadesk/__main__.py",
    "cocadesk/engine/blip_configs/",
    "cocadesk/resources/models/",
    "cocadesk/resources/samples/",
    "cocadesk/resources/tokenizers/",
    "licenses/LICENSE",
)


class SetUpError(Exception):
    """The set-up cannot go on; the message says what to do."""


def main(arguments):
    """Run one of the two commands and return its exit code."""
    if len(arguments) != 1 or arguments[0] not in ("run", "test"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        use_new_enough_python(arguments)
        return run() if arguments[0] == "run" else test()
    except SetUpError as error:
        print("\n" + str(error), file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print("\nThis step failed, see its output above: " + " ".join(map(str, error.cmd)), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def use_new_enough_python(arguments):
    """Start again under a newer Python where this one is too old and there is one."""
    if sys.version_info >= OLDEST_PYTHON:
        return
    newer = next(filter(None, map(shutil.which, NEWER_PYTHONS)), None)
    if newer is None:
        raise SetUpError(
            f"CocaDesk needs Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer; this is {sys.version.split()[0]}. "
            "Install a newer Python, then run this command with it."
        )
    os.execv(newer, [newer, str(Path(__file__).resolve()), *arguments])


def run():
    """Show the main job on a sample picture: in the window, or without a display in the terminal and as a picture."""
    window_possible = install_system_packages(needed_for_all=False)
    install_project(with_tests=False)
    sample = sample_picture()
    if window_possible and system().has_display():
        return subprocess.run([PYTHON, "-m", "cocadesk", sample], cwd=ROOT, check=False).returncode
    say("No window here, so the caption comes in the terminal:")
    ended = subprocess.run([PYTHON, "-m", "cocadesk", "caption", sample], cwd=ROOT, check=False).returncode
    if ended or not window_possible:
        return ended
    WINDOW_PICTURE.parent.mkdir(exist_ok=True)
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    # Kept apart: the caption is on the screen already, and Qt grumbles about its missing display. Shown if it fails.
    taking = subprocess.run(
        [PYTHON, "-c", SNAPSHOT, sample, WINDOW_PICTURE],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if taking.returncode:
        print(taking.stdout.decode(errors="replace"), file=sys.stderr)
        raise SetUpError("The picture of the window could not be taken, see above.")
    say(f"A picture of the window with this caption is in {WINDOW_PICTURE}")
    return 0


def test():
    """Everything that must hold before a change goes in; all steps run, so that one call shows all that is wrong."""
    install_system_packages(needed_for_all=True)
    install_project(with_tests=True)
    environment = dict(os.environ)
    if not system().has_display():
        environment["QT_QPA_PLATFORM"] = "offscreen"
    steps = {
        "lint": [PYTHON, "-m", "ruff", "check", "."],
        "format": [PYTHON, "-m", "ruff", "format", "--check", "."],
        "types": [PYTHON, "-m", "mypy"],
        "layers": [PYTHON.with_name("lint-imports")],
        "tests": [PYTHON, "-m", "pytest"],
    }
    failed = []
    for title, command in steps.items():
        say(title)
        if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
            failed.append(title)
    say("package")
    lacking = build_lacks()
    if lacking:
        print("The built package lacks: " + ", ".join(lacking))
        failed.append("package")
    say("Failed: " + ", ".join(failed) if failed else "All passed: " + ", ".join([*steps, "package"]))
    return 1 if failed else 0


def build_lacks():
    """Build the wheel, and return what it should hold and does not."""
    with tempfile.TemporaryDirectory() as folder:
        command = [PYTHON, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            return ["everything: the build failed"]
        wheel = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(str(wheel)) as archive:
            names = archive.namelist()
    return [wanted for wanted in IN_THE_WHEEL if not any(wanted in name for name in names)]


def sample_picture():
    """The sample that a first run shows."""
    pictures = sorted(path for path in SAMPLES.iterdir() if path.suffix in (".jpg", ".png", ".webp"))
    if not pictures:
        raise SetUpError(f"There are no sample pictures in {SAMPLES}: this checkout is incomplete.")
    return pictures[0]


def install_project(with_tests):
    """Have the project and its dependencies in `.venv`; does nothing if they are there for this pyproject.toml."""
    stamps = [stamp(tests) for tests in ((True,) if with_tests else (True, False))]  # with tests is more than without
    if STAMP.exists() and STAMP.read_text(encoding="utf-8") in stamps:
        return
    say("Setting up .venv: about a minute and 6 GB the first time")
    if not venv_works():
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
    pip = [PYTHON, "-m", "pip", "install"]
    if not sys.stdout.isatty():
        pip.append("--quiet")
    # Python 3.11 and 3.12 come with a pip that does not know dependency groups.
    subprocess.run([*pip, "--upgrade", "pip"], check=True)
    # One plain resolution, so that torch and torchvision match.
    subprocess.run([*pip, "--editable", ".", *(["--group", "dev"] if with_tests else [])], cwd=ROOT, check=True)
    STAMP.write_text(stamp(with_tests), encoding="utf-8")


def stamp(with_tests):
    """What `.venv` was made for: where it stands, which Python, which dependencies."""
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    return "\n".join([str(ROOT), sys.version, wanted, "with tests" if with_tests else "without tests"])


def venv_works():
    """Whether `.venv` is there, was made here by a Python of this version, and has pip; else it is made anew."""
    probe = "import pip, sys; print(sys.prefix, *sys.version_info[:2], sep='\\n')"
    if not PYTHON.exists():
        return False
    found = subprocess.run([PYTHON, "-c", probe], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    expected = [str(VENV), *map(str, sys.version_info[:2])]
    return found.returncode == 0 and found.stdout.decode().splitlines() == expected


def install_system_packages(needed_for_all):
    """Install with apt what the system lacks: Python's venv module and the libraries of the window.

    Args:
        needed_for_all: Stop if the window's libraries cannot be installed, in place of going on without the window.

    Returns:
        Whether the window can open.
    """
    libraries = system().missing_qt_libraries()
    packages = [library.package for library in libraries]
    venv_missing = not has_ensurepip()
    if venv_missing:
        packages.insert(0, f"python{sys.version_info[0]}.{sys.version_info[1]}-venv")
    if not packages:
        return True
    say("The system lacks: " + ", ".join(packages))
    rights = apt_rights()
    if rights is None:
        advice = "Install the system packages that are missing, then run this again:\n\n    " + (
            "sudo apt-get install " + " ".join(packages)
            if shutil.which("apt-get")
            else "packages that hold " + ", ".join([library.file for library in libraries] or ["Python's ensurepip"])
        )
        if venv_missing or needed_for_all:
            raise SetUpError(advice)
        print(advice)
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # A machine that was never updated has no package lists; a broken third-party list need not stop the install.
    subprocess.run([*rights, "apt-get", "update", "-qq"], env=environment, check=False)
    install = [*rights, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    subprocess.run(install, env=environment, check=True)
    return True


def apt_rights():
    """What goes in front of apt-get here: nothing for root, sudo where it asks nothing; None where there is no way."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        return [sudo, "-n"]
    return None


def has_ensurepip():
    """Whether this Python can make virtual environments; Debian keeps that in a package of its own."""
    try:
        import ensurepip  # noqa: F401, PLC0415
    except ImportError:
        return False
    return True


def system():
    """The project's own list of system needs; it imports nothing that is not in every Python."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from cocadesk.cli import system as needs  # noqa: PLC0415

    return needs


def say(text):
    """A heading between the outputs of the steps, in order with them when both go to a file."""
    print("\n== " + text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
