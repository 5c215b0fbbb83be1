"""A connection that is closed while a client writes is a broken connection to it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvloop
from aiokafka import conn
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from core.kafka.connections import BreakingConnection, break_as_clients_expect

VERSIONS = {3: (0, 1)}


async def _closed_writer() -> asyncio.StreamWriter:
    """A uvloop writer whose transport is closed."""

    async def serve(_: Any, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.transport.abort()
        await writer.wait_closed()
    return writer


def _send_on_closed(kind: type[AIOKafkaConnection], how: str) -> None:
    async def case() -> None:
        connection = kind("127.0.0.1", 1)
        connection._versions = VERSIONS
        connection._writer = await _closed_writer()
        try:
            if how == "request":
                await connection.send(MetadataRequest([]))
            else:
                await connection._send_sasl_token(b"token")
        finally:
            connection.close()

    uvloop.run(case())


@pytest.mark.parametrize("how", ["request", "token"])
def test_a_closed_transport_is_a_broken_connection(how: str) -> None:
    with pytest.raises(KafkaConnectionError, match="broken"):
        _send_on_closed(BreakingConnection, how)


def test_aiokafka_itself_lets_another_error_through() -> None:
    with pytest.raises(RuntimeError, match="closed"):
        _send_on_closed(AIOKafkaConnection, "request")


def test_the_metadata_of_a_client_are_updated_after_its_connection_broke(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The task that updates them continues."""

    async def case() -> None:
        client = AIOKafkaClient(bootstrap_servers="127.0.0.1:1", metadata_max_age_ms=1)
        connection = BreakingConnection("127.0.0.1", 1)
        connection._versions = VERSIONS
        connection._writer = await _closed_writer()

        async def connections(*_: Any, **__: Any) -> AIOKafkaConnection:
            return connection

        client._get_conn = connections
        client._md_update_waiter = asyncio.get_running_loop().create_future()
        monkeypatch.setattr(client.cluster, "brokers", lambda: [_Broker()])
        updating = asyncio.ensure_future(client._md_synchronizer())
        assert await client.force_metadata_update() is False
        assert not updating.done()
        updating.cancel()
        await asyncio.gather(updating, return_exceptions=True)

    uvloop.run(case())


class _Broker:
    nodeId = 1  # noqa: N815 - aiokafka's name


def test_every_client_of_the_process_has_such_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conn, "AIOKafkaConnection", AIOKafkaConnection)
    break_as_clients_expect()
    break_as_clients_expect()
    assert conn.AIOKafkaConnection is BreakingConnection
