"""All frames of a video by their packets' timestamps, whatever its header claims."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cocadesk.errors import InputError
from cocadesk.media.clips import FrameTimes, even_times
from cocadesk.media.video_stream import UNDECODABLE, open_stream, packets_of
from cocadesk.types import CancelToken

_CHECK_EVERY = 256


@dataclass(frozen=True, slots=True)
class FrameTable:
    """Where the frames of a video are.

    Attributes:
        times: When they are shown, in that order.
        stamps: Their timestamps in the stream's time base, ascending.
        keys: Indices of the frames at which decoding can begin, ascending, the first one 0.
        seeks: For each key, the timestamp to seek to.
    """

    times: FrameTimes
    stamps: npt.NDArray[np.int64]
    keys: npt.NDArray[np.int64]
    seeks: npt.NDArray[np.int64]

    def key_before(self, index: int) -> int:
        """Number of the last key at or before that frame."""
        return int(np.searchsorted(self.keys, index, side="right")) - 1


def read_table(path: str, *, by_decoding: bool, cancel: CancelToken) -> FrameTable:
    """Read all packets of a video without decoding them.

    Args:
        by_decoding: Take decoding times for the times at which frames are shown: with as many packets as frames, both
            are the same set.

    Raises:
        Cancelled: at the first check after `cancel` was set.
        InputError: if it cannot be read or has no packets.
    """
    stamps: list[int] = []
    keys: list[int] = []
    last = 0
    container, stream = open_stream(path)
    with container:
        for number, packet in enumerate(packets_of(container, stream)):
            if number % _CHECK_EVERY == 0:
                cancel.check()
            stamp = packet.dts if by_decoding or packet.pts is None else packet.pts
            if not packet.size or packet.is_discard or stamp is None:
                continue
            stamps.append(stamp)
            last = packet.duration or last
            if packet.is_keyframe:
                keys.append(stamp)
        tick = float(stream.time_base or 1)
    if not stamps:
        raise InputError(UNDECODABLE)
    return _tabulated(np.unique(np.array(stamps, np.int64)), np.unique(np.array(keys, np.int64)), last, tick)


def _tabulated(stamps: npt.NDArray[np.int64], keys: npt.NDArray[np.int64], last: int, tick: float) -> FrameTable:
    """The table from ascending timestamps; `last` is the last frame's duration, 0 where nobody knows."""
    count = len(stamps)
    starts = stamps - stamps[0]
    duration = last or (int(np.median(np.diff(starts))) if count > 1 else 1)
    times = FrameTimes(starts, int(starts[-1]) + max(duration, 1), tick)
    step = float(starts[-1] / (count - 1)) if count > 1 else float(duration)
    if np.abs(starts - step * np.arange(count)).max() <= 1:
        # Even but for the rounding to the container's ticks, such as 30 frames a second in milliseconds.
        times = even_times(count, step * count * tick)
    key_indices = np.searchsorted(stamps, keys)
    if not len(keys) or key_indices[0] > 0:
        key_indices, keys = np.append(0, key_indices), np.append(stamps[0], keys)
    return FrameTable(times, stamps, key_indices, keys)
