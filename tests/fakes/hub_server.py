"""A small Hugging Face hub on 127.0.0.1, with a second port that stores the large files, and faults on demand."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

RESOLVE = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<name>.+)")
PIECE = 16_384


@dataclass(frozen=True)
class Seen:
    """A request as it arrived; `host` is "hub" or "store", names of headers are in lower case."""

    host: str
    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Fault:
    """What goes wrong with the next requests that it applies to.

    Attributes:
        times: How many requests; each uses up one.
        host: "hub", "store", or "" for whichever sends the bytes.
        method: "GET" or "HEAD".
        status: Answer with this alone, with `headers` and `code` (the hub's X-Error-Code).
        cut_after: Close the connection after so many bytes of the body.
        stall_after: Send nothing more after so many bytes of the body.
        content: Send these bytes, with an ETag of their own, in place of the file's.
        no_ranges: Answer 200 with everything, whatever range was asked for.
        blind: Ignore If-Range, and send no ETag.
        before: Called before the answer: changes the file, or takes its time.
    """

    times: int = 1
    host: str = ""
    method: str = "GET"
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    code: str = ""
    cut_after: int | None = None
    stall_after: int | None = None
    content: bytes | None = None
    no_ranges: bool = False
    blind: bool = False
    before: Callable[[], object] | None = None


NO_FAULT = Fault()


@dataclass
class Stored:
    content: bytes
    large: bool

    @property
    def etag(self) -> str:
        """What the hub calls the content: SHA-256 of large files, git's blob hash of small ones."""
        if self.large:
            return hashlib.sha256(self.content).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(self.content) + self.content).hexdigest()

    @property
    def store_etag(self) -> str:
        """The store has ETags of its own."""
        return hashlib.md5(self.content).hexdigest()


class HubServer:
    """Repositories, faults to come and requests that came.

    Attributes:
        url: For `HF_ENDPOINT`.
        commit: The newest commit; the same for all repositories.
        token: If set, what "Authorization" must carry on the hub.
        pinned: Whether older commits keep their content, as on the real hub.
    """

    def __init__(self, url: str, store_url: str) -> None:
        self.url = url
        self.store_url = store_url
        self.commit = "c" * 39 + "0"
        self.token: str | None = None
        self.pinned = True
        self.seen: list[Seen] = []
        self.stopped = threading.Event()
        self.commits: dict[tuple[str, str, str], Stored] = {}
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, repo: str, name: str, content: bytes, *, large: bool = True) -> Stored:
        """Put a file into the newest commit."""
        stored = self.commits[repo, self.commit, name] = Stored(content, large)
        return stored

    def change(self, repo: str, name: str, content: bytes) -> Stored:
        """A new commit in which this file is another one."""
        old, self.commit = self.commit, self.commit[:-1] + format(int(self.commit[-1], 16) + 1, "x")
        for (a_repo, commit, a_name), stored in list(self.commits.items()):
            if commit == old:
                self.commits[a_repo, self.commit, a_name] = stored
        stored = self.add(repo, name, content, large=self.commits[repo, old, name].large)
        if not self.pinned:
            self.commits[repo, old, name] = stored
        return stored

    def fail(self, *faults: Fault) -> None:
        """Let these go wrong, in this order."""
        self._faults += faults

    def take_fault(self, host: str, method: str, *, sends_bytes: bool) -> Fault:
        """The fault of this request, used up."""
        with self._lock:
            for fault in self._faults:
                if fault.method == method and (fault.host == host or (not fault.host and sends_bytes)):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                    return fault
        return NO_FAULT

    def gets(self, host: str = "store") -> list[Seen]:
        return [seen for seen in self.seen if seen.host == host and seen.method == "GET"]


