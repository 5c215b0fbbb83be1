"""Probes of components by their own protocols."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from core.kafka.access import KafkaAccess

_TIMEOUT_S = 2.0
_MOST = 1024 * 1024


def http_answers(url: str) -> bool:
    """Return whether a URL answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether a component works, and what is wrong with it; one that works may have a problem."""

    is_well: bool
    problem: str | None = None


def health_at(url: str) -> Health:
    """Return the health of a process from its health page."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:
            return Health(is_well=response.status == 200, problem=_fault_in(response.read(_MOST)))
    except urllib.error.HTTPError as error:
        with error:
            body = error.read(_MOST)
        problem = _fault_in(body, "why", "last_error", "state") or f"HTTP {error.code}"
        return Health(is_well=False, problem=problem)
    except OSError:
        return Health(is_well=False, problem="no response")


def _fault_in(body: bytes, *also: str) -> str | None:
    """Return what a health page says is wrong; it may say so in fields named `also`."""
    try:
        report = json.loads(body)
    except ValueError:
        return None
    said = (report.get(name) for name in ("request_fault", *also) if isinstance(report, dict))
    return next((each for each in said if isinstance(each, str) and each), None)


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
