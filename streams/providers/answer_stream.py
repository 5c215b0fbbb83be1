"""Reading a streamed answer: from the pieces of a body to deltas and the vendor's whole document.

The document is what the vendor answers without a stream, so one conversion serves both. A server
that ignores the request for a stream sends the document itself: its body begins with a bracket.
Bounds: an event, and the document, have at most `MAX_ANSWER_BYTES`; the body, with the frame around
each token, `MAX_STREAM_BYTES`; and it has at most `MAX_EVENTS` events.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from schemas.topics import MAX_ANSWER_BYTES
from streams.providers.answer_fields import bad_answer, check_crowd, decode, json_text
from streams.providers.http.event_stream import EventStreamParser, ServerSentEvent
from streams.providers.http.exchange import cut_off, too_large
from streams.providers.port import AnswerDelta, DeltaSink, Usage

MAX_STREAM_BYTES = 32 * MAX_ANSWER_BYTES
"""Maximum size of a streamed body: a token of three bytes has a frame of 200 to 300."""

MAX_EVENTS = 500_000
"""Maximum number of events; the longest answers have 130,000 tokens."""

_OK = 200
_WHITE = b" \t\r\n\xef\xbb\xbf"
_BRACKETS = (b"{", b"[")


class VendorStream(Protocol):
    """Assembles a vendor's document from the events of one stream."""

    @property
    def ended(self) -> bool:
        """Return whether the last event was read."""
        ...

    @property
    def is_whole(self) -> bool:
        """Return whether the document is complete, maybe without the last event."""
        ...

    @property
    def size(self) -> int:
        """Return about the size of what is kept, in bytes."""
        ...

    def read(self, event: ServerSentEvent) -> Iterable[AnswerDelta]:
        """Add an event; return the parts of the answer in it.

        Raises:
            ProviderError: the event is an error, of its class, or can't be read: BAD_RESPONSE.
        """
        ...

    def document(self) -> dict[str, Any]:
        """Return the whole document, after the last event."""
        ...

    def final_usage(self) -> Usage | None:
        """Return the final usage if it was read, also of a stream that broke after it."""
        ...


class StreamedAnswer:
    """Reads one body and passes its deltas on."""

    def __init__(self, stream: VendorStream, on_delta: DeltaSink) -> None:
        self._stream = stream
        self._on_delta = on_delta
        self._parser = EventStreamParser()
        self._plain: bytearray | None = None
        self._is_sniffed = False
        self._bytes = 0
        self._events = 0

    def take(self, piece: bytes) -> bool:
        """Read the next piece; return whether the answer needs more.

        Raises:
            ProviderError: the answer is an error, or exceeds a bound.
        """
        self._bytes += len(piece)
        if self._bytes > MAX_STREAM_BYTES:
            raise bad_answer(f"is a stream of more than {MAX_STREAM_BYTES} bytes")
        if not self._is_sniffed:
            piece = self._sniffed(piece)
        if self._plain is None:
            self._pass_on(self._parser.feed(piece))
        else:
            self._plain += piece
            if len(self._plain) > MAX_ANSWER_BYTES:
                raise too_large(_OK)
        return not self._stream.ended

    def document(self) -> dict[str, Any]:
        """Return the document, at the end of the body.

        Raises:
            ProviderError: BAD_RESPONSE; the stream ended early, the document exceeds a bound, or a
                plain answer is not JSON.
        """
        if self._plain is not None:
            return decode(bytes(self._plain), _OK)
        if not self._stream.ended:
            self._pass_on(self._parser.finish())
        if not self._stream.is_whole:
            raise cut_off(_OK)
        found = self._stream.document()
        body = json_text(found).encode()
        if len(body) > MAX_ANSWER_BYTES:
            raise too_large(_OK)
        check_crowd(body, _OK)
        return found

    def _sniffed(self, piece: bytes) -> bytes:
        """Return the piece without white space at the start of the body, which belongs to neither
        kind of answer; the first other byte decides the kind.
        """
        text = piece.lstrip(_WHITE)
        if text:
            self._is_sniffed = True
            if text.startswith(_BRACKETS):
                self._plain = bytearray()
        return text

    def _pass_on(self, events: list[ServerSentEvent]) -> None:
        self._events += len(events)
        if self._events > MAX_EVENTS:
            raise bad_answer(f"is a stream of more than {MAX_EVENTS} events")
        stream, on_delta = self._stream, self._on_delta
        for event in events:
            if stream.ended:
                return
            for delta in stream.read(event):
                on_delta(delta)
            if stream.size > MAX_ANSWER_BYTES:
                raise too_large(_OK)
