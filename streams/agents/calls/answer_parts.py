"""Parts of an answer on their way to an HTTP gateway, while the provider still writes it.

The first part is sent at once, later ones at most ten times a second, merged. Nobody waits for
their acknowledgement, and they are not journaled: the reply holds the whole answer, and the gateway
sends from it what did not arrive in parts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson

from core.kafka.producer import Outgoing, PartsPublisher
from schemas.errors import DeliveryError
from schemas.gateway.headers import CALL_ID, SEQUENCE
from schemas.records import ReplyAddress
from streams.providers.port import AnswerDelta, DeltaSink

log = logging.getLogger(__name__)

INTERVAL_S = 0.1
"""Least time between two parts."""

_MERGED = ("content", "reasoning_content")


class AnswerParts:
    """The parts of one call's answer. `model` is the registry name of the called model."""

    def __init__(
        self,
        address: ReplyAddress,
        call_id: str,
        model: str,
        publisher: PartsPublisher,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._address = address
        self._call_id = call_id
        self._model = model
        self._publisher = publisher
        self._pause = pause
        self._unsent: list[dict[str, Any]] = []
        self._news = asyncio.Event()
        self._sequence = 0

    def take(self, delta: AnswerDelta) -> None:
        """Note a part of the answer, as the provider's adapter hands it on."""
        found = _chat_delta(delta)
        kind = next(iter(found), "")
        if self._unsent and kind in _MERGED and self._unsent[-1].keys() == {kind}:
            self._unsent[-1][kind] += found[kind]
        elif found:
            self._unsent.append(found)
        self._news.set()

    async def run(self) -> None:
        """Send parts, until cancelled; a part that cannot be sent ends it."""
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                pending, self._unsent = self._unsent, []
                for delta in pending:
                    await self._publisher.part(self._record(delta))
                await self._pause(INTERVAL_S)
        except DeliveryError as error:
            log.warning("parts of an answer could not be sent, its reply has all: %s", error)

    def _record(self, delta: dict[str, Any]) -> Outgoing:
        address, number = self._address, self._sequence
        self._sequence += 1
        return Outgoing(
            topic=address.topic,
            key=address.key,
            value=orjson.dumps({"model": self._model, "delta": delta}),
            headers=[
                *address.kafka_headers,
                (CALL_ID, self._call_id.encode()),
                (SEQUENCE, str(number).encode()),
            ],
            partition=address.partition,
        )


@asynccontextmanager
async def parts_sent(parts: AnswerParts | None) -> AsyncIterator[DeltaSink | None]:
    """Send the parts of a call while it lasts; `None` sends none. What is unsent at its end is left
    to the reply.
    """
    if parts is None:
        yield None
        return
    sending = asyncio.create_task(parts.run())
    try:
        yield parts.take
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending


def _chat_delta(delta: AnswerDelta) -> dict[str, Any]:
    """Return a part as a delta of chat completions."""
    found: dict[str, Any] = {}
    if delta.reasoning:
        found["reasoning_content"] = delta.reasoning
    if delta.thinking_signature:
        found["thinking_signature"] = delta.thinking_signature
    if delta.content:
        found["content"] = delta.content
    call = delta.tool_call
    if call is not None:
        function = {"arguments": call.arguments}
        begun: dict[str, Any] = {"index": call.index, "function": function}
        if call.call_id is not None:
            begun |= {"id": call.call_id, "type": "function"}
            begun["function"] = {"name": call.name, **function}
        found["tool_calls"] = [begun]
    return found
