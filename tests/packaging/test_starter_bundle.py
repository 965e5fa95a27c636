"""What travels to a machine without a network arrives as it was."""

from __future__ import annotations

from pathlib import Path

import bundle
import numpy as np
import pytest


def test_what_is_packed_is_unpacked(world: Path) -> None:
    bundle.pack(world / "bundle", wheels=())
    packed = [path for _, path, *_ in bundle._contents()]
    before = {path: dict(np.load(path)) for path in packed}
    for path in packed:
        path.unlink()
    bundle.unpack(world / "bundle")
    for path, arrays in before.items():
        after = dict(np.load(path))
        assert after.keys() == arrays.keys()
        for name, values in arrays.items():
            lossy = path.name == "cifar-train.npz" and name == "pixels"
            difference = np.abs(after[name].astype(int) - values.astype(int))
            assert after[name].shape == values.shape
            assert difference.mean() < (20 if lossy else 1e-9)


def test_unpacking_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="nothing to unpack"):
        bundle.unpack(tmp_path)
