"""Settings of a client."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.kafka.access import KafkaAccess
from core.kafka.registry_access import ProcessAccess
from schemas.topics import REPLIES, REQUESTS


def _servers() -> str:
    return ProcessAccess().kafka_bootstrap_servers


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """Settings of one client.

    `bootstrap_servers` is by default `SLUICE_KAFKA_BOOTSTRAP_SERVERS`, else `localhost:9092`;
    `access` the environment's `SLUICE_KAFKA_*`. A `reply_topic` other than the shared one must
    exist, and its name must begin with a prefix of the workers' `SLUICE_REPLY_TOPIC_PREFIXES`.
    """

    bootstrap_servers: str = field(default_factory=_servers)
    access: KafkaAccess = field(default_factory=KafkaAccess)
    request_topic: str = REQUESTS
    reply_topic: str = REPLIES

    @property
    def kafka(self) -> dict[str, Any]:
        """Return the connection settings for aiokafka. Raises as `KafkaAccess.kafka_at`."""
        return self.access.kafka_at(self.bootstrap_servers)

    @property
    def librdkafka(self) -> dict[str, Any]:
        """Return the connection settings for librdkafka. Raises as `KafkaAccess.kafka_at`."""
        return self.access.librdkafka_at(self.bootstrap_servers)
