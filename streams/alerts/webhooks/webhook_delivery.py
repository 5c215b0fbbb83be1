"""One notice to one webhook: through the operator's policy, bounded in time and tries.

| what happens | what is done |
|---|---|
| the host or the key's variable is not allowed | nothing is sent, one log line |
| 2xx | done |
| a redirect, any other 3xx or 4xx | given up: it would be the same again |
| 429, 5xx, a timeout, no connection, an answer cut off | tried again, `TRIES` times in all |

Between tries there is a pause with full jitter that doubles, or what `Retry-After` says, at most
`LONGEST_PAUSE_S`. No address, body or key is logged, only the host: a webhook's path is often its
secret.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

import httpx
import orjson

from streams.alerts.evaluation.active_alerts import Notice
from streams.alerts.evaluation.alert_states import AlertTransition
from streams.providers.http.exchange import Exchange, HttpClient
from streams.providers.http.operator_policy import HostPolicy, KeyRing
from streams.providers.port import ErrorClass, ProviderError, Timeouts
from streams.routing.alert_rules import Webhook

TRIES = 5
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
TIMEOUTS = Timeouts(connect=3.0, read=5.0, total=10.0)

_TOO_MANY = 429
_SERVER_ERRORS = 500


class Delivery(StrEnum):
    """Result of a delivery."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """The operator's policy or the receiver rejects it."""
    FAILED = "failed"
    """All attempts failed."""
    DROPPED = "dropped"
    """The queue was full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryResult:
    """Result of a delivery, the number of attempts, and the reason of a failure."""

    delivery: Delivery
    tries: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSender:
    """Delivers notices; all I/O is injected."""

    hosts: HostPolicy
    keys: KeyRing
    client: HttpClient
    sleep: Callable[[float], Awaitable[None]]
    jitter: Callable[[], float] = random.random
    timeouts: Timeouts = TIMEOUTS

    async def deliver(self, notice: Notice, webhook: Webhook) -> DeliveryResult:
        """Deliver a notice to a webhook; never raises for the receiver's behaviour."""
        try:
            url = httpx.URL(webhook.url)
            self.hosts.check(url, loopback=False)
            headers = self._headers(notice, webhook, url.host)
        except httpx.InvalidURL:
            return DeliveryResult(delivery=Delivery.REFUSED, why="its url is invalid")
        except ProviderError as error:
            return DeliveryResult(delivery=Delivery.REFUSED, why=str(error))
        body = body_of(notice)
        why = ""
        for number in range(1, TRIES + 1):
            after_s: float | None = None
            try:
                exchange = await self.client.post(str(url), headers, body, self.timeouts)
            except ProviderError as error:
                if error.status is not None:
                    why = f"it responded {error.status}, and {_unusable(error.status)}"
                    return DeliveryResult(delivery=Delivery.REFUSED, tries=number, why=why)
                why = _IN_WORDS.get(error.error_class, error.error_class.value)
            else:
                if 200 <= exchange.status < 300:
                    return DeliveryResult(delivery=Delivery.DELIVERED, tries=number)
                why = f"it responded {exchange.status}"
                if exchange.status != _TOO_MANY and exchange.status < _SERVER_ERRORS:
                    return DeliveryResult(delivery=Delivery.REFUSED, tries=number, why=why)
                after_s = _retry_after(exchange)
            if number < TRIES:
                await self.sleep(self._pause(number, after_s))
        return DeliveryResult(delivery=Delivery.FAILED, tries=TRIES, why=why)

    def _pause(self, number: int, after_s: float | None) -> float:
        if after_s is not None:
            return min(after_s, LONGEST_PAUSE_S)
        return min(FIRST_PAUSE_S * 2.0 ** (number - 1), LONGEST_PAUSE_S) * self.jitter()

    def _headers(self, notice: Notice, webhook: Webhook, host: str) -> dict[str, str]:
        headers = {
            "content-type": "application/json",
            "idempotency-key": notice.id,
            "user-agent": "sluice",
        }
        if webhook.api_key_env is not None:
            # A webhook may name any host, so the operator must bind its key to one.
            key = self.keys.key(webhook.api_key_env, host, bound=True)
            headers["authorization"] = f"Bearer {key}"
        return headers


def body_of(notice: Notice) -> bytes:
    """Return the JSON body; `text` is a one-line summary."""
    alert = notice.alert
    word = "resolved" if notice.change is AlertTransition.RESOLVED else alert.severity
    return orjson.dumps(
        {
            "id": notice.id,
            "rule": alert.rule,
            "subject": alert.subject,
            "state": notice.change.value,
            "severity": alert.severity,
            "message": alert.message,
            "value": alert.value,
            "threshold": alert.threshold,
            "at": notice.at,
            "fired_at": notice.fired_at,
            "noticed_by": alert.worker,
            "text": f"[{word}] {alert.rule} ({alert.subject}): {alert.message}",
        }
    )


_IN_WORDS = {
    ErrorClass.TIMEOUT: "it did not respond in time",
    ErrorClass.CONNECTION: "the connection failed",
    ErrorClass.BAD_RESPONSE: "its response is invalid",
}


def _unusable(status: int) -> str:
    """Return why an exchange with this status was stopped."""
    return "redirects are not followed" if 300 <= status < 400 else "the response is too large"


def _retry_after(exchange: Exchange) -> float | None:
    """Return the seconds of `Retry-After`; dates are ignored."""
    text = exchange.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None
