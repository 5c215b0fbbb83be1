"""Assembly of a message from the events of Anthropic's stream.

Source: https://docs.anthropic.com/en/api/messages-streaming. `message_start` has the message
without content, and the usage of the input; `message_delta` the stop reason, and usage so far,
which corrects the first. Unknown events, and deltas that do not fit their block, are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streams.providers.answer_fields import Json, bad_answer, decode, few_parts, part, text
from streams.providers.anthropic import usage
from streams.providers.anthropic.block_assembly import (
    BlockAssembly,
    ContentGate,
    TextAssembly,
    ThinkingAssembly,
    ToolUseAssembly,
)
from streams.providers.anthropic.request import requested_json
from streams.providers.http.event_stream import ServerSentEvent
from streams.providers.port import AnswerDelta, ChatCall, Usage
from streams.providers.refusals.classification import error_object, refusal_of
from streams.providers.tools.call_ids import ids_of

_OK = 200
_ERROR = "error"


class MessageStream:
    """Assembles one answer; see `VendorStream`."""

    def __init__(self, call: ChatCall) -> None:
        self.ended = False
        self._call = call
        self._json_by = requested_json(call)
        self._gate = ContentGate(self._json_by)
        self._kept = 0
        self._message: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._is_usage_final = False
        self._blocks: list[BlockAssembly] = []
        self._by_index: dict[int, BlockAssembly] = {}
        self._taken: set[str] | None = None
        self._tools = 0

    @property
    def is_whole(self) -> bool:
        """Return whether the answer is complete."""
        return self.ended

    @property
    def size(self) -> int:
        """Return about the size of what is kept, in bytes."""
        return self._kept

    def read(self, event: ServerSentEvent) -> Iterator[AnswerDelta]:
        """See `VendorStream.read`."""
        if not event.data or event.data.isspace():
            return
        document = decode(event.data, _OK)
        kind = text(document.get("type"))
        if _ERROR in {kind, event.name} or document.get(_ERROR):
            error = refusal_of(500, error_object(document), inside=True)
            # The answer had begun: what it costs is unknown.
            error.status = _OK
            raise error
        if kind == "content_block_delta":
            yield from self._block(document).add(part(document, "delta"), self._count)
        elif kind == "content_block_start":
            yield from self._begun(document, len(event.data))
        elif kind == "content_block_stop":
            yield from self._block(document).finish()
        elif kind == "message_start":
            self._message = dict(part(document, "message"))
            self._usage.update(_known(part(self._message, "usage")))
            self._kept += len(event.data)
        elif kind == "message_delta":
            self._message.update(_known(part(document, "delta")))
            used = _known(part(document, "usage"))
            self._usage.update(used)
            self._is_usage_final = "output_tokens" in used
            self._kept += len(event.data)
        elif kind == "message_stop":
            self.ended = True

    def document(self) -> dict[str, Any]:
        """See `VendorStream.document`."""
        content = [block.whole() for block in self._blocks]
        return {**self._message, "content": content, "usage": self._usage}

    def final_usage(self) -> Usage | None:
        """See `VendorStream.final_usage`."""
        return usage.usage(self._usage) if self._is_usage_final else None

    def _count(self, kept: int) -> None:
        self._kept += kept

    def _block(self, document: Json) -> BlockAssembly:
        index = document.get("index")
        found = self._by_index.get(index) if isinstance(index, int) else None
        if found is None:
            raise bad_answer("has a part of a block that was not begun")
        return found

    def _begun(self, document: Json, size: int) -> Iterator[AnswerDelta]:
        index, start = document.get("index"), dict(part(document, "content_block"))
        if not isinstance(index, int) or index in self._by_index:
            raise bad_answer("begins a block without a number of its own")
        block = self._assembly(start)
        self._blocks.append(block)
        few_parts(self._blocks)
        self._by_index[index] = block
        self._kept += size
        yield from block.begin()

    def _assembly(self, start: dict[str, Any]) -> BlockAssembly:
        kind = start.get("type")
        if kind == "text":
            return TextAssembly(start, self._gate)
        if kind == "thinking":
            return ThinkingAssembly(start)
        if kind != "tool_use":
            return BlockAssembly(start)
        if self._taken is None:
            self._taken = ids_of(self._call.body.get("messages"))
        number, self._tools = self._tools, self._tools + 1
        return ToolUseAssembly(
            start, number, self._taken, self._call.call_id, is_content=self._json_by == "tool"
        )


def _known(fields: Json) -> dict[str, Any]:
    """Return the fields with a value: null says nothing about an earlier one."""
    return {name: value for name, value in fields.items() if value is not None}
