"""What the tests of downloads do again and again."""

from __future__ import annotations

import hashlib

import pytest

from cocadesk.catalog.download import DownloadPlan, download, plan
from cocadesk.catalog.progress import Patience, Progress
from cocadesk.errors import Cancelled, DownloadError
from cocadesk.types import CancelToken
from tests.catalog.conftest import CARD, CONTENT, QUICK, Home
from tests.fakes.hub_server import HubServer

SHA256 = hashlib.sha256(CONTENT).hexdigest()


def fetch(planned: DownloadPlan | None = None, patience: Patience = QUICK) -> list[Progress]:
    return list(download(planned or plan(CARD, patience=patience), patience=patience))


def cancel_after(size: int, planned: DownloadPlan) -> None:
    """Download until so many bytes are there, then cancel."""
    cancel = CancelToken()
    running = download(planned, cancel, patience=QUICK)
    while (event := next(running)).phase != "downloading" or event.bytes_done < size:
        pass
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(running)


def ranges(hub: HubServer, host: str = "store") -> list[str]:
    return [seen.headers.get("range", "") for seen in hub.gets(host)]


def why(planned: DownloadPlan | None = None, patience: Patience = QUICK) -> str:
    """The sentence that a download, or already its plan, ends with."""
    with pytest.raises(DownloadError) as caught:
        list(download(planned or plan(CARD, patience=patience), patience=patience))
    return str(caught.value)


def assert_whole(planned: DownloadPlan, home: Home) -> None:
    assert planned.files[0].path.read_bytes() == CONTENT
    assert home.blobs == [SHA256]
