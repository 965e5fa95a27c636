"""Videos, through FFmpeg's libraries: frames by their index and in order, whatever the container claims."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, dropwhile, groupby, islice
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from cocadesk.errors import InputError
from cocadesk.media.clips import ClipInfo, FrameTimes
from cocadesk.media.files import MEGAPIXEL, check_name
from cocadesk.media.image import MAX_PIXELS
from cocadesk.media.video_frame import Frame, shown_size
from cocadesk.media.video_stream import UNDECODABLE, format_name, open_stream, packets_of
from cocadesk.media.video_table import FrameTable, read_table
from cocadesk.types import CancelToken

logger = logging.getLogger(__name__)

Packets = Iterator["av.Packet[VideoStream]"]

_FIRST_PACKETS = 1000
"""How far into a damaged video to look for a first frame."""
_SHORTFALL = 0.02
"""What part of the length that a header claims may be missing before it is said, beside a second."""


class VideoFile:
    """An open video; implements `clips.ClipFile`, whose methods are told about there.

    Counts and lengths in headers are not trusted beyond the first glance: indices and times come from the packets' own
    timestamps. AVI has none but the order of decoding, so there frames are counted as they come out (`_counted_out`).

    Raises:
        InputError: if the file is missing, unreadable, not a video, without pictures, in an unknown coding, damaged
            beyond its first frame, or larger than `MAX_PIXELS`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = check_name(path)
        self.notes: list[str] = []
        self._table: FrameTable | None = None
        self._open()
        try:
            self._tick = float(self._stream.time_base or 1)
            self._by_decoding = self._container.format.name == "avi"
            self._origin, self._first = self._find_first()
            self.info = self._describe()
        except BaseException:
            self._container.close()
            raise

    def first(self) -> Frame:
        """The first frame that can be decoded."""
        return self._shot(self._first, 0.0)

    def times(self, cancel: CancelToken | None = None) -> FrameTimes:
        return self._count(cancel).times

    def frames_at(self, indices: Sequence[int], cancel: CancelToken | None = None) -> Iterator[tuple[int, Frame]]:
        table = self._count(cancel)
        for key, group in groupby(indices, key=table.key_before):
            stamps = {int(table.stamps[index]): index for index in group}
            for stamp, frame in self._decoded_at(table, key, frozenset(stamps), cancel or CancelToken()):
                index = stamps.pop(stamp)
                yield index, self._shot(frame, table.times.seconds(index))
            for index in stamps.values():
                self._note(f"Frame {index} cannot be decoded and was left out.")

    def play(self, seconds: float = 0.0) -> Iterator[Frame]:
        held: Frame | None = None
        for frame in self._counted_from(seconds) if self._by_decoding else self._stamped_from(seconds):
            if held is not None and frame.seconds > seconds:
                yield held
            held = frame
        if held is not None:
            yield held

    def close(self) -> None:
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _shot(self, frame: VideoFrame, seconds: float) -> Frame:
        return Frame(frame, seconds, (self.info.width, self.info.height))

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)
            logger.info("%s: %s", self._path, sentence)

    # Opening and counting

    def _open(self) -> None:
        self._container, self._stream = open_stream(self._path)
        self._stream.thread_type = "AUTO"

    def _find_first(self) -> tuple[int, VideoFrame]:
        """The first frame and its timestamp, from which all times are counted."""
        width, height = self._stream.codec_context.width, self._stream.codec_context.height
        if width * height > MAX_PIXELS:
            raise InputError(
                f"Its frames have {width} × {height} pixels, more than the limit of "
                f"{MAX_PIXELS // MEGAPIXEL} megapixels. Scale it down first."
            )
        packets = islice(packets_of(self._container, self._stream), _FIRST_PACKETS)
        found = next(self._decoded(packets), None)
        if found is None:
            raise InputError(UNDECODABLE)
        return found.pts or found.dts or 0, found

    def _describe(self) -> ClipInfo:
        stream = self._stream
        width, height = shown_size(self._first, float(stream.sample_aspect_ratio or 1))
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        length = stream.duration * self._tick if stream.duration else (self._container.duration or 0) / av.time_base
        return ClipInfo(
            name=self._path,
            width=width,
            height=height,
            format=format_name(self._container.format.name, self._path),
            codec=stream.codec_context.codec.canonical_name,
            frames=max(1, stream.frames or round(length * rate)),
            seconds=max(length, 0.0),
            rate=rate,
        )

    def _count(self, cancel: CancelToken | None) -> FrameTable:
        if self._table is None:
            self._table = read_table(self._path, by_decoding=self._by_decoding, cancel=cancel or CancelToken())
            claimed, found = self.info.seconds, self._table.times.length
            if found < claimed * (1 - _SHORTFALL) - 1:
                self._note(f"It ends after {found:.1f} of {claimed:.1f} seconds: it seems to be cut off.")
        return self._table

    # Decoding

    def _decoded_at(
        self, table: FrameTable, key: int, stamps: frozenset[int], cancel: CancelToken
    ) -> Iterator[tuple[int, VideoFrame]]:
        """Decode from that key on, no further than needed; the frames with these timestamps, and those."""
        if self._by_decoding:
            found = self._counted_out(table, key, cancel)
        else:
            found = _stamped(self._decoded(self._needed(self._seek(table, key), stamps, cancel)))
        left = set(stamps)
        for stamp, frame in found:
            if stamp in left:
                left.discard(stamp)
                yield stamp, frame
            if not left:
                return

    def _needed(self, packets: Packets, stamps: frozenset[int], cancel: CancelToken) -> Packets:
        """The packets up to the last one that is asked for; what nothing else is made from is not decoded."""
        last = max(stamps)
        unfed = set(stamps)
        for packet in packets:
            cancel.check()
            skips = packet.pts is not None and packet.pts < last and packet.pts not in stamps
            self._stream.codec_context.skip_frame = "NONREF" if skips else "DEFAULT"
            yield packet
            unfed.discard(last if packet.pts is None else packet.pts)
            if not unfed:
                return

    def _counted_out(self, table: FrameTable, key: int, cancel: CancelToken) -> Iterator[tuple[int, VideoFrame]]:
        """Frames from a key on with the timestamps that belong to their place, where packets tell the order of decoding
        only.

        A key may be shown behind frames that follow it in that order, and a decoder that begins with it may drop those.
        So decoding begins a key earlier: all packets before the key are shown before any other, which makes the first
        frame that comes from the key or a later packet the one with the key's index.
        """
        begin = int(table.stamps[table.keys[key]])
        place = int(table.keys[key]) if key == 0 else None
        for frame in self._decoded(self._numbered(self._seek(table, max(key - 1, 0)), cancel)):
            if place is None and isinstance(frame.opaque, int) and frame.opaque >= begin:
                place = int(table.keys[key])
            if place is not None and place < len(table.stamps):
                yield int(table.stamps[place]), frame
                place += 1

    def _numbered(self, packets: Packets, cancel: CancelToken) -> Packets:
        """The packets, each handing its decoding time on to the frame that is made of it."""
        self._stream.codec_context.copy_opaque = True
        for packet in packets:
            cancel.check()
            packet.opaque = packet.dts
            yield packet

    def _counted_from(self, seconds: float) -> Iterator[Frame]:
        """`play` by counting."""
        table = self._count(None)
        key = table.key_before(table.times.index_at(seconds))
        for stamp, frame in self._counted_out(table, key, CancelToken()):
            yield self._shot(frame, table.times.seconds(int(np.searchsorted(table.stamps, stamp))))

    def _stamped_from(self, seconds: float) -> Iterator[Frame]:
        """`play` by timestamps, from a frame that is shown at or before that time; needs no table."""
        back = 0.0
        while True:
            target = max(seconds - back, 0.0)
            self._container.seek(self._origin + int(target / self._tick), stream=self._stream)
            self._stream.codec_context.skip_frame = "DEFAULT"
            frames = (
                self._shot(frame, max((stamp - self._origin) * self._tick, 0.0))
                for stamp, frame in _stamped(self._decoded(packets_of(self._container, self._stream)))
            )
            first = next(frames, None)
            if first is not None and (first.seconds <= seconds or target == 0):
                yield first
                yield from frames
                return
            if target == 0:
                return
            back = 2 * back + 1  # seconds

    def _seek(self, table: FrameTable, key: int) -> Packets:
        """Packets from that key on, or from an earlier one where the container does not get there."""
        for tried in range(key, -1, -1):
            self._container.seek(int(table.seeks[tried]), stream=self._stream)
            # Some containers get only near it, and a packet behind the key may be shown before it.
            packets = dropwhile(lambda packet: not packet.is_keyframe, packets_of(self._container, self._stream))
            first = next(packets, None)
            stamp = None if first is None else first.dts if self._by_decoding or first.pts is None else first.pts
            if first is not None and stamp is not None and stamp <= table.seeks[tried]:
                return chain([first], packets)
        self._container.close()
        self._open()
        return packets_of(self._container, self._stream)

    def _decoded(self, packets: Packets) -> Iterator[VideoFrame]:
        """Frames in the order they are shown; those that are damaged, or come from damaged packets, are left out."""
        for packet in packets:
            try:
                yield from (frame for frame in packet.decode() if not frame.is_corrupt)
            except av.error.FFmpegError as error:
                logger.debug("A packet of %s cannot be decoded: %s", self._path, error)
        with suppress(av.error.FFmpegError):  # the decoder has none left after the end of the file
            yield from (frame for frame in self._stream.codec_context.decode(None) if not frame.is_corrupt)


def _stamped(frames: Iterator[VideoFrame]) -> Iterator[tuple[int, VideoFrame]]:
    for frame in frames:
        stamp = frame.pts if frame.pts is not None else frame.dts
        if stamp is not None:
            yield stamp, frame
