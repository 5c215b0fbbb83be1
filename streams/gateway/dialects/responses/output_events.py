"""Events of output items, one item after the other as the answer's deltas begin them. Pure.

Reasoning and text end when another item begins; tool calls stay open until the end, since servers
may send the arguments of parallel calls in turns.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.client.sent_answer import REASONING, REDACTED, SIGNATURE
from streams.gateway.dialects.responses.answer import (
    COMPLETED,
    IN_PROGRESS,
    INCOMPLETE,
    Item,
    function_call,
    item_id,
    message_item,
    reasoning_item,
    refusal_part,
    summary_part,
    text_part,
)
from streams.gateway.dialects.responses.signed_reasoning import encrypted_content

Event = dict[str, Any]

_TOOL, _TEXT, _REFUSAL = "tool_calls", "content", "refusal"
_REASONING_ITEM, _MESSAGE_ITEM = "rs", "msg"
_FIELDS = (REASONING, SIGNATURE, REDACTED, _TEXT, _REFUSAL)
"""Fields of a delta, in the order in which those of one delta count."""


@dataclass(slots=True)
class _OpenItem:
    """An item: its kind, place and id, and what of it was sent."""

    kind: str
    index: int
    id: str
    call: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    parts: list[Item] = field(default_factory=list)
    part: str = ""
    encrypted: str = ""
    is_open: bool = True


class OutputEvents:
    """The items of one answer, and the events that tell of them, without sequence numbers."""

    def __init__(self, request_id: str) -> None:
        self._request_id = request_id
        self._items: list[_OpenItem] = []
        self._calls: dict[int, _OpenItem] = {}
        self._skipped: set[int] = set()

    def accepts(self, step: Mapping[str, Any]) -> bool:
        """Return whether a step of a part may be sent. A tool call whose first part does not name
        it comes from the reply.
        """
        if _TOOL not in step:
            return True
        call = step[_TOOL][0]
        index = call["index"]
        if index in self._calls:
            return True
        is_first = index == len(self._calls) and not self._skipped
        if is_first and call.get("id") and (call.get("function") or {}).get("name"):
            return True
        self._skipped.add(index)
        return False

    def continues(self, step: Mapping[str, Any]) -> bool:
        """Return whether a step belongs to the message that is open, if one is."""
        last = self._items[-1] if self._items else None
        is_message = last is not None and last.is_open and last.kind == _MESSAGE_ITEM
        return is_message and bool(step.keys() & {_TEXT, _REFUSAL})

    def take(self, step: Mapping[str, Any]) -> Iterator[Event]:
        """Yield the events of a step."""
        if _TOOL in step:
            yield from self._take_call(step[_TOOL][0])
        elif step.keys() & {_TEXT, _REFUSAL}:
            yield from self._take_message(step)
        else:
            yield from self._take_reasoning(step)

    def close(self, *, complete: bool = True) -> Iterator[Event]:
        """Yield the events that end the open items."""
        status = COMPLETED if complete else INCOMPLETE
        for item in self._items:
            yield from self._end(item, status)

    def output(self, status: str) -> list[Item]:
        """Return the items so far; open ones are in this status."""
        return [_shown(item, status if item.is_open else COMPLETED) for item in self._items]

    def _take_reasoning(self, step: Mapping[str, Any]) -> Iterator[Event]:
        if REDACTED in step:
            yield from self._end_last()
            item = yield from self._begin(_REASONING_ITEM)
            item.encrypted = encrypted_content({"type": REDACTED, "data": step[REDACTED]})
            yield from self._end(item, COMPLETED)
            return
        item = yield from self._current(_REASONING_ITEM)
        if SIGNATURE in step:
            signed = {"type": "thinking", "signature": step[SIGNATURE]}
            item.encrypted = encrypted_content(signed)
            yield from self._end(item, COMPLETED)
            return
        if not item.part:
            item.part = "summary"
            yield _summary(item, "part.added", part=summary_part(""))
        item.text += step[REASONING]
        yield _summary(item, "text.delta", delta=step[REASONING])

    def _take_message(self, step: Mapping[str, Any]) -> Iterator[Event]:
        item = yield from self._current(_MESSAGE_ITEM)
        name = _TEXT if _TEXT in step else _REFUSAL
        if item.part != name:
            yield from _end_part(item)
            item.part, item.text = name, ""
            yield _part(item, "content_part.added", part=_content(item))
        item.text += step[name]
        if name == _TEXT:
            yield _part(item, "output_text.delta", delta=step[name], logprobs=[])
        else:
            yield _part(item, "refusal.delta", delta=step[name])

    def _take_call(self, call: Mapping[str, Any]) -> Iterator[Event]:
        item = self._calls.get(call["index"])
        said = (call.get("function") or {}).get("arguments") or ""
        if item is None:
            yield from self._end_last()
            number = len(self._calls)
            item = _OpenItem(
                kind=_TOOL,
                index=len(self._items),
                id=item_id("fc", self._request_id, number),
                call=call,
            )
            self._items.append(item)
            self._calls[call["index"]] = item
            yield _event("output_item.added", item, item=_shown(item, IN_PROGRESS))
        if said:
            item.text += said
            yield _event("function_call_arguments.delta", item, item_id=item.id, delta=said)

    def _current(self, kind: str) -> Generator[Event, None, _OpenItem]:
        """Return the last item if it is an open one of this kind, else begin one."""
        if self._items and self._items[-1].is_open and self._items[-1].kind == kind:
            return self._items[-1]
        yield from self._end_last()
        return (yield from self._begin(kind))

    def _begin(self, kind: str) -> Generator[Event, None, _OpenItem]:
        number = sum(item.kind == kind for item in self._items)
        item = _OpenItem(
            kind=kind, index=len(self._items), id=item_id(kind, self._request_id, number)
        )
        self._items.append(item)
        yield _event("output_item.added", item, item=_shown(item, IN_PROGRESS))
        return item

    def _end_last(self) -> Iterator[Event]:
        if self._items and self._items[-1].kind != _TOOL:
            yield from self._end(self._items[-1], COMPLETED)

    def _end(self, item: _OpenItem, status: str) -> Iterator[Event]:
        if not item.is_open:
            return
        if item.kind == _TOOL:
            yield _event(
                "function_call_arguments.done",
                item,
                item_id=item.id,
                name=item.call["function"]["name"],
                arguments=item.text,
            )
        elif item.kind == _MESSAGE_ITEM:
            yield from _end_part(item)
        elif item.part:
            yield _summary(item, "text.done", text=item.text)
            yield _summary(item, "part.done", part=summary_part(item.text))
        yield _event("output_item.done", item, item=_shown(item, status))
        item.is_open = False


def steps_of(delta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a delta as deltas of one field and at most one tool call each."""
    for name in _FIELDS:
        if delta.get(name):
            yield {name: delta[name]}
    for call in delta.get(_TOOL) or ():
        yield {_TOOL: [call]}


