"""Access of a process to the registry topic: the Kafka connection, and the keys of its records."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from core.credentials import secret
from core.kafka.access import KafkaAccess
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
