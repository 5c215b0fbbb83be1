"""Access of a process to the registry topic: the Kafka connection, and the keys of its records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from core.credentials import secret
from core.kafka.access import KafkaAccess, Servers
from core.registry_signature import RegistryKeys


class RegistryAccess(KafkaAccess):
    """Settings of the Kafka connection and of signed registry records."""

    model_config = SettingsConfigDict(
        env_prefix="SLUICE_", extra="ignore", hide_input_in_errors=True, frozen=True
    )

    registry_key: SecretStr | None = Field(
        default=None,
        description="Key that signs registry records, at least 32 characters; several, "
        "comma-separated, during rotation: the first signs, all verify. If set, unsigned records "
        "are rejected. Preferably in a file.",
    )
    registry_key_file: Path | None = Field(
        default=None, description="File that holds the key, or keys; read when a process starts."
    )

    @property
    def registry_keys(self) -> RegistryKeys | None:
        """Return the keys; `None` if records are not signed.

        Raises:
            ConfigurationError: the file is unreadable, or a key is easily guessed.
        """
        text = secret(self.registry_key, self.registry_key_file, "SLUICE_REGISTRY_KEY")
        return None if text is None else RegistryKeys.from_text(text)


class ProcessAccess(RegistryAccess):
    """Settings of a process that runs beside one Kafka cluster: worker, sink, gateway."""

    model_config = SettingsConfigDict(
        env_prefix="SLUICE_", extra="ignore", hide_input_in_errors=True, frozen=True
    )

    kafka_bootstrap_servers: Servers = Field(
        default="localhost:9092", description="Kafka bootstrap servers, host:port, comma-separated."
    )

    @property
    def kafka(self) -> dict[str, Any]:
        """Return the connection settings for aiokafka. Raises as `kafka_at`."""
        return self.kafka_at(self.kafka_bootstrap_servers)

    @property
    def librdkafka(self) -> dict[str, Any]:
        """Return the connection settings for librdkafka. Raises like `kafka_at`."""
        return self.librdkafka_at(self.kafka_bootstrap_servers)
