"""Probes of components by their own protocols."""

from __future__ import annotations

import urllib.error
import urllib.request
from urllib.parse import urlsplit, urlunsplit

from core.kafka.access import KafkaAccess

_TIMEOUT_S = 2.0


def http_answers(url: str) -> bool:
    """Return whether a URL answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False


def kafka_answers(bootstrap_servers: str, access: KafkaAccess | None = None) -> bool:
    """Return whether a broker serves metadata; `access` defaults to the environment's."""
    from confluent_kafka import KafkaException  # noqa: PLC0415 - `sluice status` may not need it
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415

    client = AdminClient(
        {
            **(access or KafkaAccess()).librdkafka_at(bootstrap_servers),
            "log_level": 0,
            "socket.timeout.ms": 2000,
        }
    )
    try:
        return bool(client.list_topics(timeout=_TIMEOUT_S).brokers)
    except KafkaException:
        return False


def without_secrets(url: str) -> str:
    """Return a URL without user and password, for display and storage."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
