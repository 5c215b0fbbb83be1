"""Assembly of content blocks from their start and their deltas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from streams.providers.answer_fields import Json, json_text, name, part
from streams.providers.port import AnswerDelta, ToolCallDelta
from streams.providers.tools.call_ids import fresh_id

Count = Callable[[int], None]
"""Receives the size of what is kept, in bytes."""

_FENCE = "`"


class BlockAssembly:
    """A block of any other type: it is kept as it starts (`redacted_thinking`, results of server
    tools), with the input of a server's tool call.
    """

    def __init__(self, start: dict[str, Any]) -> None:
        self._block = start
        self._pieces: dict[str, list[str]] = {}

    def begin(self) -> Iterator[AnswerDelta]:
        """Return the deltas of the block's start."""
        yield from ()

    def add(self, delta: Json, count: Count) -> Iterator[AnswerDelta]:
        """Add a delta of the vendor; return ours."""
        if delta.get("type") == "input_json_delta":
            self._piece("input", delta.get("partial_json"), count)
        yield from ()

    def finish(self) -> Iterator[AnswerDelta]:
        """Return the deltas of the block's end."""
        yield from ()

    def whole(self) -> dict[str, Any]:
        """Return the block."""
        joined = {field: "".join(pieces) for field, pieces in self._pieces.items()}
        return {**self._block, **joined}

    def _piece(self, field: str, text: object, count: Count) -> str:
        """Keep a piece of a field; return its text, empty for anything else."""
        if not isinstance(text, str) or not text:
            return ""
        self._pieces.setdefault(field, []).append(text)
        count(len(text))
        return text

    def _start_with(self, field: str) -> str:
        """Return the text that the block starts with, as the first piece."""
        text = self._block.get(field)
        if not isinstance(text, str) or not text:
            return ""
        self._pieces[field] = [text]
        return text


class ContentGate:
    """Holds back the text of an answer that may not be passed on. `json_by` is how JSON was
    requested: text beside the forced tool is no part of the answer, and a code fence around JSON is
    removed at its end.
    """

    def __init__(self, json_by: str | None) -> None:
        self._is_closed = json_by == "tool"
        self._waiting: list[str] | None = [] if json_by == "text" else None

    def passed(self, text: str) -> str:
        """Return what may be passed on now that this text has arrived."""
        if self._waiting is not None:
            self._waiting.append(text)
            if not text.strip():
                return ""
            text, self._waiting = "".join(self._waiting), None
            self._is_closed = text.lstrip().startswith(_FENCE)
        return "" if self._is_closed else text


class TextAssembly(BlockAssembly):
    """Text, and its citations."""

    def __init__(self, start: dict[str, Any], gate: ContentGate) -> None:
        super().__init__(start)
        self._gate = gate

    def begin(self) -> Iterator[AnswerDelta]:
        """See `BlockAssembly.begin`."""
        return self._passed(self._start_with("text"))

    def add(self, delta: Json, count: Count) -> Iterator[AnswerDelta]:
        """See `BlockAssembly.add`."""
        kind = delta.get("type")
        if kind == "text_delta":
            yield from self._passed(self._piece("text", delta.get("text"), count))
        elif kind == "citations_delta":
            citation = delta.get("citation")
            count(len(json_text(citation)))
            if not isinstance(self._block.get("citations"), list):
                self._block["citations"] = []
            self._block["citations"].append(citation)

    def _passed(self, text: str) -> Iterator[AnswerDelta]:
        passed = self._gate.passed(text) if text else ""
        if passed:
            yield AnswerDelta(content=passed)


class ThinkingAssembly(BlockAssembly):
    """Thinking, with its signature at its end."""

    def begin(self) -> Iterator[AnswerDelta]:
        """See `BlockAssembly.begin`."""
        text = self._start_with("thinking")
        if text:
            yield AnswerDelta(reasoning=text)

    def add(self, delta: Json, count: Count) -> Iterator[AnswerDelta]:
        """See `BlockAssembly.add`."""
        kind = delta.get("type")
        if kind == "thinking_delta":
            text = self._piece("thinking", delta.get("thinking"), count)
            if text:
                yield AnswerDelta(reasoning=text)
        elif kind == "signature_delta" and isinstance(delta.get("signature"), str):
            self._block["signature"] = delta["signature"]
            count(len(delta["signature"]))

    def finish(self) -> Iterator[AnswerDelta]:
        """See `BlockAssembly.finish`."""
        signature = self._block.get("signature")
        if isinstance(signature, str) and signature:
            yield AnswerDelta(thinking_signature=signature)


class ToolUseAssembly(BlockAssembly):
    """A tool call, the answer's `number`-th. With `is_content` the input of the first call is the
    answer's text, and the others are no part of it.
    """

    def __init__(
        self, start: dict[str, Any], number: int, taken: set[str], seed: str, *, is_content: bool
    ) -> None:
        super().__init__(start)
        self._number = number
        self._is_content = is_content
        self._name = name(start.get("name"))
        self._is_passed = False
        if not is_content:
            self._block["id"] = fresh_id(name(start.get("id")), taken, seed, number)

    def begin(self) -> Iterator[AnswerDelta]:
        """See `BlockAssembly.begin`."""
        if self._name and not self._is_content:
            call = ToolCallDelta(index=self._number, call_id=self._block["id"], name=self._name)
            yield AnswerDelta(tool_call=call)

    def add(self, delta: Json, count: Count) -> Iterator[AnswerDelta]:
        """See `BlockAssembly.add`."""
        if delta.get("type") == "input_json_delta":
            yield from self._passed(self._piece("input", delta.get("partial_json"), count))

    def finish(self) -> Iterator[AnswerDelta]:
        """See `BlockAssembly.finish`."""
        if not self._is_passed:
            given = self._block.get("input")
            is_text = isinstance(given, str) and bool(given)
            yield from self._passed(
                str(given) if is_text else json_text(part(self._block, "input"))
            )

    def _passed(self, text: str) -> Iterator[AnswerDelta]:
        if not text:
            return
        self._is_passed = True
        if not self._is_content:
            call = ToolCallDelta(index=self._number, call_id=None, name=None, arguments=text)
            yield AnswerDelta(tool_call=call)
        elif self._number == 0:
            yield AnswerDelta(content=text)
