"""TLS in front of a server without it: bytes are forwarded unchanged, on a separate thread."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_CHUNK = 64 * 1024


@contextmanager
def tls_before(port: int, certificate: tuple[Path, Path]) -> Iterator[int]:
    """Terminate TLS for a port of this machine; the port at which that is done."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    loop = asyncio.new_event_loop()
    begun, ended = threading.Event(), asyncio.Event()
    found: list[int] = []

    async def serve() -> None:
        open_pipes: set[asyncio.Task[None]] = set()

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            open_pipes.add(task)
            task.add_done_callback(open_pipes.discard)
            with suppress(OSError, asyncio.CancelledError):
                inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    await asyncio.gather(_pipe(reader, inner_writer), _pipe(inner_reader, writer))
                finally:
                    inner_writer.close()
                    writer.close()

        server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=context)
        found.append(server.sockets[0].getsockname()[1])
        begun.set()
        await ended.wait()
        server.close()
        for task in tuple(open_pipes):
            task.cancel()
        await asyncio.gather(*open_pipes, return_exceptions=True)

    def run() -> None:
        try:
            loop.run_until_complete(serve())
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()

    thread = threading.Thread(target=run, name="tls")
    thread.start()
    begun.wait()
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()
