"""Bearer tokens for Kafka's OAUTHBEARER: from a file, or from a token endpoint.

A token is renewed after four fifths of its lifetime, so that no connection uses a token that is
about to expire. Sources are shared by threads: the consumer has its own thread.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlencode, urlsplit

import orjson
from aiokafka.abc import AbstractTokenProvider

from core.credentials import Hidden, secret
from schemas.errors import ConfigurationError

log = logging.getLogger(__name__)

USED_SHARE = 0.8
"""Share of a token's lifetime after which it is renewed."""

UNSAID_LIFE_S = 300.0
"""Lifetime of a token that does not state one."""

RETRY_S = 5.0
"""Time until librdkafka asks again for a token that could not be renewed."""

_TIMEOUT_S = 10.0
_MAX_BYTES = 64 * 1024
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token and its expiry, Unix time in seconds."""

    value: Hidden
    expires_at: float


class TokenSource(Protocol):
    """Source of tokens; called from any thread, may block for seconds."""

    def token(self) -> Token:
        """Return a valid token.

        Raises:
            ConfigurationError: no token is available; the message gives the reason.
        """
        ...


class TokenFile:
    """A token in a file, read each time; another process renews it."""

    def __init__(self, file: Path, now_s: Callable[[], float] = time.time) -> None:
        self._file = file
        self._now_s = now_s

    def token(self) -> Token:
        """See `TokenSource.token`."""
        value = secret(None, self._file, "SLUICE_KAFKA_OAUTH_TOKEN")
        if value is None:
            raise ConfigurationError("SLUICE_KAFKA_OAUTH_TOKEN_FILE is not set")
        return Token(value=value, expires_at=_end_of(value, self._now_s()))


class TokenEndpoint:
    """OAuth 2 client credentials (RFC 6749, 4.4)."""

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: Hidden,
        scope: str | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ConfigurationError(
                "SLUICE_KAFKA_OAUTH_TOKEN_URL must be an https URL (http on this machine only)"
            )
        self._url = url
        self._credentials = Hidden(
            b64encode(f"{quote(client_id)}:{quote(client_secret)}".encode()).decode()
        )
        self._scope = scope
        self._now_s = now_s
        self._asking = threading.Lock()
        self._kept: Token | None = None
        self._renew_at = float("-inf")

    def token(self) -> Token:
        """See `TokenSource.token`."""
        with self._asking:
            if self._kept is None or self._now_s() >= self._renew_at:
                requested_at = self._now_s()
                self._kept = self._request(requested_at)
                self._renew_at = requested_at + USED_SHARE * (self._kept.expires_at - requested_at)
            return self._kept

    def _request(self, now: float) -> Token:
        form = {"grant_type": "client_credentials"}
        if self._scope:
            form["scope"] = self._scope
        request = urllib.request.Request(
            self._url,
            data=urlencode(form).encode(),
            headers={"Authorization": f"Basic {self._credentials}", "Accept": "application/json"},
        )
        try:
            with _OPENER.open(request, timeout=_TIMEOUT_S) as response:
                document = orjson.loads(response.read(_MAX_BYTES))
        except urllib.error.HTTPError as error:
            error.close()
            raise ConfigurationError(
                f"the token endpoint of SLUICE_KAFKA_OAUTH_TOKEN_URL answered {error.code}; "
                "check client id, secret and scope"
            ) from None
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                "the token endpoint of SLUICE_KAFKA_OAUTH_TOKEN_URL returned no token "
                f"({type(error).__name__})"
            ) from None
        value = document.get("access_token") if isinstance(document, dict) else None
        if not isinstance(value, str) or not value:
            raise ConfigurationError("the response of the token endpoint has no access_token")
        life_s = document.get("expires_in")
        known = isinstance(life_s, int | float) and life_s > 0
        return Token(
            value=Hidden(value),
            expires_at=now + float(life_s) if known else _end_of(value, now),
        )


class AsyncTokens(AbstractTokenProvider):  # type: ignore[misc]
    """Adapter of a token source for aiokafka."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    async def token(self) -> str:
        """Return a valid token; the source may block, so it runs in a thread."""
        return (await asyncio.to_thread(self._source.token)).value


class LibrdkafkaTokens:
    """Callback of librdkafka for a token. An exception in it ends the poll that calls it, and so
    does an expired token. So the latest token is given again while there is no new one, and an
    expired token counts as valid for `RETRY_S`: the broker decides.
    """

    def __init__(self, source: TokenSource, now_s: Callable[[], float] = time.time) -> None:
        self._source = source
        self._now_s = now_s
        self._latest: Token | None = None

    def __call__(self, _: str) -> tuple[str, float]:
        """Return a token and its expiry, Unix time in seconds.

        Raises:
            ConfigurationError: no token was ever available; the message gives the reason.
        """
        try:
            self._latest = self._source.token()
        except ConfigurationError as error:
            if self._latest is None:
                raise
            log.warning("no new token for Kafka, trying again in %.0f s: %s", RETRY_S, error)
        now = self._now_s()
        is_expired = self._latest.expires_at <= now
        return self._latest.value, now + RETRY_S if is_expired else self._latest.expires_at


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Blocks redirects, which would send the credentials to another host."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def _end_of(token: str, now: float) -> float:
    """Return the expiry of a JWT (RFC 7519, `exp`); the broker verifies the token."""
    parts = token.split(".")
    if len(parts) == 3:
        try:
            claims = orjson.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        except ValueError:
            claims = None
        end = claims.get("exp") if isinstance(claims, dict) else None
        if isinstance(end, int | float) and end > 0:
            return float(end)
    return now + UNSAID_LIFE_S
