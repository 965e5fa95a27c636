"""Downloads that meet trouble: what can be mended is, the rest ends in one sentence that says what to do."""

from __future__ import annotations

import socket
import time
from dataclasses import replace

import pytest

from cocadesk.catalog.download import download, plan
from cocadesk.errors import DownloadError, ModelError
from tests.catalog.conftest import CARD, CONTENT, HASTY, PICKLE, QUICK, REPO, SAFE, Home, card_of
from tests.catalog.steps import SHA256, assert_whole, cancel_after, fetch, ranges, why
from tests.fakes.hub_server import Fault, HubServer

OTHER = CONTENT[::-1]
PORTAL = b"<!DOCTYPE html><title>Please log in to the hotel's network</title>"


# Trouble that passes


def test_a_cut_connection_is_taken_up_again(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    hub.fail(Fault(cut_after=100_000), Fault(cut_after=0), Fault(cut_after=150_000))
    events = fetch(planned)
    assert_whole(planned, home)
    assert ranges(hub) == ["", "bytes=100000-", "bytes=100000-", "bytes=250000-"]
    notes = {event.note for event in events if event.phase == "retrying"}
    assert notes
    assert all("trying again in" in note for note in notes)
    assert [event.bytes_done for event in events] == sorted(event.bytes_done for event in events)


def test_a_stall_is_taken_up_again(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    hub.fail(Fault(stall_after=100_000))
    events = fetch(planned, HASTY)
    assert_whole(planned, home)
    assert ranges(hub) == ["", "bytes=100000-"]
    assert any("nothing more came" in event.note for event in events)
    stalled = [event for event in events if event.phase == "downloading" and event.bytes_done == 100_000]
    assert len(stalled) > 3  # the user sees that it is alive


def test_many_cuts_are_no_reason_to_give_up_while_bytes_come(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    hub.fail(Fault(times=9, cut_after=30_000))
    fetch(planned)
    assert_whole(planned, home)
    assert len(ranges(hub)) == 10


@pytest.mark.parametrize("status", [408, 429, 500, 503])
@pytest.mark.parametrize("host", ["hub", "store"])
def test_a_passing_status_is_asked_again(hub: HubServer, home: Home, status: int, host: str) -> None:
    planned = plan(CARD, patience=QUICK)
    hub.fail(Fault(times=2, host=host, status=status))
    events = fetch(planned)
    assert_whole(planned, home)
    assert any(f"the server answers {status}" in event.note for event in events)


def test_planning_asks_again(hub: HubServer, home: Home) -> None:
    hub.fail(Fault(times=2, host="hub", method="HEAD", status=503))
    assert plan(CARD, patience=QUICK).bytes_total == len(CONTENT)


@pytest.mark.parametrize("header", [{"Retry-After": "1"}, {"RateLimit": '"resolvers";r=0;t=1'}])
def test_a_wait_that_the_server_asks_for_is_obeyed(hub: HubServer, home: Home, header: dict[str, str]) -> None:
    planned = plan(CARD, patience=QUICK)
    hub.fail(Fault(host="hub", status=429, headers=header))
    start = time.monotonic()
    events = list(download(planned, patience=replace(QUICK, obeyed_wait_s=2)))
    assert time.monotonic() - start >= 1
    assert any(event.note.endswith("trying again in 1 s.") for event in events)
    assert_whole(planned, home)


def test_a_server_without_ranges_starts_over(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    hub.fail(Fault(cut_after=100_000), Fault(no_ranges=True))
    fetch(planned)
    assert_whole(planned, home)
    assert ranges(hub) == ["", "bytes=100000-"]


def test_a_refused_range_starts_over(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    hub.fail(Fault(cut_after=100_000), Fault(host="store", status=416))
    fetch(planned)
    assert_whole(planned, home)
    assert ranges(hub) == ["", "bytes=100000-", ""]


def test_a_leftover_that_is_too_long_starts_over(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    part = planned.files[0].path.parents[2] / "blobs" / f"{SHA256}.incomplete"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(len(CONTENT) + 1))
    assert plan(CARD, patience=QUICK).bytes_here == 0
    fetch(planned)
    assert_whole(planned, home)
    assert ranges(hub) == [""]


@pytest.mark.parametrize("size", [1000, len(CONTENT)])
def test_a_leftover_with_wrong_bytes_is_not_taken_for_whole(hub: HubServer, home: Home, size: int) -> None:
    planned = plan(CARD, patience=QUICK)
    part = planned.files[0].path.parents[2] / "blobs" / f"{SHA256}.incomplete"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(size))  # as after a power cut
    fetch(planned)
    assert_whole(planned, home)


def test_a_damaged_blob_is_fetched_again(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    fetch(planned)
    planned.files[0].path.unlink()
    blob = planned.files[0].path.parents[2] / "blobs" / SHA256
    blob.write_bytes(OTHER)
    hub.fail(Fault(stall_after=200_000))
    cancel_after(100_000, planned)
    assert SHA256 not in home.blobs  # that name is for whole files
    fetch(planned)
    assert_whole(planned, home)


def test_who_reads_a_damaged_blob_keeps_what_it_reads(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    fetch(planned)
    planned.files[0].path.unlink()
    blob = planned.files[0].path.parents[2] / "blobs" / SHA256
    blob.write_bytes(OTHER)
    with blob.open("rb") as reader:
        fetch(planned)
        assert reader.read() == OTHER  # were it cut short, a program that has it mapped would crash
    assert_whole(planned, home)


def test_a_truncated_file_in_the_cache_is_fetched_again(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    fetch(planned)
    (planned.files[0].path.parents[2] / "blobs" / SHA256).write_bytes(CONTENT[:1000])
    assert plan(CARD, patience=QUICK).bytes_here == 0
    fetch(planned)
    assert_whole(planned, home)


def test_bytes_that_were_changed_on_the_way_are_fetched_once_more(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    hub.fail(Fault(content=CONTENT[:-1] + b"?", blind=True))
    fetch(planned)
    assert_whole(planned, home)
    assert ranges(hub) == ["", ""]


# A file that changes between two ranges


def test_ranges_of_two_versions_are_not_spliced_where_the_store_heeds_if_range(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    hub.fail(Fault(content=OTHER, cut_after=100_000))
    fetch(planned)
    assert_whole(planned, home)
    assert ranges(hub) == ["", "bytes=100000-"]  # answered with 200 and the whole file


def test_nor_where_it_ignores_if_range_but_says_the_version(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    hub.fail(
        Fault(cut_after=100_000),
        Fault(status=206, headers={"ETag": '"other"', "Content-Range": "bytes 100000-299999/300000"}, host="store"),
    )
    fetch(planned)
    assert_whole(planned, home)
    assert ranges(hub) == ["", "bytes=100000-", ""]


def test_nor_where_it_says_nothing(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    hub.fail(Fault(content=OTHER, cut_after=100_000, blind=True), Fault(blind=True))
    fetch(planned)
    assert_whole(planned, home)
    assert ranges(hub) == ["", "bytes=100000-", ""]


@pytest.mark.parametrize("large", [True, False])
def test_a_file_that_changes_on_the_hub_between_two_calls(hub: HubServer, home: Home, large: bool) -> None:
    hub.add(REPO, SAFE, CONTENT, large=large)
    old = plan(CARD, patience=QUICK)
    hub.fail(Fault(stall_after=200_000))
    cancel_after(100_000, old)
    hub.change(REPO, SAFE, OTHER)

    fetch(old)  # the plan names a commit, and the hub keeps it
    assert old.files[0].path.read_bytes() == CONTENT
    new = plan(CARD, patience=QUICK)
    fetch(new)
    assert new.files[0].path.read_bytes() == OTHER


@pytest.mark.parametrize("large", [True, False])
def test_a_file_that_changes_under_its_commit(hub: HubServer, home: Home, large: bool) -> None:
    hub.pinned = False
    hub.add(REPO, SAFE, CONTENT, large=large)
    planned = plan(CARD, patience=QUICK)
    if large:
        hub.fail(Fault(host="hub"))  # the redirect of the first try is in order
    hub.fail(Fault(cut_after=100_000), Fault(host="hub", before=lambda: hub.change(REPO, SAFE, OTHER)))
    assert "changed on the hub" in why(planned)
    assert not planned.files[0].path.exists()
    assert home.blobs == []
    new = plan(CARD, patience=QUICK)
    fetch(new)
    assert new.files[0].path.read_bytes() == OTHER


def test_a_commit_that_is_gone(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    hub.fail(Fault(host="hub", status=404, code="RevisionNotFound"))
    assert "has changed on the hub" in why(planned)


# Trouble that stays


@pytest.mark.parametrize(
    ("fault", "part"),
    [
        (Fault(status=401, code="GatedRepo"), "is gated: accept its conditions at"),
        (Fault(status=403, code="GatedRepo"), "then log in with “hf auth login” or set HF_TOKEN"),
        (Fault(status=401, code="RepoNotFound"), "or it is private: then log in"),
        (Fault(status=401, headers={"X-Error-Message": "Invalid credentials in Authorization header"}), "token"),
        (Fault(status=403), "no access to “org/model” (403): ask its owner"),
        (Fault(status=403, headers={"X-Error-Message": "Access to this resource is disabled."}), "has blocked"),
        (Fault(status=404, code="RepoNotFound"), "no repository “org/model”"),
        (Fault(status=416), "(416). Try again later"),
        (Fault(times=3, status=429), "too many requests from here (429). Try again later"),
        (Fault(status=429, headers={"Retry-After": "300"}), "Try again in 300 s; logging in raises the limit"),
        (Fault(times=3, status=500), "a problem of its own (500). Try again later"),
        (Fault(times=3, status=503), "a problem of its own (503)"),
        (Fault(status=418), "refuses the request for “org/model” (418)"),
    ],
)
@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_refusal_says_what_to_do(hub: HubServer, home: Home, fault: Fault, part: str, method: str) -> None:
    planned = None if method == "HEAD" else plan(CARD, patience=QUICK)
    hub.fail(replace(fault, host="hub", method=method))
    assert part in why(planned)
    assert [path for path in home.path.rglob("*") if path.is_file() and path.name == SAFE] == []


def test_the_stores_refusal_is_not_blamed_on_the_token(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    hub.fail(Fault(host="store", status=403))
    assert "where the file is stored, refuses it (403)" in why(planned)


def test_none_of_the_files_is_there(hub: HubServer, home: Home) -> None:
    with pytest.raises(DownloadError, match=r"no a\.safetensors and no b\.bin in “org/model”"):
        plan(card_of("a.safetensors", "b.bin"), patience=QUICK)


def test_a_mirror_without_error_codes(hub: HubServer, home: Home) -> None:
    hub.add(REPO, PICKLE, b"pickle")
    hub.fail(Fault(host="hub", method="HEAD", status=404))
    assert plan(CARD, patience=QUICK).files[0].source.name == PICKLE


def test_a_bundled_model_has_nothing_to_download() -> None:
    with pytest.raises(ModelError, match="nothing to download"):
        plan(replace(CARD, hub_repo=""))


def test_a_name_that_is_no_repository(hub: HubServer, home: Home) -> None:
    with pytest.raises(DownloadError, match="not the address of a repository"):
        plan(replace(CARD, hub_repo="org/../../etc"), patience=QUICK)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/html"},
        {"X-Repo-Commit": "c" * 40, "ETag": '"../../../../evil"'},
        {"X-Repo-Commit": "../../evil", "ETag": f'"{SHA256}"'},
    ],
)
def test_what_is_not_a_hub_is_not_believed(hub: HubServer, home: Home, headers: dict[str, str]) -> None:
    hub.fail(Fault(host="hub", method="HEAD", status=200, headers=headers))
    assert "is not a Hugging Face hub" in why()


def test_a_log_in_page_in_place_of_the_file(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    hub.fail(Fault(stall_after=100_000))
    cancel_after(100_000, planned)
    hub.fail(Fault(content=PORTAL, no_ranges=True))
    assert "bytes in place of 300,000. Check whether this network wants a log-in" in why(planned)
    assert plan(CARD, patience=QUICK).bytes_here == 100_000


def test_bytes_that_are_always_wrong(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    hub.fail(Fault(times=9, content=CONTENT[:-1] + b"?"))
    assert "arrived damaged twice" in why(planned)
    assert len(hub.gets()) == 2
    assert home.blobs == []
    assert not planned.files[0].path.exists()


def test_a_stall_that_does_not_end_keeps_what_came(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    hub.fail(Fault(stall_after=100_000), Fault(times=9, stall_after=0))
    assert "Nothing more came from 127.0.0.1" in why(planned, HASTY)
    assert len(hub.gets()) == HASTY.tries
    assert plan(CARD, patience=QUICK).bytes_here == 100_000


def test_a_server_that_always_breaks_off_at_the_same_byte_is_given_up(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    hub.fail(Fault(times=99, cut_after=100_000, no_ranges=True))
    assert "broke" in why(planned)
    assert len(hub.gets()) == QUICK.tries


def test_redirects_in_circles(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    circle = Fault(times=99, host="hub", status=302, headers={"Location": f"{hub.url}/{REPO}/resolve/main/{SAFE}"})
    hub.fail(circle, replace(circle, method="HEAD"))
    assert "around in circles" in why(planned)
    assert "around in circles" in why()


def test_a_renamed_repository_is_followed(hub: HubServer, home: Home) -> None:
    moved = Fault(times=2, host="hub", status=307, headers={"Location": f"/{REPO}/resolve/main/{SAFE}"})
    hub.fail(replace(moved, times=1, method="HEAD"), replace(moved, times=1))
    planned = plan(replace(CARD, hub_repo="old/name"), patience=QUICK)
    fetch(planned)
    assert planned.files[0].path.read_bytes() == CONTENT


def test_a_redirect_of_a_question_takes_no_token_along(
    hub: HubServer, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.fail(Fault(host="hub", method="HEAD", status=302, headers={"Location": f"{hub.store_url}/{SHA256}"}))
    assert "is not a Hugging Face hub" in why()
    (asked, elsewhere) = hub.seen
    assert (asked.host, elsewhere.host) == ("hub", "store")
    assert asked.headers["authorization"] == "Bearer hf_secret"
    assert "authorization" not in elsewhere.headers


def test_no_network(hub: HubServer, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = plan(CARD, patience=QUICK)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed.getsockname()[1]}")
        assert "Cannot reach http://127.0.0.1" in why()
        assert "Check the network connection" in why(planned)


@pytest.mark.parametrize("proxy", ["socks://127.0.0.1:9", "htp://nonsense", "http://127.0.0.1:PORT"])
def test_a_proxy_that_cannot_be_used(hub: HubServer, home: Home, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    planned = plan(CARD, patience=QUICK)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTP_PROXY", proxy.replace("PORT", str(closed.getsockname()[1])))
        assert "proxy" in why().lower()
        assert "proxy" in why(planned).lower()


def test_a_token_with_a_character_too_many(hub: HubServer, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_abc…")
    assert "token has characters in it" in why()


def test_offline_a_planned_download_does_not_start(hub: HubServer, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = plan(CARD, patience=QUICK)
    monkeypatch.setenv("HF_HUB_OFFLINE", "YES")
    assert "HF_HUB_OFFLINE forbids" in why(planned)
    assert not hub.gets("hub")
