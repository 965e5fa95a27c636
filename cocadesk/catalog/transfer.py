"""Moving a file's bytes from the hub into its part file: ranges, stalls, broken connections, another try.

`huggingface_hub` 2.x throws away what arrived when a call ends early, reports every 10 MB and hears a cancel no sooner;
hence the transfer is our own.
"""

from __future__ import annotations

import queue
import re
import socket
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import suppress

import httpx2
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]  # public by its docs

from cocadesk.catalog.hub_client import COMMIT_HEADER, HubFile, content_etag, open_client, request_headers
from cocadesk.catalog.hub_errors import REQUEST_ERRORS, describe, explain, wait_before_retry
from cocadesk.catalog.part_file import PartFile
from cocadesk.catalog.progress import Patience
from cocadesk.errors import DownloadError
from cocadesk.types import CancelToken

LOOK_EVERY_S = 0.1
"""How often a download that waits looks at its cancel token."""

QUEUED_PIECES = 64
"""Of at most 64 KiB each: what may arrive while the disk is slow or the user pauses."""

Item = httpx2.Response | bytes | Exception | None
"""What a GET brings: its headers, then pieces of the body, then None at the end, or what went wrong."""

CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class BackgroundGet:
    """One GET on a thread of its own, which puts its answer, the pieces and the end into a queue.

    So the side that waits can notice a cancel or report a stall at any moment, whatever the network does. The thread
    writes nothing; one that is left while it waits for a server ends at its own time limits.
    """

    def __init__(self, file: HubFile, endpoint: str, headers: dict[str, str], patience: Patience) -> None:
        self._file = file
        self._endpoint = endpoint
        self._arrived: queue.Queue[Item] = queue.Queue(QUEUED_PIECES)
        self._left = threading.Event()
        self._socket: socket.socket | None = None
        threading.Thread(target=self._run, args=(headers, patience), name="io-download", daemon=True).start()

    def take(self) -> Item:
        """What came next.

        Raises:
            queue.Empty: if nothing has come for a moment.
        """
        return self._arrived.get(timeout=LOOK_EVERY_S)

    def leave(self) -> None:
        """Nobody listens any more: the connection is closed, also under a read that waits."""
        self._left.set()
        if self._socket is not None:
            with suppress(OSError):  # it may have closed by itself
                self._socket.shutdown(socket.SHUT_RDWR)

    def _run(self, headers: dict[str, str], patience: Patience) -> None:
        url = self._file.url(self._endpoint)
        try:
            # httpx follows the redirect to the store and takes the token out of what it sends there.
            with (
                open_client(patience) as client,
                client.stream("GET", url, headers=headers, follow_redirects=True) as response,
            ):
                self._socket = response.extensions["network_stream"].get_extra_info("socket")
                hf_raise_for_status(response)
                self._put(response)
                for piece in response.iter_raw():
                    self._put(piece)
                    if self._left.is_set():
                        return
            self._put(None)
        except Exception as error:  # noqa: BLE001 — raised again by the side that takes it
            is_setting = isinstance(error, REQUEST_ERRORS) and not isinstance(error, httpx2.HTTPError)
            self._put(explain(error, self._file.repo, self._endpoint) if is_setting else error)

    def _put(self, item: Item) -> None:
        while not self._left.is_set():
            try:
                self._arrived.put(item, timeout=LOOK_EVERY_S)
            except queue.Full:
                continue
            return


def transfer(part: PartFile, file: HubFile, endpoint: str, patience: Patience, cancel: CancelToken) -> Iterator[str]:
    """Fill `part` up to the file's size, going on at its offset: a step per piece, or per moment in which none came.

    Yields:
        "" while bytes come or are waited for; between two tries, a sentence that says why there is another.

    Raises:
        DownloadError: if it cannot go on.
        Cancelled: as soon as `cancel` is set.
        OSError: if the disk does not take the bytes.
        After each of them, `part` keeps what has arrived.
    """
    failures = 0
    furthest = part.offset
    while part.offset < part.size:
        cancel.check()
        try:
            for _ in _one_answer(part, file, endpoint, patience, cancel):
                yield ""
        except httpx2.HTTPError as error:
            # A server that breaks off at the same byte again and again gets no credit for sending the ones before.
            failures = failures + 1 if part.offset <= furthest else 1
            furthest = max(furthest, part.offset)
            wait_s = wait_before_retry(error, failures, patience)
            if wait_s is None:
                raise explain(error, file.repo, endpoint) from error
            note = f"Interrupted ({describe(error)}); trying again in {wait_s:.0f} s."
        else:
            return
        end = time.monotonic() + wait_s
        while (left_s := end - time.monotonic()) > 0:
            yield note
            cancel.wait(min(left_s, LOOK_EVERY_S))


def _one_answer(
    part: PartFile, file: HubFile, endpoint: str, patience: Patience, cancel: CancelToken
) -> Iterator[None]:
    headers = request_headers()
    if part.offset:
        headers["Range"] = f"bytes={part.offset}-"
        if part.validator:
            headers["If-Range"] = part.validator
    get = BackgroundGet(file, endpoint, headers, patience)
    try:
        while (item := (yield from _next_item(get, cancel))) is not None:
            if isinstance(item, bytes):
                if part.offset + len(item) > part.size:
                    part.restart()
                    raise httpx2.RemoteProtocolError("more bytes came than the file has")
                part.write(item)
                yield
            elif isinstance(item, httpx2.Response):
                _check_headers(item, part, file)
            elif isinstance(item, HfHubHTTPError) and item.response.status_code == 416 and part.offset:
                part.restart()
                raise httpx2.RemoteProtocolError("the server refuses to send the rest of the file") from item
            else:
                raise item
    finally:
        get.leave()
    if part.offset < part.size:
        raise httpx2.RemoteProtocolError("the answer ended early")


def _next_item(get: BackgroundGet, cancel: CancelToken) -> Generator[None, None, Item]:
    while True:
        cancel.check()
        try:
            return get.take()
        except queue.Empty:
            yield


def _check_headers(response: httpx2.Response, part: PartFile, file: HubFile) -> None:
    """See to it that the body which follows goes on from the part's last byte, or start the part over."""
    hub_answer = next((answer for answer in (*response.history, response) if COMMIT_HEADER in answer.headers), None)
    if hub_answer is not None and content_etag(hub_answer) not in {"", file.etag}:
        part.restart()
        raise DownloadError(
            f"{file.name} of “{file.repo}” has changed on the hub during the download. "
            "Start the download again to get what is there now."
        )
    etag = response.headers.get("ETag", "")
    validator = "" if etag.startswith("W/") else etag  # only a strong one promises the same bytes (RFC 9110, 13.1.5)
    if response.status_code == 206:
        sent = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        is_next = sent is not None and int(sent[1]) == part.offset and sent[2] in {"*", str(part.size)}
        if not is_next or (part.validator and validator and validator != part.validator):
            part.restart()
            raise httpx2.RemoteProtocolError("the server sent a part of another version of the file")
    elif response.status_code == 200:
        length = response.headers.get("Content-Length", "")
        if length.isdecimal() and int(length) != part.size:
            raise DownloadError(
                f"What {response.url.host} sends is not {file.name}: {int(length):,} bytes in place of {part.size:,}. "
                "Check whether this network wants a log-in or a proxy first."
            )
        if part.offset:
            part.restart()  # it cannot send ranges, or the file is not the one the range was to go on with
    else:
        raise httpx2.RemoteProtocolError(f"the server answers {response.status_code} without a file")
    part.remember_validator(validator)
