"""Connections to ClickHouse out of its URL: one for asyncio, one for commands and queries."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any
from urllib.parse import unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver import AsyncClient
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error as DriverError

from schemas.errors import ConfigurationError
from sinks.errors import RefusedError, UnreachableError
from sinks.settings import SinkSettings

CONNECT_TIMEOUT_S = 3
ANSWER_TIMEOUT_S = 60

_NO_TABLES = frozenset({60, 81})
"""ClickHouse's codes for an unknown table and an unknown database."""

_WRAPPING = re.compile(r"^.*DB::Exception: |\s*\(version [^)]*\)|\s*\(for url [^)]*\)")
"""What the driver puts around the words of ClickHouse."""

logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())

LOST = (OSError, asyncio.TimeoutError)
"""What a connection that breaks raises besides the driver's own errors."""


def _address(settings: SinkSettings) -> dict[str, Any]:
    url = urlsplit(settings.clickhouse_url)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ConfigurationError(
            "SLUICE_CLICKHOUSE_URL must be an http(s) URL such as http://localhost:8123"
        )
    return {
        "interface": url.scheme,
        "host": url.hostname,
        "port": url.port or (8443 if url.scheme == "https" else 8123),
        "username": unquote(url.username) if url.username else None,
        "password": unquote(url.password or ""),
        "connect_timeout": CONNECT_TIMEOUT_S,
        "send_receive_timeout": ANSWER_TIMEOUT_S,
        "autogenerate_session_id": False,
        "compress": False,
    }


def connect(settings: SinkSettings) -> Client:
    """A client for migrations and queries.

    Raises:
        UnreachableError: nobody answers at the URL.
        ConfigurationError: it is no URL.
    """
    address = _address(settings)
    try:
        return clickhouse_connect.get_client(**address)
    except (DriverError, *LOST) as error:
        problem = sink_error(error)
        if isinstance(problem, RefusedError):
            raise problem from error
        raise UnreachableError(
            f"ClickHouse does not answer at {address['host']}:{address['port']}. Start the local "
            "pipeline: sluice up --detach. Or name yours: SLUICE_CLICKHOUSE_URL"
        ) from error


async def connect_async(settings: SinkSettings) -> AsyncClient:
    """A client for asyncio.

    Raises:
        UnreachableError: nobody answers at the URL.
        ConfigurationError: it is no URL.
    """
    try:
        return await clickhouse_connect.get_async_client(**_address(settings))
    except (DriverError, *LOST) as error:
        raise sink_error(error) from error


def sink_error(error: Exception) -> UnreachableError | RefusedError:
    """What a driver's error means: an answer of ClickHouse has a code, a broken connection none."""
    code = getattr(error, "code", None)
    if isinstance(code, int):
        advice = " Create the tables: sluice migrate." if code in _NO_TABLES else ""
        said = _WRAPPING.sub("", str(error))
        return RefusedError(f"ClickHouse refused: {said[:400]}{advice}", code=code)
    return UnreachableError(f"ClickHouse does not answer: {str(error)[:200]}")
