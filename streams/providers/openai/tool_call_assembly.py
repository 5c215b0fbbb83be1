"""Assembly of tool calls from the chunks of a stream.

A part belongs to the call with its id, else to that with its index, else to the last one: Gemini
sends whole calls, all with index 0 and distinct ids; some servers send no index, others repeat the
id in every part.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from streams.providers.answer_fields import Json, bad_answer, few_calls, json_text, name, part
from streams.providers.port import ChatCall, ToolCallDelta
from streams.providers.tools.call_ids import fresh_id, ids_of

_CALL_FIELDS = ("extra_content", "thought_signature")


@dataclass(slots=True, eq=False)
class _PartialCall:
    """A call so far. `identity` is the server's id, `given` the one in the call's first delta."""

    place: int
    index: object
    identity: str | None = None
    name: str | None = None
    given: str | None = None
    arguments: list[str] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)


class ToolCallAssembly:
    """The tool calls of one answer, in the order of their first parts. `size` is about the size of
    what is kept, in bytes.
    """

    def __init__(self, call: ChatCall) -> None:
        self.size = 0
        self._seed = call.call_id
        self._messages = call.body.get("messages")
        self._taken: set[str] | None = None
        self._calls: list[_PartialCall] = []

    def add(self, piece: object) -> ToolCallDelta | None:
        """Add a part; return its delta, `None` for a part without anything to pass on. A call
        without a name so far waits for it.

        Raises:
            ProviderError: BAD_RESPONSE; the part is malformed, or there are too many calls.
        """
        if not isinstance(piece, dict):
            raise bad_answer("has a malformed tool call")
        call = self._call_of(piece)
        function = part(piece, "function")
        if call.name is None:
            call.name = name(function.get("name")) or None
        for field_name in _CALL_FIELDS:
            value = piece.get(field_name)
            if value:
                call.more[field_name] = value
                self.size += len(json_text(value))
        text = _arguments(function)
        if text:
            call.arguments.append(text)
            self.size += len(text)
        if call.name is None:
            return None
        if call.given is None:
            return self._first(call)
        if not text:
            return None
        return ToolCallDelta(index=call.place, call_id=None, name=None, arguments=text)

    def whole(self) -> list[dict[str, Any]]:
        """Return the calls as in a message."""
        return [
            {
                "id": call.given or call.identity,
                "type": "function",
                "function": {"name": call.name, "arguments": "".join(call.arguments)},
                **call.more,
            }
            for call in self._calls
        ]

    def _first(self, call: _PartialCall) -> ToolCallDelta:
        if self._taken is None:
            self._taken = ids_of(self._messages)
        call.given = fresh_id(call.identity, self._taken, self._seed, call.place)
        return ToolCallDelta(
            index=call.place,
            call_id=call.given,
            name=call.name,
            arguments="".join(call.arguments),
        )

    def _call_of(self, piece: Json) -> _PartialCall:
        identity, index = name(piece.get("id")) or None, piece.get("index")
        for call in reversed(self._calls):
            if identity is not None and call.identity is not None:
                is_same = identity == call.identity
            elif index is not None:
                is_same = index == call.index
            else:
                is_same = identity is None
            if is_same:
                call.identity = call.identity or identity
                return call
        call = _PartialCall(place=len(self._calls), index=index, identity=identity)
        self._calls.append(call)
        few_calls(self._calls)
        return call


def _arguments(function: Json) -> str:
    given = function.get("arguments")
    if not isinstance(given, str | dict | None):
        raise bad_answer("has a tool call with arguments that are not an object")
    # Some compatible servers send the arguments as an object instead of text.
    return json_text(given) if isinstance(given, dict) else given or ""
