"""`cocadesk models pull` and `remove`, against a hub on localhost."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from cocadesk.catalog.cards import CARDS
from cocadesk.catalog.progress import Progress
from cocadesk.cli.main import run
from cocadesk.cli.models.pull_progress import describe
from tests.fakes.hub_home import use_hub_home
from tests.fakes.hub_server import Fault, HubServer, running_hub

ROOT = Path(__file__).parents[2]
FILE = "model.safetensors"
CONTENT = random.Random(0).randbytes(300_000)

# The real command in a process of its own, with a small card.
SMALL_CARD = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in a shell's background starts with it ignored
import sys
from dataclasses import replace
from cocadesk.catalog.cards import CARDS
CARDS["small"] = replace(CARDS["coca-vit-b-32"], name="small", hub_repo="org/small", hub_files=("model.safetensors",))
from cocadesk.__main__ import main
main()
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """Serves the models "small" and "second" of the catalog."""
    use_hub_home(monkeypatch, tmp_path / "hf")
    with running_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        for name in ("small", "second"):
            server.add(f"org/{name}", FILE, CONTENT)
            card = replace(CARDS["coca-vit-b-32"], name=name, hub_repo=f"org/{name}", hub_files=(FILE,))
            monkeypatch.setitem(CARDS, name, card)
        yield server


def call(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str], str]:
    """Exit code, lines of stdout, stderr."""
    code = run(["models", *arguments])
    out, err = capfd.readouterr()
    return code, out.splitlines(), err


def test_several_models_are_fetched_and_removed(hub: HubServer, capfd: pytest.CaptureFixture[str]) -> None:
    code, lines, err = call(capfd, "pull", "small", "second")

    assert code == 0
    places = [
        re.fullmatch(rf"{name} is on this machine now: (.+)", line)[1]
        for name, line in zip(("small", "second"), lines, strict=True)  # type: ignore[index]
    ]
    assert [Path(place).read_bytes() for place in places] == [CONTENT, CONTENT]
    assert "small: 0.3 MB, into " in err

    assert call(capfd, "pull", "small") == (0, [f"small is already on this machine: {places[0]}"], "")

    code, lines, err = call(capfd, "remove", "small")
    assert (code, lines, err) == (0, ["small is removed: 0.3 MB (300,000 bytes) came free."], "")
    assert not Path(places[0]).exists()
    assert Path(places[1]).exists()
    assert call(capfd, "remove", "small") == (0, ["small is not on this machine: nothing to remove."], "")


def test_one_that_fails_does_not_stop_the_others(hub: HubServer, capfd: pytest.CaptureFixture[str]) -> None:
    hub.commits = {key: stored for key, stored in hub.commits.items() if key[0] != "org/small"}

    code, lines, err = call(capfd, "pull", "unheard-of", "small", "second")

    assert code == 1
    assert [line.split()[0] for line in lines] == ["second"]
    complaints = [line for line in err.splitlines() if line.startswith("cocadesk: ")]
    assert [line.split(": ")[1] for line in complaints] == ["unheard-of", "small"]


def test_a_disk_that_is_too_small_is_refused_before_anything_comes(
    hub: HubServer, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=200_000))

    code, lines, err = call(capfd, "pull", "small")

    assert (code, lines) == (1, [])
    assert "has 0.2 MB free, and 0.3 MB are missing. Free some space, or set HF_HOME" in err
    assert not hub.gets()


def test_offline(hub: HubServer, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["models", "pull", "small"]) == 0
    capfd.readouterr()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    code, lines, err = call(capfd, "pull", "small", "second")

    assert code == 1
    assert len(lines) == 1
    assert lines[0].startswith("small is already on this machine: ")
    assert err.startswith("cocadesk: second: ")
    assert "HF_HUB_OFFLINE forbids downloads" in err


def test_a_hub_out_of_reach_does_not_hide_what_is_here(
    hub: HubServer, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["models", "pull", "small"]) == 0
    capfd.readouterr()
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")

    code, lines, err = call(capfd, "pull", "small", "second")

    assert code == 1
    assert [line.split(":")[0] for line in lines] == ["small is already on this machine"]
    small, second = err.splitlines()
    assert small.startswith("cocadesk: small: Whether there is a newer one could not be found out. Cannot reach")
    assert second.startswith("cocadesk: second: Cannot reach http://127.0.0.1:9")


def test_a_bundled_model_needs_no_download(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cocadesk.catalog.card.resources_dir", lambda: tmp_path)
    code, _, err = call(capfd, "pull", "starter-coca")
    assert code == 1
    assert "Install CocaDesk again" in err

    weights = tmp_path / "models" / "starter-coca" / FILE
    weights.parent.mkdir(parents=True)
    weights.touch()
    assert call(capfd, "pull", "starter-coca") == (0, [f"starter-coca is already on this machine: {weights}"], "")

    code, lines, err = call(capfd, "remove", "starter-coca")
    assert (code, lines) == (1, [])
    assert err == "cocadesk: starter-coca: starter-coca comes with CocaDesk and stays.\n"
    assert weights.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals and pseudo-terminals are not on Windows")
def test_ctrl_c_keeps_what_arrived_and_the_next_pull_goes_on(hub: HubServer, capfd: pytest.CaptureFixture[str]) -> None:
    import pty  # noqa: PLC0415

    hub.fail(Fault(stall_after=200_000))
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", SMALL_CARD, "models", "pull", "small"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    os.close(theirs)
    shown = b""
    while b"downloading 66 %, 0.2 MB of 0.3 MB" not in shown:
        shown += os.read(ours, 10_000)
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=30) == 130
    while b"goes on from there" not in shown:
        shown += os.read(ours, 10_000)
    os.close(ours)
    assert child.stdout is not None
    assert child.stdout.read() == b""
    child.stdout.close()
    last = shown.decode().replace("\r\n", "\n").rstrip("\x1b[K\r").splitlines()[-1].rpartition("\x1b[K")[2]
    assert last == "cocadesk: small: Stopped. What has arrived is kept: the next pull goes on from there."

    code, lines, err = call(capfd, "pull", "small")

    assert code == 0
    assert lines[0].startswith("small is on this machine now: ")
    assert "small: 0.3 MB, of which 0.1 MB are missing, into" in err
    assert hub.gets()[-1].headers["range"] == "bytes=200000-"


def test_a_retry_is_told_once(hub: HubServer, capfd: pytest.CaptureFixture[str]) -> None:
    hub.fail(Fault(cut_after=100_000))

    code, _, err = call(capfd, "pull", "small")

    assert code == 0
    assert len([line for line in err.splitlines() if line.startswith("small: ")]) == 2, err


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Progress("downloading", 1, 4_000_000_000), "downloading 0 %, 1 bytes of 4.00 GB"),
        (
            Progress("downloading", 10**9, 4 * 10**9, 12_340_000.0, 243.1),
            "downloading 25 %, 1.00 GB of 4.00 GB, 12.3 MB/s, 4 min 3 s left",
        ),
        (Progress("downloading", 5, 10, 1.0, 5.0), "downloading 50 %, 5 bytes of 10 bytes, 1 bytes/s, 5 s left"),
        (
            Progress("downloading", 5, 10, 0.001, 5000.0),
            "downloading 50 %, 5 bytes of 10 bytes, 0 bytes/s, 1 h 23 min left",
        ),
        (Progress("checking", 2 * 10**6, 4 * 10**6), "checking 50 %, 2.0 MB of 4.0 MB"),
    ],
)
def test_progress_in_words(event: Progress, text: str) -> None:
    assert describe(event) == text
