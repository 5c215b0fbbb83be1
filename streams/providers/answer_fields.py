"""Reading what a provider sent, without trusting its shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import orjson

from schemas.encoding import exact_json
from schemas.encoding.json_bounds import crowd_in
from streams.providers.port import ErrorClass, ProviderError, Usage
from streams.routing.extra_names import NEVER

Json = Mapping[str, Any]

MAX_TOKENS = 100_000_000
"""Most tokens that a count is believed to be; the largest context windows have ten million."""

MAX_TOOL_CALLS = 1_024
"""Most tool calls of one answer."""

MAX_ANSWER_VALUES, MAX_ANSWER_CONTAINERS = 250_000, 80_000
"""Most values, and most lists and objects of them, in one answer: 2 MiB of log probabilities have
hardly so many.
"""

MAX_PARTS = 10_000
"""Most parts of one answer's content."""

MAX_NAME_CHARACTERS = 256
"""Longest name (of a model, an answer, a service tier) that is taken: each stands in an event."""


def decode(body: bytes, status: int) -> dict[str, Any]:
    """The JSON object in an answer.

    Raises:
        ProviderError: BAD_RESPONSE; it is not JSON, not an object, or of too many values.
    """
    crowd = crowd_in(body, MAX_ANSWER_VALUES, MAX_ANSWER_CONTAINERS)
    if crowd is not None:
        raise bad_answer(f"holds {crowd}", status)
    try:
        document = exact_json.loads(body)
    except orjson.JSONDecodeError:
        raise bad_answer("is not JSON", status) from None
    if not isinstance(document, dict):
        raise bad_answer("is not a JSON object", status)
    return document


def encode(body: Json) -> bytes:
    """A body as JSON bytes.

    Raises:
        ProviderError: INVALID_REQUEST; it holds what JSON cannot.
    """
    try:
        return exact_json.dumps(body)
    except TypeError:
        raise ProviderError(
            ErrorClass.INVALID_REQUEST,
            "the request holds a value that JSON cannot express",
            sent=False,
        ) from None


def _few_enough(values: list[Any], most: int, too_many: str) -> list[Any]:
    """Values of which an answer may hold `most`.

    Raises:
        ProviderError: BAD_RESPONSE; they are more, which `too_many` says.
    """
    if len(values) > most:
        raise bad_answer(f"holds {too_many}")
    return values


def few_calls(calls: list[Any]) -> list[Any]:
    """The tool calls of an answer. Raises as `_few_enough`."""
    return _few_enough(calls, MAX_TOOL_CALLS, f"more than {MAX_TOOL_CALLS} tool calls")


def few_parts(content: list[Any]) -> list[Any]:
    """The parts of an answer's content. Raises as `_few_enough`."""
    return _few_enough(content, MAX_PARTS, f"content of more than {MAX_PARTS} parts")


def bad_answer(what: str, status: int = 200) -> ProviderError:
    """The error of an answer that came but can't be used."""
    return ProviderError(ErrorClass.BAD_RESPONSE, f"the answer {what}", status=status)


@contextmanager
def keeping_usage(used: Usage) -> Iterator[None]:
    """Let the error of an answer that can't be used carry what the call used: it is billed."""
    try:
        yield
    except ProviderError as error:
        if error.usage is None and used != Usage():
            error.usage = used
        raise


def with_extra(body: dict[str, Any], extra: object) -> dict[str, Any]:
    """`body` with the fields of `extra_body` laid over it, in place.

    Raises:
        ProviderError: INVALID_REQUEST; `extra_body` sets a field that is the call's own.
    """
    if not isinstance(extra, Mapping):
        return body
    taken = sorted(NEVER.intersection(extra))
    if taken:
        raise ProviderError(
            ErrorClass.INVALID_REQUEST, f"extra_body may not set {', '.join(taken)}", sent=False
        )
    body.update(extra)
    return body


def count(value: object) -> int | None:
    """A token count, `None` for anything that is none or can't be one."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MAX_TOKENS else None


def believable(usage: Usage, message: Json) -> Usage:
    """Usage without what can't be true of this answer: that is unknown, never zero.

    No prompt has no tokens, and neither has an answer that says something; a part is no larger than
    its whole.
    """
    said = any(message.get(name) for name in ("content", "tool_calls", "refusal"))
    given, made = usage.input_tokens, usage.output_tokens
    if given == 0:
        given = None
    if made == 0 and said:
        made = None
    return replace(
        usage,
        input_tokens=given,
        output_tokens=made,
        reasoning_tokens=_part_of(usage.reasoning_tokens, made),
    )


def _part_of(count: int | None, whole: int | None) -> int | None:
    return None if count is None or whole is None or count > whole else count


def name(value: object) -> str | None:
    """A name that is short enough to keep, `None` for anything else."""
    return value if isinstance(value, str) and len(value) <= MAX_NAME_CHARACTERS else None


def json_text(value: Any) -> str:
    """A value as JSON text.

    Raises:
        ProviderError: BAD_RESPONSE; it is nested deeper than JSON is written.
    """
    try:
        return exact_json.dumps(value).decode()
    except TypeError:
        raise bad_answer("is nested too deeply") from None


def kept(value: Any) -> Any:
    """A value of an answer that is passed on as it is.

    Raises:
        ProviderError: BAD_RESPONSE; it is nested deeper than JSON is written.
    """
    json_text(value)
    return value


MAX_DETAILS = 1_024
"""Most pieces of reasoning that are kept of one answer; a request takes as many back."""


def objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list, empty for anything else."""
    if not isinstance(value, list):
        return []
    return [each for each in value if isinstance(each, dict)][:MAX_DETAILS]


def text(value: object) -> str | None:
    """A string, `None` for anything else."""
    return value if isinstance(value, str) else None


def words_of(piece: Json) -> str:
    """The text of a part that holds text; null is none.

    Raises:
        ProviderError: BAD_RESPONSE; it holds something else.
    """
    said = piece.get("text")
    if not isinstance(said, str | None):
        raise bad_answer("holds text that is none")
    return said or ""


def part(document: Json, name: str) -> Json:
    """An object inside a document, empty if it isn't one."""
    value = document.get(name)
    return value if isinstance(value, dict) else {}
