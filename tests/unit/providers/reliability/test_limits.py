"""Limits apply before a call, are shared by owned partitions, and adapt to rejections."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.providers.reliability.instance_limits import (
    FIRST_HOLD_MS,
    LONGEST_HOLD_MS,
    InstanceLimits,
)
from streams.providers.reliability.token_bucket import MINUTE_MS, TokenBucket
from streams.routing.snapshot import Limits

PER_MINUTE = Limits(requests_per_minute=600)
TOKENS = Limits(tokens_per_minute=60_000)


def calls_made(shares: list[float], limits: Limits, seconds: int, tokens: int = 0) -> list[float]:
    """Times at which workers of these shares call, all of them eager, polled every 10 ms."""
    workers = [(share, InstanceLimits()) for share in shares]
    times = []
    for now in range(0, seconds * 1000, 10):
        for share, state in workers:
            while state.why_not(limits, share, float(now)) is None:
                state.begin(limits, tokens)
                state.end(limits, tokens, tokens)
                times.append(float(now))
    return times


def most_in_a_minute(times: list[float]) -> int:
    """The most calls of any sliding minute."""
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - MINUTE_MS:
            first += 1
        most = max(most, last - first + 1)
    return most


def test_four_workers_together_respect_and_use_a_minute_s_limit() -> None:
    times = calls_made([0.25] * 4, PER_MINUTE, 180)
    busy = sum(60_000 < at <= 120_000 for at in times)

    assert most_in_a_minute(times) <= 630
    assert busy >= 540


def test_a_worker_that_starts_has_nothing_to_spend_yet() -> None:
    assert (
        InstanceLimits().why_not(PER_MINUTE, 1.0, 0.0)
        == "the limit of requests per minute is exhausted"
    )


def test_an_unused_limit_is_not_saved_up() -> None:
    state = InstanceLimits()
    state.why_not(PER_MINUTE, 1.0, 0.0)
    burst = 0
    while state.why_not(PER_MINUTE, 1.0, 10 * MINUTE_MS) is None:
        state.begin(PER_MINUTE, 0)
        burst += 1

    assert burst == 18


def test_expected_tokens_are_reserved_and_corrected_afterwards() -> None:
    state = InstanceLimits()
    state.why_not(TOKENS, 1.0, 0.0)
    assert state.why_not(TOKENS, 1.0, 1_000.0) is None
    state.begin(TOKENS, 5_000)
    assert state.why_not(TOKENS, 1.0, 1_000.0) == "the limit of tokens per minute is exhausted"
    state.end(TOKENS, 5_000, 100)
    assert state.why_not(TOKENS, 1.0, 1_000.0) is None


def test_one_request_may_overdraw_the_bucket() -> None:
    times = calls_made([1.0], TOKENS, 120, tokens=20_000)

    assert 5 <= len(times) <= 7


def test_concurrency_is_shared_and_at_least_one() -> None:
    limits = Limits(concurrency=4)
    half, tiny = InstanceLimits(), InstanceLimits()
    for state in (half, half, tiny):
        state.begin(limits, 0)

    assert half.why_not(limits, 0.5, 0.0) == "the concurrency limit of 2 is reached"
    assert tiny.why_not(limits, 0.01, 0.0) == "the concurrency limit of 1 is reached"
    half.end(limits, 0, None)
    assert half.why_not(limits, 0.5, 0.0) is None


def test_a_rate_limit_pauses_for_the_retry_after_of_the_provider() -> None:
    state = InstanceLimits()
    state.refused(3_000.0, 100.0)

    assert state.why_not(Limits(), 1.0, 3_099.0) == "the provider's rate limit pauses it"
    assert state.why_not(Limits(), 1.0, 3_100.0) is None


def test_rejections_without_retry_after_pause_for_increasing_times() -> None:
    state = InstanceLimits()
    holds = []
    for _ in range(8):
        state.refused(None, 0.0)
        holds.append(state.held_until)

    assert holds[:3] == [FIRST_HOLD_MS, 2 * FIRST_HOLD_MS, 4 * FIRST_HOLD_MS]
    assert holds[-1] == LONGEST_HOLD_MS
    state.answered()
    assert state.refusals == 0


@given(
    steps=st.lists(st.tuples(st.floats(0, 5_000), st.floats(0, 1)), min_size=1, max_size=60),
    rate=st.floats(1, 1_000),
)
def test_a_bucket_never_exceeds_its_inflow_whatever_its_share(
    steps: list[tuple[float, float]], rate: float
) -> None:
    bucket = TokenBucket(burst_ms=1_800.0, least=1.0)
    now = came = taken = 0.0
    bucket.level(rate, now)
    for passed, share in steps:
        now += passed
        came += rate * share * passed / MINUTE_MS
        while bucket.level(rate * share, now) >= 1.0:
            bucket.take(1.0)
            taken += 1.0

    assert taken <= came + 1e-6
