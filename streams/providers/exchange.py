"""One HTTP exchange with a provider: JSON out, JSON back, every failure under its class.

httpx on the aiohttp transport: with 64 calls in flight httpx's own transport spends 2.6 ms of CPU
a call, this one 0.46 (measured). Redirects are not followed, answers are read up to a limit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson
from httpx_aiohttp import AiohttpTransport

from schemas.topics import MAX_ANSWER_BYTES
from streams.providers.base import ErrorClass, ProviderError, Timeouts

MAX_CONNECTIONS = 1_024
REQUEST_ID_HEADER = "X-Client-Request-Id"

_MAX_RESPONSE_BYTES = 2 * MAX_ANSWER_BYTES
_STATUS_CLASSES = {
    400: ErrorClass.BAD_REQUEST,
    401: ErrorClass.AUTH,
    403: ErrorClass.AUTH,
    404: ErrorClass.BAD_REQUEST,
    408: ErrorClass.TIMEOUT,
    413: ErrorClass.CONTEXT_LENGTH,
    422: ErrorClass.BAD_REQUEST,
    429: ErrorClass.RATE_LIMITED,
    503: ErrorClass.OVERLOADED,
    529: ErrorClass.OVERLOADED,
}
_CONTEXT_WORDS = ("context_length", "context window", "prompt is too long", "maximum context")
_FILTER_WORDS = ("content_filter", "content_policy", "responsibleai")
_OVERLOAD_WORDS = ("overloaded",)


class Exchange:
    """Pooled connections to all endpoints of a provider."""

    def __init__(self) -> None:
        limits = httpx.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=60.0)
        self._client = httpx.AsyncClient(
            transport=AiohttpTransport(limits=limits), follow_redirects=False, trust_env=False
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def post(
        self,
        url: str,
        body: Mapping[str, Any],
        headers: Mapping[str, str],
        timeouts: Timeouts,
    ) -> dict[str, Any]:
        """Post a JSON body; the JSON object that came back.

        Raises:
            ProviderError: for every failure, with its class, status and Retry-After.
        """
        request = self._client.build_request(
            "POST",
            url,
            content=orjson.dumps(body),
            headers={"content-type": "application/json", **headers},
            timeout=httpx.Timeout(
                connect=timeouts.connect, read=timeouts.read, write=timeouts.read, pool=None
            ),
        )
        try:
            async with asyncio.timeout(timeouts.total):
                response = await self._client.send(request, stream=True)
                try:
                    content = await _read(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise ProviderError(
                ErrorClass.TIMEOUT, f"no answer within {timeouts.total:g} s"
            ) from None
        except httpx.HTTPError as error:
            raise _transport_error(error) from None
        if response.status_code != httpx.codes.OK:
            raise _status_error(response, content)
        return _object(content)


async def _read(response: httpx.Response) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > _MAX_RESPONSE_BYTES:
            raise ProviderError(
                ErrorClass.BAD_RESPONSE, f"the answer is larger than {_MAX_RESPONSE_BYTES} bytes"
            )
        chunks.append(chunk)
    return b"".join(chunks)


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise ProviderError(ErrorClass.BAD_RESPONSE, "the answer is not JSON") from None
    if not isinstance(value, dict):
        raise ProviderError(ErrorClass.BAD_RESPONSE, "the answer is not a JSON object")
    return value


def _transport_error(error: httpx.HTTPError) -> ProviderError:
    """The transport names some lost connections timeouts; the cause tells them apart."""
    cause = error.__cause__
    if isinstance(error, httpx.TimeoutException) and isinstance(cause, TimeoutError):
        return ProviderError(ErrorClass.TIMEOUT, "the connection or the answer took too long")
    if isinstance(error, httpx.ReadError):
        return ProviderError(ErrorClass.BAD_RESPONSE, "the answer was cut off")
    name = type(cause or error).__name__
    return ProviderError(ErrorClass.CONNECTION, f"the connection failed ({name})")


def _status_error(response: httpx.Response, content: bytes) -> ProviderError:
    status = response.status_code
    code = _error_code(content)
    if any(word in code for word in _CONTEXT_WORDS):
        kind = ErrorClass.CONTEXT_LENGTH
    elif any(word in code for word in _FILTER_WORDS):
        kind = ErrorClass.CONTENT_FILTER
    elif any(word in code for word in _OVERLOAD_WORDS):
        kind = ErrorClass.OVERLOADED
    elif status in _STATUS_CLASSES:
        kind = _STATUS_CLASSES[status]
    elif status >= 500:
        kind = ErrorClass.SERVER
    elif 300 <= status < 400:
        kind = ErrorClass.BAD_RESPONSE
    else:
        kind = ErrorClass.BAD_REQUEST
    return ProviderError(
        kind,
        f"the provider answered {status}",
        status=status,
        retry_after_s=retry_after(response.headers),
    )


def _error_code(content: bytes) -> str:
    """Code, type and message of an error body, lowered; it is matched, never shown."""
    try:
        error = orjson.loads(content).get("error") or {}
        words = [str(error.get(name) or "") for name in ("code", "type", "message")]
    except (orjson.JSONDecodeError, AttributeError):
        return ""
    return " ".join(words).lower()[:2_000]


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """The provider's wish in seconds: `retry-after-ms`, or `Retry-After` (RFC 9110, 10.2.3)."""
    milliseconds = headers.get("retry-after-ms")
    if milliseconds is not None and _is_number(milliseconds):
        return float(milliseconds) / 1000
    value = headers.get("retry-after")
    if value is None:
        return None
    if _is_number(value):
        return float(value)
    try:
        at = parsedate_to_datetime(value).timestamp()
    except ValueError:
        return None
    return max(at - (time.time() if now is None else now), 0.0)


def _is_number(text: str) -> bool:
    return text.strip().replace(".", "", 1).isdigit()
