"""How the sink connects to ClickHouse: certificates verified, secrets hidden."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import ConfigurationError
from sinks.clickhouse.connection import connect, knock_at_clickhouse
from sinks.clickhouse.ping import Reachable
from sinks.settings import SinkSettings
from tests.rig.kafka.secure_kafka import Authority
from tests.rig.kafka.tls_proxy import tls_before

SECRET = "never-to-be-shown"


class StandingClock:
    def now_ms(self) -> int:
        return 0

    def elapsed_s(self) -> float:
        return 0.0


def test_plain_http_has_no_certificates() -> None:
    assert SinkSettings(clickhouse_url="http://host:8123").clickhouse_tls is None


def test_a_password_is_read_from_its_file_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{SECRET}\n")
    settings = SinkSettings(clickhouse_user="me", clickhouse_password_file=file)
    assert settings.clickhouse_secret == SECRET
    assert SECRET not in repr(settings.clickhouse_secret)


@pytest.mark.parametrize(
    "wrong",
    [
        {"clickhouse_ca_file": "gone.pem"},
        {"clickhouse_cert_file": "gone.pem"},
        {"clickhouse_cert_file": "gone.pem", "clickhouse_key_file": "gone.key"},
    ],
)
def test_unusable_files_are_named_before_any_query(wrong: dict[str, Any]) -> None:
    settings = SinkSettings(clickhouse_url="https://127.0.0.1:1", **wrong)
    with pytest.raises(ConfigurationError, match="SLUICE_CLICKHOUSE_"):
        connect(settings)


async def _http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nOk.\n")
    await writer.drain()
    writer.close()


def test_only_a_server_with_a_certificate_of_the_configured_authority_is_used(
    tmp_path: Path,
) -> None:
    ours = Authority(tmp_path / "ours").make()
    other = Authority(tmp_path / "other", "Somebody else").make()

    async def case() -> None:
        server = await asyncio.start_server(_http, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with tls_before(port, ours.issue("clickhouse")) as tls:
            url = f"https://127.0.0.1:{tls}"

            def settings_with(authority: Authority) -> SinkSettings:
                return SinkSettings(clickhouse_url=url, clickhouse_ca_file=authority.ca)

            def reachable(context: ssl.SSLContext | None) -> Reachable:
                return Reachable(url, StandingClock(), context)

            assert await reachable(settings_with(ours).clickhouse_tls)()
            assert not await reachable(settings_with(other).clickhouse_tls)()
            with pytest.raises(ConfigurationError, match="certificate is not trusted"):
                await knock_at_clickhouse(settings_with(other))
        server.close()
        await server.wait_closed()

    asyncio.run(case())
