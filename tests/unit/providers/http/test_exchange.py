"""An exchange is bounded in every direction: time, size, place."""

from __future__ import annotations

import asyncio
import gzip
import socket
from typing import Any

import orjson
import pytest
from aiohttp import web

from infra.simulator.faults import InjectedFault
from schemas.topics import MAX_ANSWER_BYTES
from streams.providers.http.exchange import MAX_REQUEST_BYTES
from streams.providers.http.operator_policy import HostPolicy
from streams.providers.port import Endpoint, ErrorClass, ProviderError, Timeouts
from tests.unit.providers.world import (
    FORMATS,
    QUICK,
    answering,
    chat,
    good,
    is_class,
    provider_of,
    raw_server,
    run,
    served,
    simulated,
)

SHORT = 0.05


@pytest.mark.parametrize(
    "timeouts",
    [
        Timeouts(connect=5, read=SHORT, total=30),
        Timeouts(connect=5, read=30, total=SHORT),
    ],
    ids=["read", "total"],
)
def test_a_hanging_provider_is_a_timeout(timeouts: Timeouts) -> None:
    async def case() -> None:
        async with simulated("openai") as wire:
            assert wire.running is not None
            wire.running.faults.replace([InjectedFault(kind="hang")])
            assert is_class(await wire.refused(timeouts=timeouts), ErrorClass.TIMEOUT)

    run(case())


def test_an_answer_that_stops_in_its_middle_is_a_timeout() -> None:
    response = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"

    async def case(timeouts: Timeouts) -> None:
        async with raw_server("openai", response, hold=True) as wire:
            assert is_class(await wire.refused(timeouts=timeouts), ErrorClass.TIMEOUT)

    run(case(Timeouts(connect=5, read=SHORT, total=30)))
    run(case(Timeouts(connect=5, read=30, total=SHORT)))


