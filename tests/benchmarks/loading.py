"""Loading coca-vit-b-32 on the CPU against reading its file once, and the memory that loading and unloading take.

The file has seeded weights in float32 (and again in float16), 1.01 and 0.51 GB. Reading is `readinto` with one buffer
of 16 MB, and loading includes touching every page of the weights. Both are medians of repeats that take turns; what a
process takes is measured in one of its own. A file that is not in the page cache can be had on Linux only.

From the disk, loading keeps pace with reading: the file is read ahead while the modules are built. From the page cache
reading 1 GB takes 0.1 s, and what loading does besides takes as long again: 0.05 s for the modules, 0.06 s for the
tokenizer, 0.07 s for laying out the matrix to the vocabulary, 0.07 s for the page faults. Conversion to another number
format has to write the result as well.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.benchmarks.row import Row

MODEL = "coca-vit-b-32"
LARGE = "coca-vit-l-14"
REPEATS = 7
WHY = (
    "reading 1 GB that is in memory already takes 0.12 s; building the modules, the tokenizer, the vocabulary's matrix "
    "and page faults take 0.25 s beside it, and a conversion writes what it makes"
)
CONSTANT_BYTES = 40_000_000
"""The tokenizer, the modules without weights, and the room for converting a piece: beside the weights."""

PREAMBLE = """
import gc, json, os, sys, time
from pathlib import Path
from statistics import median
import numpy as np
import torch
from cocadesk import engine
from cocadesk.engine import coca
from cocadesk.engine.memory import give_back
from cocadesk.types import CaptionOptions, Picture

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))

def touch(model):
    for weight in model.module.parameters():
        if weight.is_contiguous():  # what is laid out otherwise has been written just now
            weight.flatten()[::512].sum()
"""

WRITE = """
from safetensors.torch import save_file
model, folder, dtypes = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
state = engine.load(model, device="cpu", dtype="float32", untrained=True).module.state_dict()
for dtype in dtypes:
    converted = {name: array.to(getattr(torch, dtype)).contiguous() for name, array in state.items()}
    save_file(converted, folder / f"{dtype}.safetensors")
"""

TIME = """
model, file, dtype, cold, repeats = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4] == "cold", int(sys.argv[5])
buffer = bytearray(16 << 20)

def forget():
    if cold:
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)

def read():
    with open(file, "rb", buffering=0) as stream:
        while stream.readinto(buffer):
            pass

def load():
    touch(engine.load(model, device="cpu", dtype=dtype, checkpoint=file))

def seconds(work):
    forget()
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun

turns = [(seconds(read), seconds(load)) for _ in range(repeats + 1)][1:]
print(json.dumps([median(turn[which] for turn in turns) for which in (0, 1)]))
"""

PEAK = """
model, file, dtype = sys.argv[1:]
before = status("VmRSS")
loaded = engine.load(model, device="cpu", dtype=dtype, **({"checkpoint": file} if file else {"untrained": True}))
touch(loaded)
print(json.dumps([status("VmHWM") - before, loaded.weight_bytes]))
"""

UNLOAD = """
model = sys.argv[1]
picture = Picture("noise", np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8))

def use(name):
    loaded = engine.load(name, device="cpu", dtype="float32", untrained=True)
    for _ in loaded.caption(picture, CaptionOptions(max_tokens=5)):
        pass
    return status("VmRSS")

use("starter-coca")  # what the libraries keep after their first use is no model's
give_back()
before = status("VmRSS")
during = use(model)
give_back()
print(json.dumps([before, during, status("VmRSS")]))
"""


def rows() -> list[Row]:
    """Time and memory of loading, memory after unloading."""
    with TemporaryDirectory(prefix="cocadesk-loading-") as folder:
        _child(WRITE, MODEL, folder, "float32", "float16")
        whole, half = (str(Path(folder) / f"{dtype}.safetensors") for dtype in ("float32", "float16"))
        return [
            _time("float32, file in the page cache", whole, "float32"),
            _time("float32, file not in the page cache", whole, "float32", "cold"),
            _time("float32 to bfloat16, file in the page cache", whole, "bfloat16"),
            _time("float16 to float32, file in the page cache", half, "float32"),
            _peak("float32, mapped", whole, "float32"),
            _peak("float32 to bfloat16", whole, "bfloat16"),
            _peak("float16 to float32", half, "float32"),
            _peak("float32, untrained", "", "float32"),
            *(unload(model) for model in (MODEL, LARGE)),
        ]


def _time(what: str, file: str, dtype: str, cache: str = "warm") -> Row:
    read, load = _child(TIME, MODEL, file, dtype, cache, str(REPEATS))
    name = f"Loading {MODEL}, {what}: at most so many times reading the file once ({read:.2f} s)"
    return Row(name, load / read, 1.3, load <= 1.3 * read, why=WHY)


def _peak(what: str, file: str, dtype: str) -> Row:
    peak, weights = _child(PEAK, MODEL, file, dtype)
    ratio = (peak - CONSTANT_BYTES) / weights
    name = f"Loading {MODEL}, {what}: at most so many times its weights of memory, beside {CONSTANT_BYTES / 1e6:.0f} MB"
    return Row(name, ratio, 1.15, ratio <= 1.15)


def unload(model: str) -> Row:
    before, during, after = _child(UNLOAD, model)
    name = (
        f"{model} untrained, loaded, used and unloaded: at most so much more memory than before "
        f"({before / 1e6:.0f} MB, meanwhile {during / 1e6:.0f} MB)"
    )
    return Row(name, (after - before) / 1e6, 40.0, after - before <= 40_000_000, "MB")


def _child(script: str, *arguments: str) -> Any:
    """What a script prints as JSON in a process of its own; None if it prints nothing."""
    command = [sys.executable, "-c", PREAMBLE + script, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=Path(__file__).parents[2])
    return json.loads(done.stdout) if done.stdout else None
