"""After a failed call: a retry, another instance, another model, or the end, by its class."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.routing.policy import FallbackPolicy
from streams.routing.selection.candidates import Candidate
from streams.routing.selection.fallback import (
    MAX_HONOURED_WAIT_MS,
    MAX_REFUSALS,
    FailedCall,
    RetryStep,
    TierExhausted,
    after_failure,
)
from tests.unit.routing.world import candidates, model

ALL = candidates(model("cheap", instances=("a", "b")), model("dear"))
A, B, DEAR = ALL

PASSING = ["timeout", "connection", "rate_limited", "server", "overloaded", "bad_response"]
MODEL_S_OWN = ["context_length", "content_filter", "adapter_fault"]
CLASSES = [*PASSING, *MODEL_S_OWN, "auth", "bad_request", "invalid_request", "interrupted"]
POLICY = FallbackPolicy(retries=1, backoff_ms=200, max_backoff_ms=300, max_calls_per_hop=6)


def _failed(who: Candidate, error_class: str, retry_after_ms: float | None = None) -> FailedCall:
    return FailedCall(candidate=who, error_class=error_class, retry_after_ms=retry_after_ms)


def _next(
    *failures: FailedCall,
    among: tuple[Candidate, ...] = ALL,
    policy: FallbackPolicy = POLICY,
    left: float = 60_000,
    jitter: float = 0.5,
) -> RetryStep | TierExhausted:
    return after_failure(failures, among, policy, time_left_ms=left, jitter=jitter)


@pytest.mark.parametrize("kind", PASSING)
def test_a_passing_error_is_retried_once_where_it_happened(kind: str) -> None:
    assert _next(_failed(A, kind)) == RetryStep(
        candidate=A, pause_ms=100, why=f"retry after {kind}"
    )


@pytest.mark.parametrize("kind", PASSING)
def test_after_the_retry_another_instance_follows_without_a_pause(kind: str) -> None:
    step = _next(_failed(A, kind), _failed(A, kind))

    assert step == RetryStep(candidate=B, pause_ms=0, why=f"another instance after {kind}")


@pytest.mark.parametrize("kind", PASSING)
def test_then_another_model_of_the_tier(kind: str) -> None:
    step = _next(*[_failed(A, kind)] * 2, *[_failed(B, kind)] * 2)

    assert step == RetryStep(candidate=DEAR, pause_ms=0, why=f"another model after {kind}")


@pytest.mark.parametrize("kind", [*PASSING, *MODEL_S_OWN, "auth"])
def test_when_all_have_failed_the_tier_is_exhausted(kind: str) -> None:
    step = _next(*(_failed(each, kind) for each in (A, A, B, B, DEAR)), _failed(DEAR, kind))

    assert isinstance(step, TierExhausted)
    assert not step.refused


def test_each_instance_has_its_own_retry() -> None:
    step = _next(*[_failed(A, "server")] * 2, _failed(B, "timeout"))

    assert step == RetryStep(candidate=B, pause_ms=100, why="retry after timeout")


def test_a_refused_key_is_never_retried_but_another_instance_may_have_its_own() -> None:
    assert _next(_failed(A, "auth")) == RetryStep(
        candidate=B, pause_ms=0, why="another instance after auth"
    )
    assert isinstance(_next(_failed(A, "auth"), among=(A,)), TierExhausted)


@pytest.mark.parametrize("kind", MODEL_S_OWN)
def test_a_request_that_a_model_cannot_serve_goes_to_another_model(kind: str) -> None:
    assert _next(_failed(A, kind)) == RetryStep(
        candidate=DEAR, pause_ms=0, why=f"another model after {kind}"
    )
    assert _next(_failed(A, kind), among=(A, B)) == TierExhausted(
        why=f"no other candidate after {kind}"
    )


def test_a_model_that_cannot_serve_the_request_is_not_tried_again() -> None:
    among = (A, DEAR, B)
    step = _next(_failed(A, "context_length"), *[_failed(DEAR, "server")] * 2, among=among)

    assert isinstance(step, TierExhausted)


def test_a_malformed_request_is_refused_for_every_tier() -> None:
    step = _next(_failed(A, "invalid_request", retry_after_ms=5))

    assert isinstance(step, TierExhausted)
    assert step.refused


def test_a_refusal_for_an_unknown_reason_is_worth_one_other_model() -> None:
    first = _next(_failed(A, "bad_request"))
    second = _next(_failed(A, "bad_request"), _failed(DEAR, "bad_request"))
    later_hop = after_failure(
        [_failed(A, "bad_request")], ALL, POLICY, time_left_ms=60_000, jitter=0.5, refusals_before=1
    )

    assert first == RetryStep(candidate=DEAR, pause_ms=0, why="another model after bad_request")
    assert isinstance(second, TierExhausted)
    assert second.refused
    assert isinstance(later_hop, TierExhausted)
    assert later_hop.refused


def test_each_refused_parameter_is_omitted_in_one_retry() -> None:
    def refused(parameter: str) -> FailedCall:
        return FailedCall(candidate=A, error_class="bad_request", unsupported=parameter)

    first = _next(refused("temperature"))
    other = _next(refused("temperature"), refused("top_p"))
    same = _next(refused("temperature"), refused("temperature"))

    assert first == RetryStep(candidate=A, pause_ms=0, why="again without temperature")
    assert other == RetryStep(candidate=A, pause_ms=0, why="again without top_p")
    assert same == RetryStep(candidate=DEAR, pause_ms=0, why="another model after bad_request")


def test_after_an_overflow_the_largest_window_is_next() -> None:
    small, large = candidates(
        model("small", context_window=1_000), model("large", context_window=9_000)
    )
    step = _next(_failed(A, "context_length"), among=(A, small, large))

    assert isinstance(step, RetryStep)
    assert step.candidate == large


def test_an_unknown_error_class_exhausts_the_tier() -> None:
    assert isinstance(_next(_failed(A, "interrupted")), TierExhausted)


@pytest.mark.parametrize("wait", [1.0, 250.0, MAX_HONOURED_WAIT_MS])
def test_a_short_retry_after_is_waited_out_to_the_millisecond(wait: float) -> None:
    step = _next(_failed(A, "rate_limited", wait), jitter=0.9)

    assert step == RetryStep(candidate=A, pause_ms=wait, why="retry after rate_limited")


def test_a_retry_after_of_zero_retries_the_same_instance_immediately() -> None:
    assert _next(_failed(A, "rate_limited", 0.0)) == RetryStep(
        candidate=A, pause_ms=1, why="retry after rate_limited"
    )


@pytest.mark.parametrize(("wait", "left"), [(MAX_HONOURED_WAIT_MS + 1, 60_000), (400, 799)])
def test_a_too_long_retry_after_moves_to_another_instance(wait: float, left: float) -> None:
    assert _next(_failed(A, "rate_limited", wait), left=left) == RetryStep(
        candidate=B, pause_ms=0, why="another instance after rate_limited"
    )


def test_a_backoff_grows_with_each_retry_up_to_its_limit() -> None:
    policy = FallbackPolicy(retries=3, backoff_ms=100, max_backoff_ms=300, max_calls_per_hop=9)
    pauses = []
    for failed in (1, 2, 3):
        step = _next(*[_failed(A, "server")] * failed, policy=policy)
        assert isinstance(step, RetryStep)
        pauses.append(step.pause_ms)

    assert pauses == [50, 100, 150]


@pytest.mark.parametrize(("jitter", "pause"), [(0.0, 1), (0.25, 50), (0.75, 150)])
def test_a_pause_is_the_drawn_share_of_the_backoff(jitter: float, pause: float) -> None:
    step = _next(_failed(A, "server"), jitter=jitter)

    assert step == RetryStep(candidate=A, pause_ms=pause, why="retry after server")


def test_a_pause_that_the_deadline_does_not_allow_is_not_taken() -> None:
    step = _next(_failed(A, "server"), left=200)

    assert step == RetryStep(candidate=B, pause_ms=0, why="another instance after server")


def test_without_retries_another_instance_follows_a_failure() -> None:
    step = _next(_failed(A, "server", 100), policy=FallbackPolicy(retries=0))

    assert step == RetryStep(candidate=B, pause_ms=0, why="another instance after server")


def test_a_hop_makes_no_more_calls_than_it_may() -> None:
    step = _next(_failed(A, "server"), policy=FallbackPolicy(max_calls_per_hop=1))

    assert step == TierExhausted(why="1 calls failed")


@given(
    kinds=st.lists(st.sampled_from(CLASSES), min_size=12, max_size=12),
    waits=st.lists(st.none() | st.floats(0, 5_000), min_size=12, max_size=12),
    retries=st.integers(0, 5),
    calls=st.integers(1, 10),
    left=st.floats(1, 60_000),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_every_hop_ends_within_its_calls_and_its_time(
    kinds: list[str],
    waits: list[float | None],
    retries: int,
    calls: int,
    left: float,
    jitter: float,
) -> None:
    policy = FallbackPolicy(retries=retries, max_calls_per_hop=calls)
    failures: list[FailedCall] = []
    who = ALL[0]
    for kind, wait in zip(kinds, waits, strict=True):
        failures.append(_failed(who, kind, wait))
        step = _next(*failures, policy=policy, left=left, jitter=jitter)
        if isinstance(step, TierExhausted):
            break
        assert step.candidate in ALL
        assert kind in PASSING or step.candidate != who
        assert 0 <= step.pause_ms <= max(left / 2, 1)
        who = step.candidate

    assert len(failures) <= calls
    assert isinstance(step, TierExhausted)
    refusals = sum(failure.error_class == "bad_request" for failure in failures)
    last = failures[-1].error_class
    assert step.refused is (
        last == "invalid_request" or (last == "bad_request" and refusals >= MAX_REFUSALS)
    )
    for each in ALL:
        assert sum(failure.candidate == each for failure in failures) <= retries + 1
