"""The contract of `HttpClient`, for the client over sockets and its twin in memory."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from schemas.topics import MAX_ANSWER_BYTES
from streams.providers.http.exchange import MAX_REQUEST_BYTES, Exchange, HttpClient
from streams.providers.http.in_memory_client import (
    BodyEnd,
    InMemoryHttpClient,
    ScriptedResponse,
)
from streams.providers.http.pooled_client import PooledHttpClient
from streams.providers.port import ErrorClass, ProviderError, Timeouts
from tests.unit.providers.world import run

LONG = Timeouts(connect=10, read=10, total=20)
SHORT = Timeouts(connect=10, read=0.05, total=20)

Open = Callable[[ScriptedResponse | None], AbstractAsyncContextManager[tuple[HttpClient, str]]]


@asynccontextmanager
async def in_memory(response: ScriptedResponse | None) -> AsyncIterator[tuple[HttpClient, str]]:
    """The twin; without a response nothing listens."""
    refused = ProviderError(ErrorClass.CONNECTION, "refused", sent=False)
    yield InMemoryHttpClient(lambda *_: response or refused), "http://twin/"


@asynccontextmanager
async def over_sockets(response: ScriptedResponse | None) -> AsyncIterator[tuple[HttpClient, str]]:
    """The real client against a server that sends the response; without one nothing listens."""
    client = PooledHttpClient()
    done = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert response is not None
        head = [f"HTTP/1.1 {response.status} X", "transfer-encoding: chunked"]
        head += [f"{name}: {value}" for name, value in response.headers.items()]
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write("\r\n".join(head).encode() + b"\r\n\r\n")
            for piece in response.pieces:
                writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                await writer.drain()
                await asyncio.sleep(0)
            if response.end is BodyEnd.WHOLE:
                writer.write(b"0\r\n\r\n")
            elif response.end is BodyEnd.SILENT:
                await done.wait()
        except ConnectionError:
            pass
        finally:
            writer.close()

    try:
        if response is None:
            with socket.socket() as taken:
                taken.bind(("127.0.0.1", 0))
                yield client, f"http://127.0.0.1:{taken.getsockname()[1]}/"
            return
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        try:
            yield client, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        finally:
            done.set()
            server.close()
    finally:
        await client.close()


OPENINGS: dict[str, Open] = {"twin": in_memory, "sockets": over_sockets}
both = pytest.mark.parametrize("opening", OPENINGS)
METHODS = ("post", "stream")


def ask(
    opening: str,
    response: ScriptedResponse | None,
    method: str = "stream",
    *,
    timeouts: Timeouts = LONG,
    body: bytes = b"{}",
    needs: int = 1_000_000_000,
) -> tuple[Exchange, list[bytes]]:
    """The exchange, and the pieces that were taken until there were as many bytes as `needs`."""
    taken: list[bytes] = []

    def take(piece: bytes) -> bool:
        taken.append(piece)
        return sum(map(len, taken)) < needs

    async def case() -> tuple[Exchange, list[bytes]]:
        async with OPENINGS[opening](response) as (client, url):
            headers = {"content-type": "application/json"}
            if method == "post":
                return await client.post(url, headers, body, timeouts), taken
            return await client.stream(url, headers, body, timeouts, take), taken

    found: tuple[Exchange, list[bytes]] = run(case())
    return found


def refused(
    opening: str, response: ScriptedResponse | None, method: str, **more: object
) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        ask(opening, response, method, **more)  # type: ignore[arg-type]
    return caught.value


@both
def test_a_posted_answer_is_whole_and_a_streamed_one_comes_in_pieces(opening: str) -> None:
    response = ScriptedResponse(headers={"x-a": "b"}, pieces=(b"one ", b"two ", b"three"))
    exchange, _ = ask(opening, response, "post")
    assert (exchange.status, exchange.headers["x-a"]) == (200, "b")
    assert exchange.body == b"one two three"
    exchange, taken = ask(opening, response)
    assert (exchange.status, exchange.headers["x-a"], exchange.body) == (200, "b", b"")
    assert b"".join(taken) == b"one two three"


@both
def test_a_large_piece_is_passed_on_whole(opening: str) -> None:
    body = bytes(range(256)) * 2_000
    _, taken = ask(opening, ScriptedResponse(pieces=(body,)))
    assert b"".join(taken) == body


@both
def test_a_stream_is_left_when_no_more_is_needed(opening: str) -> None:
    response = ScriptedResponse(pieces=(b"one", b"two"), end=BodyEnd.SILENT)
    exchange, taken = ask(opening, response, needs=3)
    assert exchange.status == 200
    assert b"".join(taken).startswith(b"one")


@both
@pytest.mark.parametrize("status", [400, 429, 500])
def test_an_error_is_read_whole_in_both_ways(opening: str, status: int) -> None:
    response = ScriptedResponse(status=status, pieces=(b'{"error"', b": {}}"))
    for method in METHODS:
        exchange, taken = ask(opening, response, method)
        assert (exchange.status, exchange.body, taken) == (status, b'{"error": {}}', [])


@both
@pytest.mark.parametrize("method", METHODS)
def test_a_cut_answer_is_a_bad_response(opening: str, method: str) -> None:
    error = refused(opening, ScriptedResponse(pieces=(b"on",), end=BodyEnd.CUT), method)
    assert (error.error_class, error.status) == (ErrorClass.BAD_RESPONSE, 200)


@both
@pytest.mark.parametrize("method", METHODS)
def test_silence_in_the_middle_is_a_timeout(opening: str, method: str) -> None:
    response = ScriptedResponse(pieces=(b"on",), end=BodyEnd.SILENT)
    error = refused(opening, response, method, timeouts=SHORT)
    assert error.error_class is ErrorClass.TIMEOUT
    assert error.sent


@both
@pytest.mark.parametrize("method", METHODS)
def test_no_listener_is_a_connection_error_of_an_unsent_call(opening: str, method: str) -> None:
    error = refused(opening, None, method)
    assert (error.error_class, error.sent) == (ErrorClass.CONNECTION, False)


@both
@pytest.mark.parametrize("method", METHODS)
def test_a_request_that_is_too_large_is_not_sent(opening: str, method: str) -> None:
    error = refused(opening, ScriptedResponse(), method, body=b" " * (MAX_REQUEST_BYTES + 1))
    assert (error.error_class, error.sent) == (ErrorClass.BAD_REQUEST, False)


@both
@pytest.mark.parametrize("method", METHODS)
def test_a_redirect_is_not_followed(opening: str, method: str) -> None:
    response = ScriptedResponse(status=307, headers={"location": "/elsewhere"})
    assert refused(opening, response, method).error_class is ErrorClass.BAD_RESPONSE


@both
def test_a_posted_answer_and_a_streamed_error_are_limited_in_size(opening: str) -> None:
    pieces = (b" " * 65_536,) * (MAX_ANSWER_BYTES // 65_536 + 1)
    for method, status in (("post", 200), ("post", 500), ("stream", 500)):
        error = refused(opening, ScriptedResponse(status=status, pieces=pieces), method)
        assert error.error_class is ErrorClass.BAD_RESPONSE
        assert "larger than" in str(error)


@both
@pytest.mark.parametrize("size", [1, 7, 1_000_000])
def test_an_unrequested_compression_is_decoded_in_pieces(opening: str, size: int) -> None:
    body = b"data: hello\n\n" * 10_000
    packed = gzip.compress(body)
    pieces = tuple(packed[at : at + size] for at in range(0, len(packed), size))
    response = ScriptedResponse(headers={"content-encoding": "gzip"}, pieces=pieces)
    assert b"".join(ask(opening, response)[1]) == body


UNREADABLE = {
    "no gzip": ("gzip", b"no gzip"),
    "another compression": ("br", b"x"),
    "an early end": ("gzip", gzip.compress(b"x" * 100)[:-4]),
    "two members": ("gzip", gzip.compress(b"x") + gzip.compress(b"y")),
}


@both
@pytest.mark.parametrize("what", UNREADABLE)
def test_a_compression_that_cannot_be_decoded_is_a_bad_response(opening: str, what: str) -> None:
    encoding, body = UNREADABLE[what]
    response = ScriptedResponse(headers={"content-encoding": encoding}, pieces=(body,))
    for method in METHODS:
        assert refused(opening, response, method).error_class is ErrorClass.BAD_RESPONSE


@both
def test_a_bomb_is_left_as_soon_as_enough_was_read(opening: str) -> None:
    packed = gzip.compress(b" " * 100_000_000)
    response = ScriptedResponse(headers={"content-encoding": "gzip"}, pieces=(packed,))
    _, taken = ask(opening, response, needs=100_000)
    assert 100_000 <= sum(map(len, taken)) < 200_000
