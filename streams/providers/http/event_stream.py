"""Server-sent events, parsed from pieces of a body of any length; pure.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html. Lines end with LF, CR or
CRLF. Comments, `id` and `retry` are ignored. Other than in a browser, an event that no empty line
ends is still an event when the body is complete: some servers end with `data: [DONE]` alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.topics import MAX_ANSWER_BYTES
from streams.providers.http.exchange import too_large

_BOM = b"\xef\xbb\xbf"
_DATA = b"data:"
_LINE_ENDS = b"\r\n"
_CR, _LF = b"\r", b"\n"
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """An event: its name, empty if it has none, and its data lines, joined by LF."""

    name: str
    data: bytes


class EventStreamParser:
    """Parses one stream. It keeps at most one event, of `MAX_ANSWER_BYTES`."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._data: bytearray | None = None
        self._name = ""
        self._begun = False
        self._after_cr = False

    def feed(self, piece: bytes) -> list[ServerSentEvent]:
        """Return the events that this piece completes.

        Raises:
            ProviderError: BAD_RESPONSE; a line or an event is larger than `MAX_ANSWER_BYTES`.
        """
        if self._after_cr and piece[:1] == _LF:
            # The second half of a CRLF.
            piece = piece[1:]
            self._after_cr = False
        found: list[ServerSentEvent] = []
        if not piece:
            return found
        for part in piece.splitlines(keepends=True):
            line = part.rstrip(_LINE_ENDS)
            if len(line) == len(part):
                self._keep(line)
            elif self._line:
                self._keep(line)
                whole = bytes(self._line)
                self._line.clear()
                self._read(whole, found)
            else:
                self._read(line, found)
        self._after_cr = piece[-1:] == _CR
        return found

    def finish(self) -> list[ServerSentEvent]:
        """Return the event that the end of the body completes, if any."""
        found: list[ServerSentEvent] = []
        if self._line:
            self._read(bytes(self._line), found)
            self._line.clear()
        self._read(b"", found)
        return found

    def _keep(self, part: bytes) -> None:
        self._line += part
        if len(self._line) > MAX_ANSWER_BYTES:
            raise too_large(200)

    def _read(self, line: bytes, found: list[ServerSentEvent]) -> None:
        if not self._begun:
            self._begun = True
            line = line.removeprefix(_BOM)
        if line.startswith(_DATA):
            self._add(line[5:])
        elif line:
            name, _, value = line.partition(b":")
            if name == b"event":
                self._name = value.removeprefix(b" ")[:_LONGEST_NAME].decode("utf-8", "replace")
            elif name == b"data":
                self._add(value)
        else:
            if self._data is not None:
                found.append(ServerSentEvent(self._name, bytes(self._data)))
                self._data = None
            self._name = ""

    def _add(self, value: bytes) -> None:
        value = value.removeprefix(b" ")
        if self._data is None:
            self._data = bytearray(value)
            return
        self._data += _LF
        self._data += value
        if len(self._data) > MAX_ANSWER_BYTES:
            raise too_large(200)
