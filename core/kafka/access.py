"""Kafka connection settings of every process: plaintext, TLS, password or token.

Workers, sinks and commands share one set of `SLUICE_KAFKA_*` settings, translated for both clients
(aiokafka, librdkafka). Certificates are always verified, including host names. Secrets are read
from the environment or a file, and no `repr` shows them.
"""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.credentials import Hidden, secret, tls_context
from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from core.kafka.tokens import TokenSource

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]

Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]


_HOST = re.compile(r"[^\s/@,]{1,255}")


def _reachable(servers: str) -> str:
    if "://" in servers:
        raise PydanticCustomError(
            "kafka_servers",
            "expected host:port without a protocol; SLUICE_KAFKA_SECURITY_PROTOCOL names it",
        )
    for server in servers.split(","):
        host, _, port = server.strip().rpartition(":")
        if (
            not _HOST.fullmatch(host)
            or not (port.isascii() and port.isdecimal())
            or not 0 < int(port) < 65_536
        ):
            raise PydanticCustomError(
                "kafka_servers", "expected host:port, several separated by commas"
            )
    return servers


Servers = Annotated[str, AfterValidator(_reachable)]
"""Broker addresses for the clients: `host:port`, separated by commas."""


class KafkaAccess(BaseSettings):
    """Settings of the Kafka connection."""

    model_config = SettingsConfigDict(
        env_prefix="SLUICE_", extra="ignore", hide_input_in_errors=True, frozen=True
    )

    kafka_security_protocol: Protocol = Field(
        default="PLAINTEXT", description="Protocol to Kafka: with TLS, with SASL, both or neither."
    )
    kafka_ca_file: Path | None = Field(
        default=None,
        description="PEM file of the CAs that sign the brokers' certificates. "
        "Unset: the system's CAs.",
    )
    kafka_cert_file: Path | None = Field(
        default=None, description="PEM file of the client certificate, if brokers require one."
    )
    kafka_key_file: Path | None = Field(
        default=None, description="PEM file of its private key, without a passphrase."
    )
    kafka_sasl_mechanism: Mechanism = Field(
        default="SCRAM-SHA-512", description="SASL mechanism, with a SASL protocol."
    )
    kafka_sasl_username: str | None = Field(default=None, description="User of PLAIN and SCRAM.")
    kafka_sasl_password: SecretStr | None = Field(
        default=None, description="Password of the user; preferably in a file."
    )
    kafka_sasl_password_file: Path | None = Field(
        default=None, description="File that holds the password; read when a process starts."
    )
    kafka_oauth_token_file: Path | None = Field(
        default=None,
        description="OAUTHBEARER: file with the token, renewed by another process; read at every "
        "connection.",
    )
    kafka_oauth_token_url: str | None = Field(
        default=None,
        description="OAUTHBEARER: token endpoint of the identity provider (OAuth 2 client "
        "credentials); https, or http on this machine.",
    )
    kafka_oauth_client_id: str | None = Field(
        default=None, description="OAUTHBEARER: client id at the token endpoint."
    )
    kafka_oauth_client_secret: SecretStr | None = Field(
        default=None, description="OAUTHBEARER: client secret; preferably in a file."
    )
    kafka_oauth_client_secret_file: Path | None = Field(
        default=None, description="OAUTHBEARER: file that holds the client secret."
    )
    kafka_oauth_scope: str | None = Field(default=None, description="OAUTHBEARER: requested scope.")

    @classmethod
    def of(cls, **settings: Any) -> Self:
        """Return these settings with defaults, ignoring the environment."""
        unsaid = {name: field.default for name, field in cls.model_fields.items()}
        return cls(**{**unsaid, **settings})

    @property
    def by_tls(self) -> bool:
        """Return whether connections are encrypted."""
        return self.kafka_security_protocol in {"SSL", "SASL_SSL"}

    @property
    def by_sasl(self) -> bool:
        """Return whether the client authenticates by password or token."""
        return self.kafka_security_protocol in {"SASL_PLAINTEXT", "SASL_SSL"}

    def kafka_at(self, servers: str) -> dict[str, Any]:
        """Return connection settings for aiokafka; `servers` as in its `bootstrap_servers`.

        Raises:
            ConfigurationError: a setting is missing, or its file is unusable.
        """
        found: dict[str, Any] = {
            "bootstrap_servers": servers,
            "security_protocol": self.kafka_security_protocol,
        }
        if self.by_tls:
            found["ssl_context"] = self._tls()
        if not self.by_sasl:
            return found
        found["sasl_mechanism"] = self.kafka_sasl_mechanism
        if self.kafka_sasl_mechanism == "OAUTHBEARER":
            from core.kafka.tokens import AsyncTokens  # noqa: PLC0415 - aiokafka

            found["sasl_oauth_token_provider"] = AsyncTokens(self._tokens())
        else:
            user, password = self._user_and_password()
            found |= {"sasl_plain_username": user, "sasl_plain_password": password}
        return found

    def librdkafka_at(self, servers: str) -> dict[str, Any]:
        """Return the settings for confluent-kafka's clients. Raises like `kafka_at`."""
        found: dict[str, Any] = {
            "bootstrap.servers": servers,
            "security.protocol": self.kafka_security_protocol,
        }
        if self.by_tls:
            self._tls()
            found |= {
                name: str(path)
                for name, path in (
                    ("ssl.ca.location", self.kafka_ca_file),
                    ("ssl.certificate.location", self.kafka_cert_file),
                    ("ssl.key.location", self.kafka_key_file),
                )
                if path is not None
            }
        if not self.by_sasl:
            return found
        found["sasl.mechanism"] = self.kafka_sasl_mechanism
        if self.kafka_sasl_mechanism == "OAUTHBEARER":
            from core.kafka.tokens import LibrdkafkaTokens  # noqa: PLC0415 - aiokafka

            found["oauth_cb"] = LibrdkafkaTokens(self._tokens())
        else:
            user, password = self._user_and_password()
            found |= {"sasl.username": user, "sasl.password": password}
        return found

    def _tls(self) -> ssl.SSLContext:
        if (self.kafka_cert_file is None) != (self.kafka_key_file is None):
            raise ConfigurationError(
                "SLUICE_KAFKA_CERT_FILE and SLUICE_KAFKA_KEY_FILE are required together; set both"
            )
        return tls_context(
            self.kafka_ca_file, self.kafka_cert_file, self.kafka_key_file, of="SLUICE_KAFKA"
        )

    def _tokens(self) -> TokenSource:
        from core.kafka.tokens import TokenEndpoint, TokenFile  # noqa: PLC0415 - aiokafka

        if self.kafka_oauth_token_file is not None:
            return TokenFile(self.kafka_oauth_token_file)
        own = secret(
            self.kafka_oauth_client_secret,
            self.kafka_oauth_client_secret_file,
            "SLUICE_KAFKA_OAUTH_CLIENT_SECRET",
        )
        url, client = self.kafka_oauth_token_url, self.kafka_oauth_client_id
        if not url or not client or own is None:
            raise ConfigurationError(
                "OAUTHBEARER needs SLUICE_KAFKA_OAUTH_TOKEN_FILE, or all of "
                "SLUICE_KAFKA_OAUTH_TOKEN_URL, SLUICE_KAFKA_OAUTH_CLIENT_ID and "
                "SLUICE_KAFKA_OAUTH_CLIENT_SECRET_FILE"
            )
        return TokenEndpoint(url, client, own, self.kafka_oauth_scope)

    def _user_and_password(self) -> tuple[str, Hidden]:
        password = secret(
            self.kafka_sasl_password,
            self.kafka_sasl_password_file,
            "SLUICE_KAFKA_SASL_PASSWORD",
        )
        if not self.kafka_sasl_username or password is None:
            raise ConfigurationError(
                f"{self.kafka_sasl_mechanism} needs SLUICE_KAFKA_SASL_USERNAME and "
                "SLUICE_KAFKA_SASL_PASSWORD_FILE (or SLUICE_KAFKA_SASL_PASSWORD)"
            )
        return self.kafka_sasl_username, password


OPEN = KafkaAccess.of()
"""Plaintext, without authentication."""
