"""Asking the hub what a file is: which of a card's files it has, its commit, size and checksum.

The requests go through clients of our own rather than through `huggingface_hub`'s shared session, which keeps offline
mode and proxies as they were when it was first used, has no time limits and cannot be interrupted. Addresses, headers,
the stored token and the reading of the hub's error codes are that library's.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import httpx2
from huggingface_hub import constants, get_token, hf_hub_url
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]  # public by its docs

from cocadesk import __version__
from cocadesk.catalog.hub_cache import BRANCH, COMMIT, HASH, HubSettings, is_switched_on, token_file
from cocadesk.catalog.hub_errors import REQUEST_ERRORS, explain, is_missing_file, wait_before_retry
from cocadesk.catalog.progress import Patience
from cocadesk.errors import DownloadError
from cocadesk.types import CancelToken

COMMIT_HEADER = constants.HUGGINGFACE_HEADER_X_REPO_COMMIT
ETAG_HEADER = constants.HUGGINGFACE_HEADER_X_LINKED_ETAG
SIZE_HEADER = constants.HUGGINGFACE_HEADER_X_LINKED_SIZE

MAX_REDIRECTS = 10
ASK_TRIES = 3


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file as the hub has it now.

    Attributes:
        repo: "organisation/name" on the hub.
        name: Path of the file in the repository.
        commit: Newest commit of the branch "main".
        etag: SHA-256 of the content, or git's blob SHA-1 for a small file.
        size: Bytes.
    """

    repo: str
    name: str
    commit: str
    etag: str
    size: int

    def url(self, endpoint: str) -> str:
        """Address of the content at this commit, which later commits do not change."""
        return hf_hub_url(self.repo, self.name, revision=self.commit, endpoint=endpoint)


def open_client(patience: Patience) -> httpx2.Client:
    """A client with time limits; proxies and certificates are those that the environment names now."""
    limits = httpx2.Timeout(patience.stall_s, connect=patience.connect_s)
    certificates = _certificates(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    return httpx2.Client(timeout=limits, max_redirects=MAX_REDIRECTS, verify=certificates)


@cache
def _certificates(file: str | None, folder: str | None) -> ssl.SSLContext:
    # Reading the certificates takes as long as all else about a request; the arguments are what httpx reads itself.
    return httpx2.create_ssl_context()


def request_headers() -> dict[str, str]:
    """User agent and token; the bytes are wanted as they are, so that sizes and ranges mean the file's own.

    Raises:
        DownloadError: if there is a token that cannot be read or cannot be one.
    """
    try:
        token = _read_token()
    except (OSError, UnicodeDecodeError) as error:
        raise DownloadError(
            f"The Hugging Face token cannot be read ({error}). Log in again with “hf auth login”."
        ) from error
    if token and not (token.isascii() and token.isprintable()):
        raise DownloadError("The Hugging Face token has characters in it that no token has. Copy it again: HF_TOKEN.")
    headers = build_hf_headers(token=token or False, library_name="cocadesk", library_version=__version__)
    return headers | {"Accept-Encoding": "identity"}


def _read_token() -> str | None:
    if is_switched_on("HF_HUB_DISABLE_IMPLICIT_TOKEN"):
        return None
    token = os.environ.get("HF_TOKEN") or os.environ.get("HUGGING_FACE_HUB_TOKEN")
    if not token and token_file() == Path(constants.HF_TOKEN_PATH):
        token = get_token()  # it renews a log-in that is about to end as well
    elif not token and token_file().is_file():
        token = token_file().read_text(encoding="utf-8")  # HF_HOME was set after huggingface_hub had been imported
    return token.strip() if token else None


def find_file(
    settings: HubSettings, repo: str, names: Sequence[str], patience: Patience, cancel: CancelToken
) -> HubFile:
    """The first of these files that the repository has.

    Raises:
        DownloadError: if it has none, or cannot be asked.
        Cancelled: between two tries, once `cancel` is set.
    """
    for name in names:
        found = _ask(settings, repo, name, patience, cancel)
        if found is not None:
            return found
    raise DownloadError(
        f"There is no {' and no '.join(names)} in “{repo}” at {settings.endpoint}. Its owner may have renamed it: "
        "a newer CocaDesk may know the new name, or use a local copy."
    )


def _ask(settings: HubSettings, repo: str, name: str, patience: Patience, cancel: CancelToken) -> HubFile | None:
    patience = replace(patience, tries=min(patience.tries, ASK_TRIES))
    failures = 0
    while True:
        cancel.check()
        try:
            return _read_file_headers(settings, repo, name, patience)
        except REQUEST_ERRORS as error:
            if is_missing_file(error):
                return None
            failures += 1
            wait_s = wait_before_retry(error, failures, patience)
            # Without a network the user learns so at once, where a download under way would wait for it to return.
            if wait_s is None or isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
                raise explain(error, repo, settings.endpoint) from error
        cancel.wait(wait_s)


def _read_file_headers(settings: HubSettings, repo: str, name: str, patience: Patience) -> HubFile:
    url = hf_hub_url(repo, name, revision=BRANCH, endpoint=settings.endpoint)
    with open_client(patience) as client:
        request = client.build_request("HEAD", url, headers=request_headers(), timeout=patience.connect_s)
        for _ in range(MAX_REDIRECTS):
            response = client.send(request)
            hf_raise_for_status(response)
            # A redirect to the store of large files says all about the file itself, and the store's signed address
            # may be good for GET only. Other redirects, such as a renamed repository's, are followed; httpx takes the
            # token out of a request to another host.
            if response.next_request is None or ETAG_HEADER in response.headers:
                return _hub_file(repo, name, response, settings.endpoint)
            request = response.next_request
    raise httpx2.TooManyRedirects(f"More than {MAX_REDIRECTS} redirects", request=request)


def _hub_file(repo: str, name: str, response: httpx2.Response, endpoint: str) -> HubFile:
    commit = response.headers.get(COMMIT_HEADER, "")
    etag = content_etag(response)
    size = response.headers.get(SIZE_HEADER) or response.headers.get("Content-Length") or ""
    if not (COMMIT.fullmatch(commit) and HASH.fullmatch(etag) and size.isdecimal()):
        raise DownloadError(
            f"What answers at {endpoint} is not a Hugging Face hub: it does not say the commit, size and checksum of "
            f"{name}. Check HF_ENDPOINT, and whether this network wants a log-in or a proxy first."
        )
    return HubFile(repo, name, commit, etag, int(size))


def content_etag(response: httpx2.Response) -> str:
    """The hub's hash of a file's content from its answer, without quotes and weakness mark; empty if it gave none."""
    etag = response.headers.get(ETAG_HEADER) or response.headers.get("ETag") or ""
    return etag.removeprefix("W/").strip('"')