@contextmanager
def running_hub() -> Iterator[HubServer]:
    """A hub that answers until the context ends; requests that stall end with it."""
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), _handler(host)) for host in ("hub", "store")]
    urls = [f"http://127.0.0.1:{server.server_port}" for server in servers]
    hub = HubServer(*urls)
    threads = []
    for server in servers:
        server.daemon_threads = True
        server.hub = hub  # type: ignore[attr-defined]
        threads.append(threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True))
        threads[-1].start()
    try:
        yield hub
    finally:
        hub.stopped.set()
        for server in servers:
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()


def _handler(host: str) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"host": host})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    host = ""

    @property
    def hub(self) -> HubServer:
        return self.server.hub  # type: ignore[attr-defined, no-any-return]

    def log_message(self, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.hub.seen.append(Seen(self.host, self.command, self.path, headers))
        stored = self._find()
        sends_bytes = self.host == "store" or (stored is not None and not stored.large)
        fault = self.hub.take_fault(self.host, self.command, sends_bytes=sends_bytes)
        if fault.before is not None:
            fault.before()
            stored = self._find()
        with suppress(BrokenPipeError, ConnectionResetError):
            if fault.status:
                self._status(fault.status, fault.code, fault.headers)
            elif self.hub.token and self.host == "hub" and self.headers["Authorization"] != f"Bearer {self.hub.token}":
                self._status(401, "", {"X-Error-Message": "Invalid credentials in Authorization header"})
            elif stored is None:
                self._status(404, self._missing(), {})
            elif self.host == "hub" and stored.large:
                self._redirect(stored)
            else:
                self._send(stored, fault)

    def _find(self) -> Stored | None:
        if self.host == "store":
            etag = self.path.split("?")[0].strip("/")
            return next((stored for stored in self.hub.commits.values() if stored.etag == etag), None)
        match = RESOLVE.fullmatch(unquote(self.path))
        if match is None:
            return None
        commit = self.hub.commit if match["revision"] == "main" else match["revision"]
        return self.hub.commits.get((match["repo"], commit, match["name"]))

    def _missing(self) -> str:
        match = RESOLVE.fullmatch(unquote(self.path))
        if match is None or not any(repo == match["repo"] for repo, _, _ in self.hub.commits):
            return "RepoNotFound"
        known = {"main", *(commit for repo, commit, _ in self.hub.commits if repo == match["repo"])}
        return "EntryNotFound" if match["revision"] in known else "RevisionNotFound"

    def _status(self, status: int, code: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"X-Error-Code": code} if code else {}).items() | headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _redirect(self, stored: Stored) -> None:
        self.send_response(302)
        self._repo_headers()
        self.send_header("X-Linked-Size", str(len(stored.content)))
        self.send_header("X-Linked-Etag", f'"{stored.etag}"')
        self.send_header("Location", f"{self.hub.store_url}/{stored.etag}?signature=once")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _repo_headers(self) -> None:
        match = RESOLVE.fullmatch(unquote(self.path))
        if match is not None:
            self.send_header("X-Repo-Commit", self.hub.commit if match["revision"] == "main" else match["revision"])

    def _send(self, stored: Stored, fault: Fault) -> None:
        if fault.content is not None:
            stored = Stored(fault.content, stored.large)
        content = stored.content
        etag = f'"{stored.store_etag if self.host == "store" else stored.etag}"'
        start = self._range_start(etag, fault)
        if start is not None and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200 if start is None else 206)
        if start is not None:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if not fault.blind:
            self.send_header("ETag", etag)
        self._repo_headers()
        body = content[start or 0 :]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self._send_body(body, fault)

    def _range_start(self, etag: str, fault: Fault) -> int | None:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked is None or fault.no_ranges:
            return None
        condition = self.headers.get("If-Range", etag)
        return int(asked[1]) if condition == etag or fault.blind else None

    def _send_body(self, body: bytes, fault: Fault) -> None:
        limits = [limit for limit in (fault.cut_after, fault.stall_after) if limit is not None]
        body = body[: min(limits, default=len(body))]
        for at in range(0, len(body), PIECE):
            self.wfile.write(body[at : at + PIECE])
        if fault.stall_after is not None:
            self.hub.stopped.wait(20)
        if limits:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
