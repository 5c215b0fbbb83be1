"""A knock at Kafka's door before anything starts: whoever is not let in is told why, and ends.

The clients retry what may pass, and a wrong password looks to them like a broker that is away. So
it is asked once, plainly: a door that is shut to us is a `ConfigurationError`; a broker that is not
there is nothing that this could know more about, and left to who waits for it.
"""

from __future__ import annotations

import asyncio
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

from schemas.errors import ConfigurationError

TIMEOUT_MS = 10_000
TRIES = 3
"""A connection that is closed without a word may be a broker that is just leaving; so many in a
row, a second apart, are a door that is shut."""

_PAUSE_S = 1.0
_WRONG_HOST = frozenset({62, 64})
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""


_NOBODY_THERE = frozenset(
    (
        *("KafkaConnectionError", "KafkaTimeoutError", "NoBrokersAvailable", "NodeNotReadyError"),
        *("RequestTimedOutError", "_ALL_BROKERS_DOWN", "_TIMED_OUT", "_TRANSPORT"),
    )
)
"""What aiokafka and librdkafka call a broker that is not there."""


def kafka_problem(error: Exception, bootstrap_servers: str | None = None) -> str:
    """What an operator is told of an error of either client, or of the network: mostly that Kafka
    is not there.
    """
    inner = error.args[0] if error.args and hasattr(error.args[0], "str") else None
    name = inner.name() if inner is not None else type(error).__name__
    if name in _NOBODY_THERE or (isinstance(error, OSError) and not isinstance(error, KafkaError)):
        return no_answer(bootstrap_servers)
    said = inner.str() if inner is not None else str(error)
    return f"Kafka refuses: {said or name}"


def no_answer(bootstrap_servers: str | None = None) -> str:
    """What an operator is told when Kafka is not there."""
    at = f" at {bootstrap_servers}" if bootstrap_servers else ""
    return (
        f"Kafka{at} does not answer. Start the local pipeline: sluice up --detach. Or name yours: "
        "SLUICE_KAFKA_BOOTSTRAP_SERVERS"
    )


class _ClosedError(Exception):
    """The broker took our connection and closed it; `args[0]` says what that may mean."""


async def check_connection(
    kafka: Mapping[str, Any], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Ask one broker for its metadata, with settings as aiokafka takes them.

    Raises:
        ConfigurationError: a broker is there and does not let us in; says why and what to set.
    """
    settings = dict(kafka)
    for server in str(settings.pop("bootstrap_servers")).split(","):
        fault = await _fault_at(server.strip(), settings, sleep)
        if fault is None:
            return
        if fault:
            raise ConfigurationError(f"Kafka at {server.strip()} does not let us in: {fault}")


async def _fault_at(
    server: str, settings: Mapping[str, Any], sleep: Callable[[float], Awaitable[None]]
) -> str | None:
    """What is wrong at one broker; `None` for nothing, empty where nobody is there."""
    fault = ""
    for again in range(TRIES):
        if again:
            await sleep(_PAUSE_S)
        try:
            async with asyncio.timeout(TIMEOUT_MS / 1000):
                await _ask(server, settings)
        except _ClosedError as closed:
            fault = str(closed)
        except (KafkaError, OSError, TimeoutError) as error:
            return _in_words(error)
        else:
            return None
    return fault


async def _ask(server: str, settings: Mapping[str, Any]) -> None:
    host, _, port = server.rpartition(":")
    try:
        connection = await create_conn(
            host.strip("[]"), int(port), request_timeout_ms=TIMEOUT_MS, **settings
        )
    except (KafkaConnectionError, ConnectionResetError) as error:
        raise _ClosedError(
            "it closes the connection; is SLUICE_KAFKA_SECURITY_PROTOCOL right for this port?"
        ) from error
    try:
        answer = await connection.send(MetadataRequest([]))
    except KafkaConnectionError as error:
        raise _ClosedError(
            "it answers nothing; does it want SASL, or SLUICE_KAFKA_CERT_FILE? See "
            "SLUICE_KAFKA_SECURITY_PROTOCOL"
        ) from error
    finally:
        connection.close()
    # Why a token is refused comes as a challenge. aiokafka takes it for the end of the handshake,
    # and the refusal that follows for the answer to the next question, which is then empty.
    if not answer.brokers:
        raise _ClosedError("it does not accept our token (SLUICE_KAFKA_OAUTH_*)")


def _in_words(error: BaseException) -> str:
    if isinstance(error, SaslAuthenticationFailed):
        return (
            "it does not accept our user and password "
            "(SLUICE_KAFKA_SASL_USERNAME, SLUICE_KAFKA_SASL_PASSWORD_FILE)"
        )
    if isinstance(error, UnsupportedSaslMechanismError):
        return "it does not offer this SLUICE_KAFKA_SASL_MECHANISM"
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _WRONG_HOST:
            return "its certificate is for another host than the one in the settings"
        return (
            f"its certificate is not trusted ({error.verify_message}); name the authority that "
            "signed it in SLUICE_KAFKA_CA_FILE"
        )
    if isinstance(error, ssl.SSLError):
        return (
            f"TLS fails ({error.reason or 'no reason given'}); is SLUICE_KAFKA_SECURITY_PROTOCOL "
            "right for this port, and does it want SLUICE_KAFKA_CERT_FILE?"
        )
    return ""
