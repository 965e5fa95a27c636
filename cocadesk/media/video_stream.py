"""Opening the containers of videos, and saying what is wrong with one."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from cocadesk.errors import InputError
from cocadesk.media.files import DAMAGED, check_file, why_unreadable

logger = logging.getLogger(__name__)

# FFmpeg's names of container formats, as people know them; a family of formats goes by the file's suffix.
_FORMATS = {"avi": "AVI", "mpegts": "MPEG-TS", "mpeg": "MPEG", "flv": "FLV", "asf": "WMV", "ogg": "Ogg"}
_FAMILIES = {"mov": {".mov": "MOV", ".m4v": "M4V", ".3gp": "3GP"}, "matroska": {".webm": "WebM"}}
_FAMILY_FORMATS = {"mov": "MP4", "matroska": "MKV"}

UNDECODABLE = "None of its frames can be decoded. Copy or download it again."


def open_stream(path: str) -> tuple[InputContainer, VideoStream]:
    """Open a file and find its pictures; whoever calls closes the container.

    Raises:
        InputError: if it cannot be read, is damaged, or has no pictures that can be decoded.
    """
    try:
        check_file(Path(path))
        container = av.open(path, metadata_errors="replace")
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):
            raise InputError(why_unreadable(error)) from error
        raise InputError(DAMAGED) from error
    except OSError as error:
        raise InputError(why_unreadable(error)) from error
    try:
        return container, _video_stream(container, path)
    except BaseException:
        container.close()
        raise


def _video_stream(container: InputContainer, path: str) -> VideoStream:
    cover = av.stream.Disposition.attached_pic
    streams = [stream for stream in container.streams.video if not stream.disposition & cover]
    if not streams:
        has = "It has sound but no pictures" if container.streams.audio else "There are no pictures in it"
        raise InputError(f"{has}. Choose a video that has pictures.")
    stream = next((stream for stream in streams if stream.codec_context is not None), None)
    if stream is None:
        raise InputError(
            f"Its pictures are coded as {_unknown_codec(path)}, which cannot be decoded. Convert it to H.264, say."
        )
    return stream


def _unknown_codec(path: str) -> str:
    """What FFmpeg's messages call a coding that it has no decoder for; nothing else names it."""
    av.logging.set_level(av.logging.WARNING)
    try:
        with av.logging.Capture(local=False) as lines, av.open(path):
            pass
    finally:
        av.logging.set_level(None)
    found = re.search(r"Video: (\S+)(?: \((\w+) /)?", " ".join(line for _, _, line in lines))
    names = [name.rstrip(",") for name in found.groups() if name] if found else []
    known = [f"“{name}”" for name in reversed(names) if name != "none"]
    return known[0] if known else "something unknown"


def packets_of(container: InputContainer, stream: VideoStream) -> Iterator[av.Packet[VideoStream]]:
    """The stream's packets from where the container stands; damage or the end of a cut file ends them."""
    try:
        yield from container.demux(stream)
    except av.error.FFmpegError as error:
        logger.debug("Reading ended early: %s", error)


def format_name(name: str, path: str) -> str:
    """The container's format as people know it, from FFmpeg's name and the file's suffix."""
    family = name.split(",", maxsplit=1)[0]
    if family in _FAMILIES:
        return _FAMILIES[family].get(Path(path).suffix.lower(), _FAMILY_FORMATS[family])
    return _FORMATS.get(family, family.upper())
