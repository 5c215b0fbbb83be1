"""Assembly of a chat completion from the chunks of its stream.

Source: https://platform.openai.com/docs/api-reference/chat-streaming, and the behaviour of
compatible servers:

| server | difference from OpenAI |
|---|---|
| Mistral | content in parts, text and thinking |
| OpenRouter | reasoning details in parts; an error as a chunk of its own |
| vLLM, xAI | usage so far in every chunk: it is final from the finish reason on |
| some | no `[DONE]`: an answer with a finish reason is whole when the body ends |
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streams.providers.answer_fields import (
    Json,
    bad_answer,
    decode,
    name,
    objects,
    part,
)
from streams.providers.http.event_stream import ServerSentEvent
from streams.providers.openai import usage
from streams.providers.openai.answer import REASONING_TEXTS, error_in, spoken_text, thinking_text
from streams.providers.openai.reasoning_details import ReasoningDetails
from streams.providers.openai.tool_call_assembly import ToolCallAssembly
from streams.providers.port import AnswerDelta, ChatCall, Usage

_DONE = b"[DONE]"
_OK = 200
_TOP = ("id", "model", "service_tier")


class ChatStream:
    """Assembles one answer; see `VendorStream`."""

    def __init__(self, call: ChatCall) -> None:
        self.ended = False
        self._size = 0
        self._top: dict[str, Any] = {}
        self._usage: Json | None = None
        self._is_usage_final = False
        self._choice: object = None
        self._has_choice = False
        self._finish: object = None
        self._content: list[str] | None = None
        self._thoughts: list[str] = []
        self._texts: dict[str, list[str]] = {}
        self._details = ReasoningDetails()
        self._extra: dict[str, Any] = {}
        self._calls = ToolCallAssembly(call)
        self._logprobs: list[Any] = []

    @property
    def is_whole(self) -> bool:
        """Return whether the answer is complete."""
        return self.ended or self._finish is not None

    @property
    def size(self) -> int:
        """Return about the size of what is kept, in bytes."""
        return self._size + self._calls.size

    def read(self, event: ServerSentEvent) -> Iterator[AnswerDelta]:
        """See `VendorStream.read`."""
        if not event.data or event.data.isspace():
            return
        if event.data.startswith(_DONE):
            self.ended = True
            return
        chunk = decode(event.data, _OK)
        error = error_in({"error": chunk} if event.name == "error" else chunk)
        if error is not None:
            # The answer had begun: what it costs is unknown.
            error.status = _OK
            raise error
        for field_name in _TOP:
            value = chunk.get(field_name)
            if value and field_name not in self._top:
                self._keep(value, field_name)
        choice = self._choice_in(chunk)
        if choice is not None:
            yield from self._of_choice(choice, len(event.data))
        used = part(chunk, "usage")
        if used:
            self._usage = used
            self._is_usage_final = choice is None or self._finish is not None

    def document(self) -> dict[str, Any]:
        """See `VendorStream.document`."""
        choice = {
            "index": 0,
            "message": self._message(),
            "logprobs": {"content": self._logprobs} if self._logprobs else None,
            "finish_reason": self._finish,
        }
        choices = [choice] if self._has_choice else []
        return {**self._top, "choices": choices, "usage": self._usage}

    def final_usage(self) -> Usage | None:
        """See `VendorStream.final_usage`."""
        if self._usage is None or not self._is_usage_final:
            return None
        return usage.usage(self._usage, name(self._top.get("service_tier")))

    def _keep(self, value: object, field_name: str) -> None:
        self._top[field_name] = value
        self._size += len(value) if isinstance(value, str) else 0

    def _choice_in(self, chunk: Json) -> dict[str, Any] | None:
        """Return the first choice's part; the others of a server that gives several are ignored."""
        for choice in objects(chunk.get("choices")):
            if not self._has_choice:
                self._has_choice, self._choice = True, choice.get("index")
            if choice.get("index") == self._choice:
                return choice
        return None

    def _of_choice(self, choice: Json, size: int) -> Iterator[AnswerDelta]:
        failure = error_in(choice)
        if failure is not None:
            failure.status = _OK
            raise failure
        if choice.get("finish_reason") is not None:
            self._finish = choice["finish_reason"]
        tokens = part(choice, "logprobs").get("content")
        if isinstance(tokens, list):
            self._logprobs.extend(tokens)
            self._size += size
        # Some servers give the whole message in one event, others give the message so far beside
        # each delta.
        delta = part(choice, "delta" if "delta" in choice else "message")
        for field_name in REASONING_TEXTS:
            yield from self._reasoning(delta, field_name)
        yield from self._spoken(delta.get("content"))
        refusal = delta.get("refusal")
        if isinstance(refusal, str):
            self._add("refusal", refusal)
        details = delta.get("reasoning_details")
        if details:
            self._details.add(objects(details))
            self._size += size
        if part(delta, "extra_content"):
            self._extra = delta["extra_content"]
            self._size += size
        calls = delta.get("tool_calls")
        if calls:
            if not isinstance(calls, list):
                raise bad_answer("has tool calls that are not a list")
            for each in calls:
                found = self._calls.add(each)
                if found is not None:
                    yield AnswerDelta(tool_call=found)

    def _add(self, field_name: str, text: str) -> None:
        self._texts.setdefault(field_name, []).append(text)
        self._size += len(text)

    def _reasoning(self, delta: Json, field_name: str) -> Iterator[AnswerDelta]:
        text = delta.get(field_name)
        if not isinstance(text, str) or not text:
            return
        self._add(field_name, text)
        # Some servers give both fields, with the same text.
        if field_name == next(iter(self._texts_of_reasoning())):
            yield AnswerDelta(reasoning=text)

    def _texts_of_reasoning(self) -> Iterator[str]:
        return (each for each in self._texts if each in REASONING_TEXTS)

    def _spoken(self, content: object) -> Iterator[AnswerDelta]:
        if content is None:
            return
        text = spoken_text(content) or ""
        if isinstance(content, list):
            thinking = thinking_text(content)
            if thinking:
                self._thoughts.append(thinking)
                self._size += len(thinking)
                yield AnswerDelta(reasoning=thinking)
        if self._content is None:
            self._content = []
        if text:
            self._content.append(text)
            self._size += len(text)
            yield AnswerDelta(content=text)

    def _message(self) -> dict[str, Any]:
        texts = {field_name: "".join(pieces) for field_name, pieces in self._texts.items()}
        message: dict[str, Any] = {"role": "assistant", "content": None, **texts}
        calls = self._calls.whole()
        if self._content is not None:
            text = "".join(self._content)
            # OpenAI begins each answer with an empty text, also one without any.
            is_void = not text and (calls or texts.get("refusal"))
            message["content"] = None if is_void else text
        if self._thoughts:
            message.setdefault("reasoning_content", "".join(self._thoughts))
        details = self._details.whole()
        if details:
            message["reasoning_details"] = details
        if self._extra:
            message["extra_content"] = self._extra
        if calls:
            message["tool_calls"] = calls
        return message
