"""A streamed answer, ready to send: frames of server-sent events."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFrames:
    """Frames in their order: the first, the pieces of the answer, over which its latency is spread,
    and the last, before which the call is booked. `error` may come instead of the rest.
    """

    opening: bytes
    pieces: tuple[bytes, ...]
    closing: bytes
    error: bytes
