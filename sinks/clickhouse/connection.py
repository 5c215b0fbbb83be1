"""Connections to ClickHouse by its URL: one for asyncio, one for commands and queries."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error as DriverError

from core.credentials import Hidden
from schemas.errors import ConfigurationError
from sinks.errors import ClickHouseRefusedError, UnreachableError
from sinks.settings import SinkSettings

if TYPE_CHECKING:
    from clickhouse_connect.driver import AsyncClient  # it imports aiohttp: commands do without

CONNECT_TIMEOUT_S = 3
ANSWER_TIMEOUT_S = 60

_NO_TABLES = frozenset({60, 81})
"""ClickHouse's codes for an unknown table and an unknown database."""

_NOT_LET_IN = frozenset({192, 193, 194, 516})
"""ClickHouse's codes for an unknown user, a wrong or missing password, and failed authentication.
"""

_BEFORE = "DB::Exception: "
_BEHIND = re.compile(r" \((?:version|for url) [^()]{0,200}\)")
"""Text that the driver adds to ClickHouse's message."""

logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())

LOST = (OSError, asyncio.TimeoutError)
"""Exceptions of a broken connection besides the driver's own errors."""


def _address(settings: SinkSettings) -> dict[str, Any]:
    url = urlsplit(settings.clickhouse_url)
    if url.scheme not in {"http", "https"} or not url.hostname or not _has_port(url):
        raise ConfigurationError(
            "SLUICE_CLICKHOUSE_URL must be an http(s) URL such as http://localhost:8123"
        )
    settings.clickhouse_tls  # noqa: B018 - its faults are ours to tell, not the driver's
    return {
        "interface": url.scheme,
        "host": url.hostname,
        "port": url.port or (8443 if url.scheme == "https" else 8123),
        **_who(settings, url),
        **(_certificates(settings) if url.scheme == "https" else {}),
        "connect_timeout": CONNECT_TIMEOUT_S,
        "send_receive_timeout": ANSWER_TIMEOUT_S,
        "autogenerate_session_id": False,
        "compress": False,
    }


def _has_port(url: SplitResult) -> bool:
    """Return whether the port of a URL is a 16-bit number or missing."""
    try:
        return url.port is None or url.port > 0
    except ValueError:
        return False


def _who(settings: SinkSettings, url: SplitResult) -> dict[str, Any]:
    given = settings.clickhouse_secret
    user = unquote(url.username) if url.username else settings.clickhouse_user
    if user is not None and not user.isprintable():
        raise ConfigurationError(
            "the user of SLUICE_CLICKHOUSE_URL or SLUICE_CLICKHOUSE_USER has a line break or "
            "another character that no HTTP header can have"
        )
    return {
        "username": user,
        "password": Hidden(unquote(url.password) if url.password else given or ""),
    }


def _certificates(settings: SinkSettings) -> dict[str, Any]:
    files = {
        "ca_cert": settings.clickhouse_ca_file,
        "client_cert": settings.clickhouse_cert_file,
        "client_cert_key": settings.clickhouse_key_file,
    }
    found: dict[str, Any] = {name: str(file) for name, file in files.items() if file is not None}
    if settings.clickhouse_cert_file is not None:
        # With a password the certificate only opens the connection; without one it authenticates.
        alone = settings.clickhouse_secret is None
        found["tls_mode"] = "mutual" if alone else "strict"
    return found


async def knock_at_clickhouse(settings: SinkSettings) -> None:
    """Check once whether ClickHouse accepts the connection; the caller waits for an unreachable
    one.

    Raises:
        ConfigurationError: ClickHouse rejected the connection: a wrong user or password, or an
            untrusted certificate.
    """
    try:
        client = await connect_async(settings)
    except UnreachableError:
        return
    except ClickHouseRefusedError as error:
        if error.code in _NOT_LET_IN:
            raise ConfigurationError(
                f"{error}; check SLUICE_CLICKHOUSE_USER and SLUICE_CLICKHOUSE_PASSWORD_FILE"
            ) from error
        return
    await client.close()


def connect(settings: SinkSettings) -> Client:
    """Return a client for migrations and queries.

    Raises:
        UnreachableError: no response at the URL.
        ConfigurationError: the URL is invalid, or the certificate is not trusted.
    """
    address = _address(settings)
    try:
        return clickhouse_connect.get_client(**address)
    except (DriverError, *LOST) as error:
        _refuse_untrusted(error)
        problem = sink_error(error)
        if isinstance(problem, ClickHouseRefusedError):
            raise problem from error
        raise UnreachableError(
            f"ClickHouse is unreachable at {address['host']}:{address['port']}. Start the local "
            "pipeline: sluice up --detach. Or set your own: SLUICE_CLICKHOUSE_URL"
        ) from error


async def connect_async(settings: SinkSettings) -> AsyncClient:
    """Return a client for asyncio.

    Raises:
        UnreachableError: no response at the URL.
        ConfigurationError: the URL is invalid, or the certificate is not trusted.
    """
    try:
        return await clickhouse_connect.get_async_client(**_address(settings))
    except (DriverError, *LOST) as error:
        _refuse_untrusted(error)
        raise sink_error(error) from error


def _refuse_untrusted(error: BaseException) -> None:
    """Raise a `ConfigurationError` for an untrusted certificate, which retries cannot resolve."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            # aiohttp's subclass lacks OpenSSL's message.
            why = getattr(cause, "verify_message", None) or "TLS gives no reason"
            raise ConfigurationError(
                f"ClickHouse's certificate is not trusted ({why}); set the CA that "
                "signed it in SLUICE_CLICKHOUSE_CA_FILE"
            ) from error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, its causes, and the exceptions that HTTP libraries keep as arguments."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        inner = [
            *each.args,
            getattr(each, "reason", None),
            getattr(each, "certificate_error", None),
        ]
        waiting += [each.__cause__, each.__context__]
        waiting += [one for one in inner if isinstance(one, BaseException)]


def sink_error(error: Exception) -> UnreachableError | ClickHouseRefusedError:
    """Map a driver's error: a response of ClickHouse has a code, a broken connection has none."""
    code = getattr(error, "code", None)
    if isinstance(code, int):
        advice = " Create the tables: sluice migrate." if code in _NO_TABLES else ""
        reason = _BEHIND.sub("", str(error).rpartition(_BEFORE)[2])
        return ClickHouseRefusedError(
            f"ClickHouse rejected the query: {reason[:400]}{advice}", code=code
        )
    return UnreachableError(f"ClickHouse is unreachable: {str(error)[:200]}")
