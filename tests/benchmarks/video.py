"""Sampling a video against what one would write with OpenCV, and the memory that it takes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tests.benchmarks.row import Row
from tests.fakes.videos import video

FRAMES = 500
SIZE = (1920, 1080)
TAKEN = 16
REPEATS = 5
CONSTANT_BYTES = 150_000_000
"""The libraries themselves, and the decoder's own frames: each of its threads holds some."""
KINDS = (
    ("MPEG-4, a key every 250 frames", "mpeg4", {"g": "250", "bf": "2", "qmin": "6", "qmax": "12"}),
    ("MPEG-4, a key every second", "mpeg4", {"g": "25", "bf": "2", "qmin": "6", "qmax": "12"}),
    ("VP9, a key every 128 frames", "libvpx-vp9", {"g": "128", "deadline": "realtime", "cpu-used": "8", "b": "4M"}),
)

TIME = """
import json, sys, time
import cv2
from cocadesk.media.clips import open_clip

path, taken, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

def by_opencv():
    capture = cv2.VideoCapture(path)
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    for i in range(taken):
        capture.set(cv2.CAP_PROP_POS_FRAMES, (2 * i + 1) * count // (2 * taken))
        found, frame = capture.read()
        assert found
        cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    capture.release()

def ours():
    assert len(open_clip(path, taken).frames) == taken

def seconds(work):
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun

print(json.dumps([(seconds(by_opencv), seconds(ours)) for _ in range(repeats + 1)][1:]))
"""

PEAK = """
import json, sys
from cocadesk.media.clips import open_clip

def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

before = status("VmRSS")
clip = open_clip(sys.argv[1], int(sys.argv[2]))
print(json.dumps([status("VmHWM") - before, sum(frame.pixels.nbytes for frame in clip.frames)]))
"""


def rows() -> list[Row]:
    """Time against OpenCV for several ways of coding, then memory."""
    result = []
    with TemporaryDirectory(prefix="cocadesk-video-") as folder:
        for number, (what, codec, options) in enumerate(KINDS):
            path = video(Path(folder) / f"{number}.mkv", codec=codec, frames=moving(), options=options)
            turns = _child(TIME, path, TAKEN, REPEATS)
            ratio = median(theirs / own for theirs, own in turns)
            name = f"{TAKEN} of {FRAMES} frames of 1080p, {what}: at least so many times as fast as OpenCV's seeks"
            result.append(Row(name, ratio, 1.0, ratio >= 1.0))
        peak, kept = _child(PEAK, path, TAKEN)
        name = f"the same: at most so much more memory than the {kept / 1e6:.0f} MB of the frames kept"
        result.append(Row(name, (peak - kept) / 1e6, CONSTANT_BYTES / 1e6, peak - kept <= CONSTANT_BYTES, "MB"))
        return result


def moving() -> Iterator[npt.NDArray[np.uint8]]:
    """A camera that pans over smooth noise."""
    width, height = SIZE
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 255, (120, 240, 3), np.uint8))
    wide = np.asarray(coarse.resize((width + 2 * FRAMES, height), Image.Resampling.BICUBIC))
    return (np.ascontiguousarray(wide[:, 2 * at : 2 * at + width]) for at in range(FRAMES))


def _child(script: str, *arguments: object) -> Any:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=Path(__file__).parents[2])
    return json.loads(done.stdout)
