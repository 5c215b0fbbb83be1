"""The two wire formats, as the server uses them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from infra.simulator.anthropic import request_checks, stream, wire
from infra.simulator.call_facts import CheckedCall, RequestRejectedError
from infra.simulator.openai import request_checks as openai_rules
from infra.simulator.openai import stream as openai_stream
from infra.simulator.openai import wire as openai_wire
from infra.simulator.stream_frames import StreamFrames


@dataclass(frozen=True, slots=True, kw_only=True)
class WireFormat:
    """A wire format: validation of bodies, encoding of responses, streams and errors.
    `not_json` is the message for a body that is no JSON object.
    """

    name: str
    not_json: str
    read: Callable[[Mapping[str, Any]], CheckedCall]
    answer: Callable[..., bytes]
    stream: Callable[..., StreamFrames]
    error: Callable[[int, str], bytes]
    refusal: Callable[[RequestRejectedError], bytes]
    special: Mapping[str, tuple[int, bytes]]


OPENAI = WireFormat(
    name="openai",
    not_json="We could not parse the JSON body of your request. The OpenAI API expects a JSON "
    "payload, but what was sent was not valid JSON.",
    read=openai_rules.read,
    answer=openai_wire.answer,
    stream=openai_stream.stream,
    error=openai_wire.error,
    refusal=openai_wire.refusal,
    special=openai_wire.SPECIAL,
)
ANTHROPIC = WireFormat(
    name="anthropic",
    not_json="The request body is not valid JSON",
    read=request_checks.read,
    answer=wire.answer,
    stream=stream.stream,
    error=wire.error,
    refusal=wire.refusal,
    special=wire.SPECIAL,
)


def respond(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a JSON response."""
    return web.Response(status=status, body=body, headers=headers, content_type="application/json")
