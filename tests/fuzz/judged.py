"""Provider answers through both adapters and every check that a worker makes of them.

What a worker does without a pause of the event loop is one step, and each step is timed: reading an
answer, judging it (`evaluate_answer` pauses before), and what follows behind an `await`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from random import Random
from typing import Any

import orjson

from infra.devstack.registry import local_registry
from schemas.encoding import exact_json
from streams.providers.answer_fields import decode
from streams.providers.anthropic import answer
from streams.providers.http.exchange import Exchange
from streams.providers.openai import answer as openai_answer
from streams.providers.port import ChatCall, Completion, ProviderError, Timeouts
from streams.providers.refusals.classification import refusal
from streams.redaction.redactor import KINDS, redact
from streams.registry.version import parse_registry
from streams.routing.confidence.agreement import agreement
from streams.routing.confidence.scorers import Answered, confidence_in, score_by_article
from streams.routing.confidence.second_opinion import judge_body, read_judgement
from streams.routing.features.request_features import text_of
from streams.routing.llm.classification import read_opinion
from tests.fuzz.answers import make_answer
from tests.fuzz.values import WORDS

LARGEST = 2 * 1024 * 1024
LARGE_SHARE = 0.01
"""Share of answers that fill what an answer may hold: each takes as long as hundreds of others."""

CROWD_SHARE = 0.002
"""Share of answers that are hardly more than values, of one kind and at one place."""

_LANDSCAPE = parse_registry(
    local_registry("http://127.0.0.1:1").replace("confidence: checks", "confidence: learned")
).snapshot
_MODEL = next(iter(_LANDSCAPE.models.values()))
_UNITS = (
    *(
        "```json\n",
        "```\n",
        "`",
        "\n",
        " ",
        "\t",
        "\r\n",
        "{",
        "[",
        '{"a":',
        "[1,",
        '"',
        "\\",
        "\\n",
    ),
    *("a", "aA", "ab ", "1", "1.", "9,", "1/2 ", "= ", "- ", "* ", "# ", "| a ", "|--", "$", "$$"),
    *("\\boxed{", "\\frac{1}{", "}", "]", ")", "(", "<", "</", "<a>", "&#", "%", "http://", "a@"),
    *(
        "@b.",
        "sk-",
        "-----BEGIN ",
        "Bearer ",
        "DE00",
        "::",
        "<a:token>x</",
        "name: token, ",
        " -u a:b",
        "1.2.3.",
        "+49 ",
        "4111 1111 ",
    ),
    *("Wait, ", "I think ", "Therefore ", "Answer: ", "because ", "not ", "sorry ", "As an AI "),
    *("漢", "字。", "日本語", "한국", "ا", "العربية ", "हिन्दी ", "ไทย", "é", "ß", "Ω ", "İ", "ǅ"),
    *("🙂", "\u0301", "\u200d", "\u202e", "\ufeff", "\u2028", "\x00", "\x1b[2J", "\ud7ff"),
)
_BODIES: tuple[dict[str, Any], ...] = (
    {},
    {"response_format": {"type": "json_object"}},
    {
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": "s",
                "schema": {
                    "type": "object",
                    "properties": {"a": {"type": "array", "items": {"type": "integer"}}},
                    "required": ["a"],
                    "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "object"}]},
                },
            },
        }
    },
    {
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "f",
                    "parameters": {
                        "type": "object",
                        "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}},
                    },
                },
            }
        ]
    },
    {"max_completion_tokens": 10},
)
_QUESTIONS = (
    "What is Kafka?",
    "Answer from the context only.\n\nContext: Kafka is a log. It has 3 brokers.\n\nHow many?",
    "Prove that the sum of two even numbers is even.",
    "用中文回答: 你好吗?",
    "x " * 2_000,
)


def make_judged(seed: int, number: int) -> tuple[str, int, bytes, dict[str, Any], str]:
    """Kind, status, body of an answer, the request's body and the wire format of this number."""
    draw = Random(f"answers/{seed}/{number}")
    wire = draw.choice(("openai", "anthropic"))
    question = draw.choice(_QUESTIONS)
    if draw.random() < LARGE_SHARE:
        unit = draw.choice(_UNITS)
        question += unit * (LARGEST // len(unit.encode()))
    call_fields = {
        "messages": [{"role": "user", "content": question}],
        **draw.choice(_BODIES),
    }
    if draw.random() < 0.3:
        status, body = make_answer(draw, wire)
        return "changed", status, body, call_fields, wire
    if draw.random() < CROWD_SHARE:
        return "crowd", 200, _crowd(draw, wire), call_fields, wire
    kind, text = _text(draw)
    return kind, 200, _assistant_message(text, wire, draw), call_fields, wire


def _text(draw: Random) -> tuple[str, str]:
    large = draw.random() < LARGE_SHARE
    size = LARGEST - 2_000 if large else int(10 ** draw.uniform(0, 4.7))
    units = draw.choices(_UNITS, k=draw.choice((1, 1, 2, 3, 8)))
    unit = "".join(units)
    # JSON escapes grow a text; what is too large on the wire is refused before it is read.
    count = max(1, size // max(len(orjson.dumps(unit)) - 2, 1))
    text = unit * count
    if draw.random() < 0.3:
        text = draw.choice(WORDS) + text + draw.choice((*WORDS, "```", "}", '"}'))
    return ("large" if large else "text"), text


def _assistant_message(text: str, wire: str, draw: Random) -> bytes:
    as_call = draw.random() < 0.15
    if wire == "openai":
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if as_call:
            call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": text}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return orjson.dumps(
            {"id": "x", "model": "m", "choices": [choice],
             "usage": {"prompt_tokens": 9, "completion_tokens": 3}}
        )  # fmt: skip
    part: dict[str, Any] = {"type": "text", "text": text}
    if as_call:
        part = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": text}}
    return orjson.dumps(
        {"id": "m", "type": "message", "model": "m", "stop_reason": "end_turn", "content": [part],
         "usage": {"input_tokens": 9, "output_tokens": 3}}
    )  # fmt: skip


_VALUES = (b"1", b"1.5", b"1e9", b"true", b'""', b'"ab"', b"{}", b"[]", b'{"a":1}', b"[[1.0]]")
_PLACES: Mapping[str, tuple[bytes, ...]] = {
    "openai": (
        b'{"choices":[{"message":{"content":"a"}}],"more":[%s]}',
        b'{"choices":[%s]}',
        b'{"choices":[{"message":{"content":[%s]}}]}',
        b'{"choices":[{"message":{"content":"a","annotations":[%s]}}]}',
        b'{"choices":[{"message":{"tool_calls":[%s]}}]}',
        b'{"choices":[{"message":{"content":"a"},"logprobs":{"content":[%s]}}]}',
        b'{"choices":[{"message":{"content":"a"}}],"usage":{"details":[%s]}}',
    ),
    "anthropic": (
        b'{"type":"message","content":[{"type":"text","text":"a"}],"more":[%s]}',
        b'{"type":"message","content":[%s]}',
        b'{"type":"message","content":[{"type":"tool_use","id":"t","name":"f","input":{"a":[%s]}}]}',
        b'{"type":"message","content":[{"type":"text","text":"a","citations":[%s]}]}',
        b'{"type":"message","content":[{"type":"text","text":"a"}],"usage":{"details":[%s]}}',
    ),
}


def _crowd(draw: Random, wire: str) -> bytes:
    value = draw.choice(_VALUES)
    count = min(LARGEST // (len(value) + 1), int(10 ** draw.uniform(4, 6.3)))
    crowd = b",".join([value] * count)
    if draw.random() < 0.2:
        return _assistant_message(f"[{crowd[: LARGEST // 2].decode()}]", wire, draw)
    return draw.choice(_PLACES[wire]) % crowd


class Judging:
    """Takes answers; `steps` are the longest times (CPU, s) of each step of the latest one."""

    def __init__(self) -> None:
        self.steps: dict[str, float] = {}

    def take(self, status: int, body: bytes, call_fields: Mapping[str, Any], wire: str) -> None:
        """Walk one answer's way."""
        self.steps = {}
        call = ChatCall(
            call_id="c", model="m", body=call_fields, timeouts=Timeouts(), max_output_tokens=None
        )
        if status != 200:
            with self._timed("refusal"):
                refusal(Exchange(status, {}, body), lambda: 0.0)
            return
        read = openai_answer.completion if wire == "openai" else answer.completion
        with self._timed("answer"):
            try:
                completion = read(decode(body, status), call)
            except ProviderError:
                return
            answered = Answered(
                body=call_fields,
                message=completion.message,
                finish_reason=completion.finish_reason,
                logprobs=completion.logprobs,
            )
        with self._timed("confidence"):
            confidence_in(answered, _MODEL, _LANDSCAPE)
        self._beside(completion, answered)

    def _beside(self, completion: Completion, answered: Answered) -> None:
        message = completion.message
        with self._timed("article"):
            score_by_article(answered)
        with self._timed("judgement"):
            read_judgement(message)
            read_opinion(text_of(message.get("content")), _LANDSCAPE)
        with self._timed("judge's question"):
            judge_body(answered, _MODEL)
        with self._timed("agreement"):
            other = {**message, "content": (text_of(message.get("content")) + " x")}
            agreement(message, other)
        with self._timed("redaction"):
            redact(text_of(message.get("content")), KINDS)
        with self._timed("carried"):
            exact_json.dumps(message)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        begun = time.thread_time()
        try:
            yield
        finally:
            self.steps[name] = time.thread_time() - begun
