"""Rate limits of an instance in this worker: requests and tokens a minute, concurrent calls.

Workers share a limit without a coordinator: each has a share of it equal to its share of the tiers'
partitions (design, section 6). Buckets are small, so within any sliding minute the limit is
exceeded only slightly: by 3 % of a minute's requests or tokens, at least one request.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.providers.reliability.token_bucket import MINUTE_MS, TokenBucket
from streams.routing.snapshot import Limits

BURST_MS = 0.03 * MINUTE_MS
"""Unused limit that may be used later, in time."""

FIRST_HOLD_MS = 1_000.0
LONGEST_HOLD_MS = 60_000.0
"""Pause after a 429 without `Retry-After`: it doubles from the former to the latter."""


def _requests() -> TokenBucket:
    return TokenBucket(burst_ms=BURST_MS, least=1.0)


def _tokens() -> TokenBucket:
    return TokenBucket(burst_ms=BURST_MS, least=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Calls in flight, and requests and tokens left; `None` without a limit."""

    in_flight: int
    requests: float | None
    tokens: float | None


@dataclass(slots=True)
class InstanceLimits:
    """State of one instance's limits in this worker."""

    requests: TokenBucket = field(default_factory=_requests)
    tokens: TokenBucket = field(default_factory=_tokens)
    in_flight: int = 0
    held_until: float = 0.0
    refusals: int = 0

    def why_not(self, limits: Limits, share: float, now: float) -> str | None:
        """Return why no call is permitted now, or `None`."""
        if now < self.held_until:
            return "the provider's rate limit pauses it"
        if limits.concurrency is not None:
            mine = max(int(limits.concurrency * share), 1)
            if self.in_flight >= mine:
                return f"the concurrency limit of {mine} is reached"
        if limits.requests_per_minute is not None:
            level = self.requests.level(limits.requests_per_minute * share, now)
            if level < 1.0 - 1e-9:
                return "the limit of requests per minute is exhausted"
        if limits.tokens_per_minute is not None:
            level = self.tokens.level(limits.tokens_per_minute * share, now)
            if level <= 0:
                return "the limit of tokens per minute is exhausted"
        return None

    def levels(self, limits: Limits, share: float, now: float) -> Levels:
        """Return the levels of the buckets now."""
        requests, tokens = limits.requests_per_minute, limits.tokens_per_minute
        return Levels(
            in_flight=self.in_flight,
            requests=None if requests is None else self.requests.level(requests * share, now),
            tokens=None if tokens is None else self.tokens.level(tokens * share, now),
        )

    def begin(self, limits: Limits, expected_tokens: int) -> None:
        """Record the start of a call; `expected_tokens` are reserved until it ends."""
        self.in_flight += 1
        if limits.requests_per_minute is not None:
            self.requests.take(1.0)
        if limits.tokens_per_minute is not None:
            self.tokens.take(float(expected_tokens))

    def end(self, limits: Limits, expected_tokens: int, used_tokens: int | None) -> None:
        """Record the end of a call; without a count the expected tokens count as used."""
        self.in_flight -= 1
        if limits.tokens_per_minute is not None and used_tokens is not None:
            self.tokens.give_back(float(expected_tokens - used_tokens))

    def refused(self, retry_after_ms: float | None, now: float) -> None:
        """Record a rate-limit refusal: pause the instance as long as the provider requests."""
        wait = retry_after_ms
        if wait is None:
            wait = min(FIRST_HOLD_MS * 2.0**self.refusals, LONGEST_HOLD_MS)
        self.refusals += 1
        self.held_until = max(self.held_until, now + wait)

    def answered(self) -> None:
        """Record an answered call: the next refusal counts as the first."""
        self.refusals = 0