def test_drops_of_an_answer_do_not_outlast_the_total_time() -> None:
    async def drip(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while request.transport is not None and not request.transport.is_closing():
            await response.write(b" ")
            await asyncio.sleep(0.01)
        return response

    async def case() -> None:
        async with served("openai", drip) as (wire, _):
            timeouts = Timeouts(connect=5, read=5, total=4 * SHORT)
            assert is_class(await wire.refused(timeouts=timeouts), ErrorClass.TIMEOUT)

    run(case())


def test_an_unaccepted_connection_is_abandoned_at_its_timeout() -> None:
    async def case() -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            address = full.getsockname()
            # A backlog of 0 still queues one connection; later ones are not accepted.
            with socket.create_connection(address), socket.socket() as second:
                second.setblocking(False)
                second.connect_ex(address)
                async with provider_of("openai") as provider:
                    place = Endpoint(name="full", base_url=f"http://127.0.0.1:{address[1]}")
                    call = chat("gpt-4o", Timeouts(connect=SHORT, read=30, total=30))
                    with pytest.raises(ProviderError) as caught:
                        await provider.complete(call, place)
                    assert is_class(caught.value, ErrorClass.TIMEOUT)

    run(case())


def test_a_closed_port_is_a_connection_error() -> None:
    async def case() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            async with provider_of("anthropic") as provider:
                port = taken.getsockname()[1]
                place = Endpoint(name="gone", base_url=f"http://127.0.0.1:{port}")
                with pytest.raises(ProviderError) as caught:
                    await provider.complete(chat("m", QUICK), place)
                assert is_class(caught.value, ErrorClass.CONNECTION)

    run(case())


BROKEN: dict[str, tuple[bytes, ErrorClass]] = {
    "no HTTP": (b"hello there\r\n\r\n", ErrorClass.BAD_RESPONSE),
    "a cut body": (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", ErrorClass.BAD_RESPONSE),
    "broken chunks": (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}",
        ErrorClass.BAD_RESPONSE,
    ),
    "broken compression": (
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nabcd",
        ErrorClass.BAD_RESPONSE,
    ),
    "an endless header": (
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 1_000_000 + b"\r\n\r\n{}",
        ErrorClass.BAD_RESPONSE,
    ),
    "nothing": (b"", ErrorClass.CONNECTION),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_answer_has_a_specific_error(what: str) -> None:
    response, wanted = BROKEN[what]

    async def case() -> None:
        async with raw_server("openai", response) as wire:
            error = await wire.refused()
            assert is_class(error, wanted), (error.error_class, str(error))

    run(case())


def _padded(size: int) -> bytes:
    body = orjson.dumps(good("openai"))
    return body + b" " * (size - len(body))


def test_an_answer_is_read_up_to_the_limit_and_not_beyond() -> None:
    async def case() -> None:
        async with served("openai", answering(_padded(MAX_ANSWER_BYTES))) as (wire, _):
            assert (await wire.ask()).message["content"] == "Hello."
        async with served("openai", answering(_padded(MAX_ANSWER_BYTES + 1))) as (wire, _):
            assert is_class(await wire.refused(), ErrorClass.BAD_RESPONSE)

    run(case())


def test_an_answer_that_only_grows_when_unpacked_is_not_read_to_its_end() -> None:
    packed = gzip.compress(b" " * (8 * MAX_ANSWER_BYTES))

    async def case() -> None:
        bomb = answering(packed, headers={"content-encoding": "gzip"})
        async with served("openai", bomb) as (wire, _):
            error = await wire.refused()
            assert is_class(error, ErrorClass.BAD_RESPONSE)
            assert "larger" in str(error)

    run(case())


def test_an_unrequested_compressed_answer_is_read() -> None:
    packed = gzip.compress(orjson.dumps(good("openai")))

    async def case() -> None:
        handler = answering(packed, headers={"content-encoding": "gzip"})
        async with served("openai", handler) as (wire, _):
            assert (await wire.ask()).message["content"] == "Hello."

    run(case())


def test_a_request_that_is_too_large_is_not_sent() -> None:
    async def case() -> None:
        async with served("openai", answering(good("openai"))) as (wire, received):
            messages = [{"role": "user", "content": "x" * MAX_REQUEST_BYTES}]
            error = await wire.refused(messages=messages)
            assert error.error_class is ErrorClass.BAD_REQUEST
            assert not received.bodies

    run(case())


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(name: str, status: int) -> None:
    async def case() -> None:
        moved = answering(b"{}", status, {"location": "/elsewhere"})
        async with served(name, moved) as (wire, received):
            assert is_class(await wire.refused(), ErrorClass.BAD_RESPONSE)
            assert len(received.paths) == 1

    run(case())


def test_connections_are_used_again() -> None:
    ports: set[Any] = set()

    async def note(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername"))
        return await answering(good("openai"))(request)

    async def case() -> None:
        async with served("openai", note) as (wire, _):
            for _ in range(5):
                await wire.ask()

    run(case())
    assert len(ports) == 1


def test_a_cookie_is_not_sent_back() -> None:
    async def case() -> None:
        handler = answering(good("openai"), headers={"set-cookie": "a=b"})
        async with served("openai", handler) as (wire, received):
            await wire.ask()
            await wire.ask()
            assert "Cookie" not in received.headers[1]

    run(case())


def test_a_name_that_leads_to_a_link_local_address_is_not_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    async def case() -> None:
        policy = HostPolicy.from_patterns("*")
        async with provider_of("openai", policy) as provider:
            place = Endpoint(name="trap", base_url="https://metadata.example.org")
            with pytest.raises(ProviderError) as caught:
                await provider.complete(chat("m", QUICK), place)
            assert is_class(caught.value, ErrorClass.CONNECTION)

    run(case())


def test_a_cancelled_caller_is_released_and_the_pool_continues() -> None:
    async def case() -> None:
        requested, answered = asyncio.Event(), asyncio.Event()

        async def slowly(request: web.BaseRequest) -> web.StreamResponse:
            requested.set()
            await answered.wait()
            return await answering(good("openai"))(request)

        async with served("openai", slowly) as (wire, _):
            task = asyncio.create_task(wire.ask())
            await requested.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            answered.set()
            assert (await wire.ask()).message["content"]

    run(case())


def test_a_compressed_answer_of_two_members_is_not_cut_after_the_first() -> None:
    body = orjson.dumps(good("openai"))
    packed = gzip.compress(body[:5]) + gzip.compress(body[5:])

    async def case() -> None:
        handler = answering(packed, headers={"content-encoding": "gzip"})
        async with served("openai", handler) as (wire, _):
            assert is_class(await wire.refused(), ErrorClass.BAD_RESPONSE)

    run(case())


@pytest.mark.parametrize(
    ("packing", "body"), [("gzip", b""), ("gzip", b"abcd"), ("br", b"abcd"), ("zstd", b"abcd")]
)
def test_an_error_is_classified_by_its_status_whatever_its_compression(
    packing: str, body: bytes
) -> None:
    async def case() -> None:
        headers = {"content-encoding": packing, "retry-after": "3"}
        async with served("openai", answering(body, status=429, headers=headers)) as (wire, _):
            error = await wire.refused()
            assert is_class(error, ErrorClass.RATE_LIMITED)
            assert error.retry_after_s == 3

    run(case())
