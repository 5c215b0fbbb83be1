"""Limits within one gateway process: requests of API keys per minute, and bytes of bodies. Pure but
for their own state.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from streams.gateway.errors import GatewayCode, HttpError
from streams.registry.api_keys import ApiKey

KEPT = 10_000
"""Keys with a limit whose requests are counted; the longest unused is forgotten beyond."""

_MINUTE_MS = 60_000.0


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """The state of a key's limit of requests per minute. It is full again in `reset_s`; `pause_s`
    is above 0 if this request is over the limit.
    """

    limit: int
    remaining: int
    reset_s: float
    pause_s: float = 0.0

    def check(self) -> None:
        """Refuse a request that is over the limit.

        Raises:
            HttpError: 429, with the pause after which one request is permitted.
        """
        if self.pause_s > 0:
            raise HttpError(
                429,
                GatewayCode.RATE_LIMITED,
                f"this API key permits {self.limit} requests per minute; retry in "
                f"{self.pause_s:.1f} s",
                retryable=True,
                retry_after_s=self.pause_s,
            )


class KeyLimits:
    """Token buckets by API key: a minute's requests at once, then at the limit's rate."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: ApiKey, elapsed_ms: float) -> RateLimit | None:
        """Count a request, if the limit permits it; return the state of the limit, `None` for a key
        without one.
        """
        limit = key.requests_per_minute
        if limit is None:
            return None
        bucket = self._buckets.get(key.key_id)
        if bucket is None:
            bucket = self._buckets[key.key_id] = _Bucket(tokens=float(limit), at=elapsed_ms)
            if len(self._buckets) > KEPT:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key.key_id)
        gained = (elapsed_ms - bucket.at) * limit / _MINUTE_MS
        bucket.tokens, bucket.at = min(bucket.tokens + gained, float(limit)), elapsed_ms
        pause_s = 0.0
        if bucket.tokens < 1:
            pause_s = (1 - bucket.tokens) * 60 / limit
        else:
            bucket.tokens -= 1
        return RateLimit(
            limit=limit,
            remaining=int(bucket.tokens),
            reset_s=(limit - bucket.tokens) * 60 / limit,
            pause_s=pause_s,
        )


class BodyBuffers:
    """The bodies that one process holds: `held` bytes, at most `limit`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.held = 0

    def take(self, size: int) -> None:
        """Count bytes that arrived.

        Raises:
            HttpError: 503; the bodies hold too many bytes together.
        """
        if self.held + size > self._limit:
            raise HttpError(
                503,
                GatewayCode.CROWDED,
                "too many large requests arrive here at once; retry later",
                retryable=True,
            )
        self.held += size

    def give_back(self, size: int) -> None:
        """Count bytes that are held no more."""
        self.held -= size
