"""Limits and the retry budget under any order of events: never more than was granted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.providers.reliability.instance_limits import BURST_MS, InstanceLimits
from streams.providers.reliability.retry_budget import SHARE, START, RetryBudget
from streams.providers.reliability.token_bucket import MINUTE_MS, TokenBucket
from streams.routing.snapshot import Limits

limits = st.builds(
    Limits,
    requests_per_minute=st.sampled_from([30, 6_000]),
    tokens_per_minute=st.sampled_from([600, 600_000]),
    concurrency=st.sampled_from([1, 4]),
)

steps = st.lists(
    st.one_of(
        st.tuples(st.just("passes"), st.integers(0, 5_000)),
        st.tuples(st.just("call"), st.integers(0, 3_000)),
        st.tuples(st.just("call"), st.integers(0, 100)),
        st.tuples(st.just("end"), st.integers(0, 4_000)),
        st.tuples(st.just("end, nobody knows"), st.just(0)),
        st.tuples(st.just("refused"), st.integers(0, 300)),
    ),
    min_size=20,
    max_size=120,
)


@given(steps=steps, limits=limits)
def test_calls_and_tokens_stay_within_the_inflow(
    steps: list[tuple[str, int]], limits: Limits
) -> None:
    per_minute = limits.requests_per_minute or 0
    tokens_per_minute, at_once = limits.tokens_per_minute or 0, limits.concurrency or 0
    state, now, held_until = InstanceLimits(), 0.0, 0.0
    began: list[float] = []
    state.why_not(limits, 1.0, now)
    running: list[int] = []
    used, largest = 0.0, 0
    for what, number in steps:
        if what == "passes":
            now += number
        elif what == "call":
            if state.why_not(limits, 1.0, now) is not None:
                continue
            assert len(running) < at_once
            assert now >= held_until
            state.begin(limits, number)
            running.append(number)
            began.append(now)
            used += number
            largest = max(largest, number)
        elif what == "refused":
            state.refused(float(number), now)
            held_until = max(held_until, now + number)
        elif running:
            expected = running.pop()
            known = number if what == "end" else None
            state.end(limits, expected, known)
            used += 0 if known is None else known - expected
            largest = max(largest, number)
        assert state.in_flight == len(running)
    came = now / MINUTE_MS
    assert len(began) <= came * per_minute + 1e-6
    spent_by_one_more_each = largest * at_once
    assert used <= came * tokens_per_minute + spent_by_one_more_each + 1e-6
    for first, at in enumerate(began):
        within = sum(1 for each in began[first:] if each < at + MINUTE_MS)
        assert within <= per_minute + per_minute * BURST_MS / MINUTE_MS + 1


@given(
    st.lists(
        st.tuples(st.floats(-3_600_000, 3_600_000), st.floats(1, 1_000), st.floats(0, 50)),
        max_size=40,
    )
)
def test_a_clock_set_back_fills_no_bucket_and_none_overflows(
    looks: list[tuple[float, float, float]],
) -> None:
    bucket, now = TokenBucket(burst_ms=1_800.0, least=1.0), 0.0
    before = bucket.level(1.0, now)
    for moved, rate, taken in looks:
        seen, now = now, now + moved
        level = bucket.level(rate, now)
        came = max(now - seen, 0.0) * rate / MINUTE_MS
        assert level <= before + came + 1e-6
        assert level <= max(rate * 1_800.0 / MINUTE_MS, 1.0) + 1e-6
        bucket.take(taken)
        before = level - taken


@given(st.lists(st.booleans(), max_size=300))
def test_retries_stay_a_share_of_the_calls(calls: list[bool]) -> None:
    budget, first, again = RetryBudget(), 0, 0
    for is_first in calls:
        if is_first:
            budget.called()
            first += 1
        elif budget.allows:
            budget.retried()
            again += 1
        assert again <= START + SHARE * first + 1e-6
        assert budget.left >= 0
