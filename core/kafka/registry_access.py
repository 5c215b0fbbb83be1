"""How a process gets to the registry topic: the way into Kafka, and the keys of its records."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from core.credentials import secret
from core.kafka.access import KafkaAccess
from core.registry_signature import RegistryKeys


class RegistryAccess(KafkaAccess):
    """Settings of the way into Kafka and of signed registry records."""

    model_config = SettingsConfigDict(
        env_prefix="SLUICE_", extra="ignore", hide_input_in_errors=True, frozen=True
    )

    registry_key: SecretStr | None = Field(
        default=None,
        description="Key that signs registry records, at least 32 characters; several, "
        "comma-separated, while keys change: the first signs, all verify. Set, unsigned records "
        "are refused. Better in a file.",
    )
    registry_key_file: Path | None = Field(
        default=None, description="File that holds the key, or keys; read when a process starts."
    )

    @property
    def registry_keys(self) -> RegistryKeys | None:
        """The keys; `None` where records are not signed.

        Raises:
            ConfigurationError: the file can't be read, or a key is easy to guess.
        """
        text = secret(self.registry_key, self.registry_key_file, "SLUICE_REGISTRY_KEY")
        return None if text is None else RegistryKeys.from_text(text)
