"""Rate limits of API keys, within one gateway process. Pure but for its own state."""

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


class KeyLimits:
    """Token buckets by API key: a minute's requests at once, then at the limit's rate."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: ApiKey, elapsed_ms: float) -> dict[str, str]:
        """Count a request; return the rate-limit headers in OpenAI's form, empty without a limit.

        Raises:
            HttpError: 429, with the pause after which one request is permitted.
        """
        limit = key.requests_per_minute
        if limit is None:
            return {}
        bucket = self._buckets.get(key.key_id)
        if bucket is None:
            bucket = self._buckets[key.key_id] = _Bucket(tokens=float(limit), at=elapsed_ms)
            if len(self._buckets) > KEPT:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key.key_id)
        gained = (elapsed_ms - bucket.at) * limit / _MINUTE_MS
        bucket.tokens, bucket.at = min(bucket.tokens + gained, float(limit)), elapsed_ms
        if bucket.tokens < 1:
            pause_s = (1 - bucket.tokens) * 60 / limit
            raise HttpError(
                429,
                GatewayCode.RATE_LIMITED,
                f"this API key permits {limit} requests per minute; retry in {pause_s:.1f} s",
                retryable=True,
                retry_after_s=pause_s,
            )
        bucket.tokens -= 1
        reset_s = (limit - bucket.tokens) * 60 / limit
        return {
            "x-ratelimit-limit-requests": str(limit),
            "x-ratelimit-remaining-requests": str(int(bucket.tokens)),
            "x-ratelimit-reset-requests": f"{reset_s:.1f}s",
        }
