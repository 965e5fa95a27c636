"""Rates, times left and the pace of events."""

from __future__ import annotations

import pytest

from cocadesk.catalog.progress import Meter, Patience, Progress


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_rate_and_time_left_are_of_the_last_seconds() -> None:
    clock = Clock()
    meter = Meter(10_000, clock)
    events: list[Progress] = []
    for second in range(21):
        clock.now = float(second)
        done = min(second, 10) * 100 + max(second - 10, 0) * 400  # 100 a second, then 400
        events += meter.report("downloading", done)
    assert events[10].bytes_per_s == pytest.approx(100)
    assert events[10].seconds_left == pytest.approx((10_000 - 1000) / 100)
    assert events[20].bytes_per_s == pytest.approx(400)
    assert events[20].seconds_left == pytest.approx((10_000 - 5000) / 400)


def test_a_stall_brings_the_rate_to_nothing() -> None:
    clock = Clock()
    meter = Meter(10_000, clock)
    for second in (*range(5), *range(5, 30)):
        clock.now = float(second)
        (event,) = meter.report("downloading", min(second, 5) * 100)
    assert event.bytes_per_s == 0
    assert event.seconds_left is None


def test_what_was_here_before_counts_for_no_rate_and_starting_over_for_no_negative_one() -> None:
    clock = Clock()
    meter = Meter(10_000, clock)
    (event,) = meter.report("downloading", 9000)
    assert event.bytes_per_s == 0
    clock.now = 1.0
    (event,) = meter.report("downloading", 100)
    assert event.bytes_per_s == 0
    clock.now = 2.0
    (event,) = meter.report("downloading", 300)
    assert event.bytes_per_s == 200


def test_ten_events_a_second_unless_something_changes() -> None:
    clock = Clock()
    meter = Meter(1000, clock)
    events: list[Progress] = []
    for step in range(1000):
        clock.now = step / 1000
        events += meter.report("downloading", step)
    assert 10 <= len(events) <= 11
    assert len(list(meter.report("retrying", 999, "a note"))) == 1
    assert len(list(meter.report("retrying", 999, "another note"))) == 1
    assert len(list(meter.report("retrying", 999, "another note"))) == 0
    assert len(list(meter.report("done", 1000))) == 1


def test_waits_double_up_to_a_limit() -> None:
    patience = Patience(first_wait_s=1, longest_wait_s=5)
    assert [patience.wait_s(failures) for failures in (1, 2, 3, 4, 50)] == [1, 2, 4, 5, 5]
