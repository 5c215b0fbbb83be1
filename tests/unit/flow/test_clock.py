"""Broker time is learned from what the broker stamps on our records."""

from __future__ import annotations

import time

from streams.flow.clock import BrokerClock


def test_a_clock_that_is_off_comes_near_the_brokers() -> None:
    clock = BrokerClock()
    ahead = 30_000
    for _ in range(100):
        now = time.time() * 1000
        clock.observe(round(now + ahead), now - 1, now + 1)

    assert abs(clock.now() - (time.time() * 1000 + ahead)) < 100


def test_a_record_that_was_long_under_way_teaches_nothing() -> None:
    clock = BrokerClock()
    now = time.time() * 1000
    clock.observe(round(now + 60_000), now - 5_000, now)

    assert abs(clock.now() - time.time() * 1000) < 100
