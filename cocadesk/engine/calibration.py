"""What this machine is good at, measured once and kept."""

from __future__ import annotations

import json
import logging
import os
import platform
import time
from collections.abc import Callable

import torch

from cocadesk import __version__
from cocadesk.engine.layers import Linear
from cocadesk.paths import cache_dir

log = logging.getLogger(__name__)

MANY_WEIGHTS = 16_000_000
"""From how many on a decoder may be worth copies in 8 bits: 64 MB in float32, more than processors cache."""
_FILE = "calibration.json"
_SIDE = 2048
_MATRICES = 6
"""Of 16 MB each in float32: together more than a processor's cache."""
_REPEATS = 5


def int8_gain() -> float:
    """How much faster one-row products with 8-bit weights are than with float32's, on the CPU.

    Measured in about half a second, once for a machine and the versions of the libraries; later calls read the figure
    from the cache folder.
    """
    import onnxruntime  # noqa: PLC0415 — only who asks for this waits for it

    machine = [platform.node(), platform.processor(), os.cpu_count(), torch.get_num_threads()]
    versions = [__version__, torch.__version__, onnxruntime.__version__]
    key = json.dumps([machine, versions])
    path = cache_dir() / _FILE
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["key"] == key:
            return float(kept["int8_gain"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not measured yet, or not readable: measure
    gain = _measure()
    log.info("Products with 8-bit weights are %.1f times as fast as with float32's", gain)
    try:
        path.write_text(json.dumps({"key": key, "int8_gain": gain}), encoding="utf-8")
    except OSError as error:
        log.warning("The calibration cannot be kept: %s", error)
    return gain


@torch.inference_mode()
def _measure() -> float:
    from cocadesk.engine.int8_graph import Graph  # noqa: PLC0415

    weights = [torch.full((_SIDE, _SIDE), 0.01 * (number + 1)) for number in range(_MATRICES)]
    x = torch.ones((1, _SIDE))
    products = [Linear(weight, None) for weight in weights]
    graph = Graph()
    value = graph.input("x", (1, _SIDE))
    for weight in weights:
        value = graph.linear(value, weight, None)
    graph.output(value, "y")
    session = graph.session()
    inputs = {"x": x.numpy()}
    return _seconds(lambda: [product(x) for product in products]) / _seconds(lambda: session.run(["y"], inputs))


def _seconds(work: Callable[[], object]) -> float:
    """The shortest of some runs, after one that does not count."""
    work()
    times = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)
