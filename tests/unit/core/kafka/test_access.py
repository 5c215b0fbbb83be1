"""One set of settings configures every Kafka client, and no output shows a secret."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from pydantic import ValidationError

from core.kafka.access import OPEN, KafkaAccess
from infra.settings import InfraSettings
from schemas.errors import ConfigurationError
from sinks.settings import SinkSettings
from streams.offset_metadata.delivery_attempts import DeliveryAttempts
from streams.worker.faust_app import build_app
from streams.worker.settings import WorkerSettings
from tests.rig.kafka.secure_kafka import Authority

SECRET = "never-to-be-shown"
BY_PASSWORD = {
    "kafka_security_protocol": "SASL_SSL",
    "kafka_sasl_username": "me",
    "kafka_sasl_password": SECRET,
}


def test_without_settings_connections_are_plaintext_and_unauthenticated() -> None:
    assert OPEN.kafka_at("k:1") == {"bootstrap_servers": "k:1", "security_protocol": "PLAINTEXT"}
    assert OPEN.librdkafka_at("k:1") == {
        "bootstrap.servers": "k:1",
        "security.protocol": "PLAINTEXT",
    }


@pytest.mark.parametrize("settings", [WorkerSettings, SinkSettings, InfraSettings])
def test_every_process_reads_it_from_the_same_variables(
    settings: type[KafkaAccess], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(f"{SECRET}\n")
    monkeypatch.setenv("SLUICE_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("SLUICE_KAFKA_SASL_USERNAME", "me")
    monkeypatch.setenv("SLUICE_KAFKA_SASL_PASSWORD_FILE", str(file))
    found = settings().kafka_at("k:1")
    assert found["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (found["sasl_plain_username"], found["sasl_plain_password"]) == ("me", SECRET)


@pytest.mark.parametrize("settings", [WorkerSettings, SinkSettings, InfraSettings])
@pytest.mark.parametrize(
    "servers",
    [
        "kafka1.example",
        "k:",
        ":9092",
        "k:99999",
        "k:1,",
        "k:x",
        "k:0",
        "a b:1",
        "PLAINTEXT://k:9092",
    ],
)
def test_an_address_without_a_port_is_refused_by_name(
    settings: type[KafkaAccess], servers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_KAFKA_BOOTSTRAP_SERVERS", servers)
    with pytest.raises(ValidationError, match="expected host:port"):
        settings()


@pytest.mark.parametrize("servers", ["k:9092", "a:1, b:2", "[::1]:9092"])
def test_addresses_are_host_and_port(servers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_KAFKA_BOOTSTRAP_SERVERS", servers)
    assert WorkerSettings().kafka_bootstrap_servers == servers


def test_both_client_libraries_get_the_same_settings(tmp_path: Path) -> None:
    authority = Authority(tmp_path).make()
    access = KafkaAccess.of(**BY_PASSWORD, kafka_ca_file=authority.ca)
    config = access.librdkafka_at("k:1")
    assert config["security.protocol"] == access.kafka_at("k:1")["security_protocol"]
    assert (config["sasl.username"], config["sasl.password"]) == ("me", SECRET)
    assert config["ssl.ca.location"] == str(authority.ca)


def test_brokers_must_present_a_valid_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path).make()
    context = KafkaAccess.of(kafka_security_protocol="SSL", kafka_ca_file=authority.ca).kafka_at(
        "k:1"
    )["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.cert_store_stats()["x509_ca"] == 1


@pytest.mark.parametrize("settings", [WorkerSettings, SinkSettings, InfraSettings])
def test_no_repr_shows_a_secret(settings: type[KafkaAccess]) -> None:
    url = f"http://me:{SECRET}@host:8123"
    more: dict[str, Any] = {} if settings is WorkerSettings else {"clickhouse_url": url}
    given = settings(**BY_PASSWORD, kafka_oauth_client_secret=SECRET, **more)
    assert SECRET not in repr(given)
    assert SECRET not in str(given)
    assert SECRET not in repr(given.kafka_at("k:1"))
    assert SECRET not in repr(given.librdkafka_at("k:1"))


def _refused(**settings: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        KafkaAccess.of(**settings).kafka_at("k:1")
    assert SECRET not in str(caught.value)
    return str(caught.value)


def test_a_missing_setting_or_file_is_named(tmp_path: Path) -> None:
    sasl = {"kafka_security_protocol": "SASL_PLAINTEXT"}
    assert "SLUICE_KAFKA_SASL_USERNAME" in _refused(**sasl, kafka_sasl_password=SECRET)
    assert "SLUICE_KAFKA_SASL_PASSWORD_FILE" in _refused(**sasl, kafka_sasl_username="me")
    assert "SLUICE_KAFKA_OAUTH_TOKEN_FILE" in _refused(**sasl, kafka_sasl_mechanism="OAUTHBEARER")
    gone = tmp_path / "gone"
    assert "No such file" in _refused(
        **sasl, kafka_sasl_username="me", kafka_sasl_password_file=gone
    )
    gone.write_text(" \n")
    assert "is empty" in _refused(**sasl, kafka_sasl_username="me", kafka_sasl_password_file=gone)
    assert "SLUICE_KAFKA_KEY_FILE" in _refused(kafka_security_protocol="SSL", kafka_cert_file=gone)


def test_a_file_that_holds_no_certificate_is_named(tmp_path: Path) -> None:
    empty = tmp_path / "ca.pem"
    for content in (None, "", "no certificate"):
        if content is not None:
            empty.write_text(content)
        message = _refused(kafka_security_protocol="SSL", kafka_ca_file=empty)
        assert "SLUICE_KAFKA_CA_FILE" in message


def test_a_key_with_a_passphrase_is_refused_without_a_prompt(tmp_path: Path) -> None:
    authority = Authority(tmp_path).make()
    cert, key = authority.issue("me")
    own = KafkaAccess.of(kafka_security_protocol="SSL", kafka_cert_file=cert, kafka_key_file=key)
    assert own.kafka_at("k:1")["ssl_context"]
    key.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"word"),
        )
    )
    message = _refused(kafka_security_protocol="SSL", kafka_cert_file=cert, kafka_key_file=key)
    assert "SLUICE_KAFKA_KEY_FILE" in message


def test_faust_uses_the_same_security_settings(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("abc")
    ways: list[dict[str, Any]] = [
        {},
        {"kafka_security_protocol": "SSL"},
        BY_PASSWORD,
        {**BY_PASSWORD, "kafka_security_protocol": "SASL_PLAINTEXT"},
        {
            "kafka_security_protocol": "SASL_SSL",
            "kafka_sasl_mechanism": "OAUTHBEARER",
            "kafka_oauth_token_file": token,
        },
    ]
    for way in ways:
        settings = WorkerSettings(**way)
        ours = settings.kafka
        theirs = credentials_to_aiokafka_auth(
            build_app(settings, None, DeliveryAttempts("i")).conf.broker_credentials
        )
        for name in ("security_protocol", "sasl_mechanism", "sasl_plain_password"):
            assert theirs.get(name) == ours.get(name), (way, name)
        for name in ("ssl_context", "sasl_oauth_token_provider"):
            assert type(theirs.get(name)) is type(ours.get(name)), (way, name)


PAIRS: list[tuple[type[Any], str, Any, str]] = [
    (WorkerSettings, "SLUICE_REGISTRY_KEY", {}, "registry_keys"),
    (InfraSettings, "SLUICE_REGISTRY_KEY", {}, "registry_keys"),
    (SinkSettings, "SLUICE_CLICKHOUSE_PASSWORD", {}, "clickhouse_secret"),
    (
        WorkerSettings,
        "SLUICE_KAFKA_SASL_PASSWORD",
        {"kafka_security_protocol": "SASL_SSL", "kafka_sasl_username": "me"},
        "",
    ),
    (
        SinkSettings,
        "SLUICE_KAFKA_OAUTH_CLIENT_SECRET",
        {
            "kafka_security_protocol": "SASL_SSL",
            "kafka_sasl_mechanism": "OAUTHBEARER",
            "kafka_oauth_token_url": "https://login.example/t",
            "kafka_oauth_client_id": "me",
        },
        "",
    ),
]


@pytest.mark.parametrize(("settings", "name", "more", "setting"), PAIRS)
def test_a_secret_is_set_in_one_place(
    settings: type[Any],
    name: str,
    more: dict[str, Any],
    setting: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "secret"
    file.write_text("abcdefghij" * 4)

    def used() -> Any:
        given = settings(**more)
        return getattr(given, setting) if setting else given.kafka_at("k:1")

    monkeypatch.setenv(f"{name}_FILE", str(file))
    used()
    monkeypatch.setenv(name, "")
    used()
    monkeypatch.setenv(name, "abcdefghij" * 4)
    with pytest.raises(ConfigurationError, match=f"{name} and {name}_FILE are both set"):
        used()


@pytest.mark.parametrize("servers", ["PLAINTEXT://k:9092", "k:9092,SASL_SSL://k:9093"])
def test_an_address_with_a_protocol_names_the_setting_of_the_protocol(
    servers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_KAFKA_BOOTSTRAP_SERVERS", servers)
    with pytest.raises(ValidationError, match="SLUICE_KAFKA_SECURITY_PROTOCOL"):
        WorkerSettings()
