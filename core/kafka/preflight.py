"""Preflight check of the Kafka connection: a rejected process reports the cause and exits.

The clients retry transient errors, and a wrong password looks to them like an unreachable broker.
The check therefore connects once. A rejection is a `KafkaAccessError`. An unreachable broker is
an error only where one must answer; other callers wait for it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiokafka.conn import create_conn
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from schemas.errors import KafkaAccessError, KafkaAwayError

TIMEOUT_MS = 10_000
TRIES = 3
"""A silently closed connection may be a broker that shuts down. This many in a row, a second apart,
are a rejection.
"""

_PAUSE_S = 1.0
_CONNECT_S = 1.0
_WRONG_HOST = frozenset({62, 64})
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""


_UNREACHABLE = frozenset(
    (
        *("KafkaConnectionError", "KafkaTimeoutError", "NoBrokersAvailable", "NodeNotReadyError"),
        *("RequestTimedOutError", "_ALL_BROKERS_DOWN", "_MSG_TIMED_OUT", "_TIMED_OUT"),
        "_TRANSPORT",
    )
)
"""Errors of aiokafka and librdkafka for an unreachable broker."""


def kafka_problem(error: Exception, bootstrap_servers: str | None = None) -> str:
    """Return the message for an error of either client, or of the network; usually that Kafka is
    unreachable.
    """
    inner = error.args[0] if error.args and hasattr(error.args[0], "str") else None
    name = inner.name() if inner is not None else type(error).__name__
    if name in _UNREACHABLE or (isinstance(error, OSError) and not isinstance(error, KafkaError)):
        return no_answer(bootstrap_servers)
    reason = inner.str() if inner is not None else str(error)
    return f"Kafka rejected the request: {reason or name}"


def no_answer(bootstrap_servers: str | None = None) -> str:
    """Return the message for a Kafka that does not answer. It tries to connect, for a second at
    most, to tell a broker that hangs from one that is not there.
    """
    at = f" at {bootstrap_servers}" if bootstrap_servers else ""
    if bootstrap_servers and any(map(_listens, bootstrap_servers.split(","))):
        return (
            f"Kafka{at} accepts connections but does not answer: its process is paused, starting "
            "or overloaded, or another program has this port. Check the broker and its log; local "
            "pipeline: sluice status"
        )
    return (
        f"Kafka{at} is unreachable. Start the local pipeline: sluice up --detach. Or set your own: "
        "SLUICE_KAFKA_BOOTSTRAP_SERVERS"
    )


def _listens(server: str) -> bool:
    """Return whether something accepts connections there."""
    host, _, port = server.strip().rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_S).close()
    except (OSError, ValueError):
        return False
    return True


class _ClosedError(Exception):
    """The broker closed the connection; `args[0]` gives the probable cause."""


async def check_connection(
    kafka: Mapping[str, Any],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    *,
    must_answer: bool = False,
) -> None:
    """Request metadata from one broker, with aiokafka settings.

    Raises:
        KafkaAwayError: no broker answers, and one must.
        KafkaAccessError: the broker rejected the connection; gives the cause and the setting.
    """
    settings = dict(kafka)
    for server in str(settings.pop("bootstrap_servers")).split(","):
        fault = await _fault_at(server.strip(), settings, sleep)
        if fault is None:
            return
        if fault:
            raise KafkaAccessError(f"Kafka at {server.strip()} rejected the connection: {fault}")
    if must_answer:
        servers = str(kafka["bootstrap_servers"])
        raise KafkaAwayError(await asyncio.to_thread(no_answer, servers))


async def _fault_at(
    server: str, settings: Mapping[str, Any], sleep: Callable[[float], Awaitable[None]]
) -> str | None:
    """Return the fault at one broker; `None` without one, empty if the broker is unreachable."""
    fault = ""
    for again in range(TRIES):
        if again:
            await sleep(_PAUSE_S)
        try:
            async with asyncio.timeout(TIMEOUT_MS / 1000):
                await _query_broker(server, settings)
        except _ClosedError as closed:
            fault = str(closed)
        except (KafkaError, OSError, TimeoutError) as error:
            return _in_words(error)
        else:
            return None
    return fault


async def _query_broker(server: str, settings: Mapping[str, Any]) -> None:
    host, _, port = server.rpartition(":")
    try:
        connection = await create_conn(
            host.strip("[]"), int(port), request_timeout_ms=TIMEOUT_MS, **settings
        )
    except (KafkaConnectionError, ConnectionResetError) as error:
        raise _ClosedError(
            "it closed the connection; check SLUICE_KAFKA_SECURITY_PROTOCOL for this port"
        ) from error
    try:
        answer = await connection.send(MetadataRequest([]))
    except KafkaConnectionError as error:
        raise _ClosedError(
            "it does not respond; it may require SASL or SLUICE_KAFKA_CERT_FILE. See "
            "SLUICE_KAFKA_SECURITY_PROTOCOL"
        ) from error
    finally:
        connection.close()
    # The broker sends the reason for a rejected token as a challenge. aiokafka takes it as the end
    # of the handshake, and the rejection that follows as an empty response to the next request.
    if not answer.brokers:
        raise _ClosedError("the token was rejected; check SLUICE_KAFKA_OAUTH_*")


def _in_words(error: BaseException) -> str:
    if isinstance(error, SaslAuthenticationFailed):
        return (
            "the user or password was rejected; check "
            "SLUICE_KAFKA_SASL_USERNAME and SLUICE_KAFKA_SASL_PASSWORD_FILE"
        )
    if isinstance(error, UnsupportedSaslMechanismError):
        return "it does not support this SLUICE_KAFKA_SASL_MECHANISM; set another one"
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _WRONG_HOST:
            return "its certificate is for another host name than the one in the settings"
        return (
            f"its certificate is not trusted ({error.verify_message}); set the CA that "
            "signed it in SLUICE_KAFKA_CA_FILE"
        )
    if isinstance(error, ssl.SSLError):
        return (
            f"TLS failed ({error.reason or 'no reason given'}); check "
            "SLUICE_KAFKA_SECURITY_PROTOCOL for this port; it may require SLUICE_KAFKA_CERT_FILE"
        )
    return ""