def _shown(item: _OpenItem, status: str) -> Item:
    if item.kind == _TOOL:
        return function_call(item.id, item.call, status, item.text)
    if item.kind == _REASONING_ITEM:
        return reasoning_item(item.id, status, item.text, item.encrypted)
    open_part = [_content(item)] if item.part else []
    return message_item(item.id, status, [*item.parts, *open_part])


def _content(item: _OpenItem) -> Item:
    return text_part(item.text) if item.part == _TEXT else refusal_part(item.text)


def _end_part(item: _OpenItem) -> Iterator[Event]:
    """Yield the end of a message's open part, if there is one."""
    if not item.part:
        return
    if item.part == _TEXT:
        yield _part(item, "output_text.done", text=item.text, logprobs=[])
    else:
        yield _part(item, "refusal.done", refusal=item.text)
    yield _part(item, "content_part.done", part=_content(item))
    item.parts.append(_content(item))
    item.part, item.text = "", ""


def _event(kind: str, of: _OpenItem, /, **fields: Any) -> Event:
    return {"type": f"response.{kind}", "output_index": of.index, **fields}


def _part(item: _OpenItem, kind: str, **fields: Any) -> Event:
    return _event(kind, item, item_id=item.id, content_index=len(item.parts), **fields)


def _summary(item: _OpenItem, kind: str, **fields: Any) -> Event:
    name = f"reasoning_summary_{kind}"
    return _event(name, item, item_id=item.id, summary_index=0, **fields)
