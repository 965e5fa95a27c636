"""What a failed request means: whether another try makes sense, and one sentence for the user that says what to do."""

from __future__ import annotations

from urllib.request import getproxies

import httpx2
from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import parse_ratelimit_headers  # type: ignore[attr-defined]  # public by its docs

from cocadesk.catalog.progress import Patience
from cocadesk.errors import DownloadError

PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
LOG_IN = "log in with “hf auth login” or set HF_TOKEN"

REQUEST_ERRORS = (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, ImportError)
"""What a request can fail by: httpx raises `ValueError` and `ImportError` for a proxy it cannot use."""


def is_missing_file(error: Exception) -> bool:
    """Whether the repository is there and this file is not."""
    if isinstance(error, RemoteEntryNotFoundError):
        return True
    # A mirror may leave out the hub's error codes.
    return type(error) is HfHubHTTPError and error.response.status_code == 404


def wait_before_retry(error: Exception, failures: int, patience: Patience) -> float | None:
    """Seconds until the next try makes sense after that many failures in a row; None if none does."""
    if failures >= patience.tries:
        return None
    if isinstance(error, HfHubHTTPError):
        if error.response.status_code not in PASSING_STATUS:
            return None
        asked_s = _asked_wait_s(error.response)
        if asked_s is not None:
            return asked_s if asked_s <= patience.obeyed_wait_s else None
    elif not isinstance(error, httpx2.TransportError) or isinstance(
        error, httpx2.ProxyError | httpx2.UnsupportedProtocol
    ):
        return None
    return patience.wait_s(failures)


def _asked_wait_s(response: httpx2.Response) -> float | None:
    limit = parse_ratelimit_headers(response.headers)
    if response.status_code == 429 and limit is not None and limit.remaining == 0:
        return float(limit.reset_in_seconds)
    asked = response.headers.get("Retry-After", "")
    return float(asked) if asked.isdecimal() else None


def explain(error: Exception, repo: str, endpoint: str) -> DownloadError:
    """The error to show for one of `REQUEST_ERRORS`."""
    match error:
        case HfHubHTTPError():
            sentence = _explain_answer(error, repo, endpoint)
        case HFValidationError() | httpx2.UnsupportedProtocol() | httpx2.InvalidURL():
            sentence = f"“{endpoint}/{repo}” is not the address of a repository. Check HF_ENDPOINT."
        case httpx2.ProxyError() | ImportError() | ValueError():
            sentence = f"The proxy cannot be used ({error}). Check HTTPS_PROXY, ALL_PROXY and NO_PROXY."
        case httpx2.ConnectError() | httpx2.ConnectTimeout():
            why = str(error) or "no answer"
            proxy = " and the proxy (HTTPS_PROXY, ALL_PROXY, NO_PROXY)" if getproxies() else ""
            sentence = f"Cannot reach {endpoint} ({why}). Check the network connection{proxy} and try again."
        case httpx2.TimeoutException():
            sentence = f"Nothing more came from {_host(error)}. Check the network connection and try again."
        case httpx2.TooManyRedirects():
            sentence = f"{endpoint} sends requests around in circles. Check HF_ENDPOINT, or try again later."
        case httpx2.RequestError():
            sentence = f"The connection to {_host(error)} broke ({describe(error)}). Try again."
        case _:
            sentence = f"Cannot ask {endpoint} ({error}). Check the network settings and try again."
    return DownloadError(sentence)


def _explain_answer(error: HfHubHTTPError, repo: str, endpoint: str) -> str:
    match error:
        case GatedRepoError():
            return f"“{repo}” is gated: accept its conditions at {endpoint}/{repo}, then {LOG_IN}."
        case DisabledRepoError():
            return f"The hub has blocked “{repo}”. See {endpoint}/{repo}, or take another model."
        case RepositoryNotFoundError():
            return f"There is no repository “{repo}” at {endpoint}, or it is private: then {LOG_IN}."
        case RevisionNotFoundError():
            return f"“{repo}” has changed on the hub. Start the download again to get what is there now."
        case _:
            return _explain_status(error.response, repo, endpoint)


def describe(error: httpx2.HTTPError) -> str:
    """A failed request in a few words."""
    if isinstance(error, HfHubHTTPError):
        return f"the server answers {error.response.status_code}"
    return "nothing more came" if isinstance(error, httpx2.TimeoutException) else str(error).rstrip(".")


def _explain_status(response: httpx2.Response, repo: str, endpoint: str) -> str:
    status = response.status_code
    host = response.request.url.netloc.decode("ascii")
    is_hub = host == httpx2.URL(endpoint).netloc.decode("ascii")
    match status:
        case 401 if is_hub:
            sentence = f"The hub does not accept the token, or wants one for “{repo}” (401): {LOG_IN}."
        case 403 if is_hub:
            sentence = f"There is no access to “{repo}” (403): ask its owner at {endpoint}/{repo}, or {LOG_IN}."
        case 401 | 403:
            sentence = (
                f"{host}, where the file is stored, refuses it ({status}). A firewall may be in between; try later."
            )
        case 404:
            sentence = f"The file has gone from “{repo}” (404). Start the download again to get what is there now."
        case 416:
            sentence = f"{host} refuses to send the file (416). Try again later."
        case 429:
            asked_s = _asked_wait_s(response)
            when = f"in {asked_s:.0f} s" if asked_s else "later"
            sentence = (
                f"The hub has had too many requests from here (429). Try again {when}; logging in raises the limit."
            )
        case _ if status >= 500:
            sentence = f"{host} has a problem of its own ({status}). Try again later."
        case _:
            sentence = f"{host} refuses the request for “{repo}” ({status}). Try again later."
    return sentence


def _host(error: httpx2.RequestError) -> str:
    try:
        return error.request.url.host
    except RuntimeError:  # the request is not known
        return "the hub"
