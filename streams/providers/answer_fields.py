"""Defensive parsing of providers' answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import orjson

from schemas.encoding import exact_json
from schemas.encoding.json_bounds import crowd_in
from streams.providers.port import ErrorClass, ProviderError, Usage
from streams.routing.extra_names import NEVER

Json = Mapping[str, Any]
T = TypeVar("T")

MAX_TOKENS = 100_000_000
"""Largest plausible token count; the largest context windows have ten million."""

MAX_TOOL_CALLS = 1_024
"""Maximum number of tool calls in one answer."""

MAX_ANSWER_VALUES, MAX_ANSWER_CONTAINERS = 250_000, 80_000
"""Maximum number of values, and of lists and objects among them, in one answer: 2 MiB of log
probabilities stay below it.
"""

MAX_PARTS = 10_000
"""Maximum number of parts in one answer's content."""

MAX_NAME_CHARACTERS = 256
"""Maximum length of a name (of a model, an answer, a service tier): each is stored in an event."""


def decode(body: bytes, status: int) -> dict[str, Any]:
    """Return the JSON object in an answer.

    Raises:
        ProviderError: BAD_RESPONSE; it is not JSON, not an object, or has too many values.
    """
    check_crowd(body, status)
    try:
        document = exact_json.loads(body)
    except orjson.JSONDecodeError:
        raise bad_answer("is not JSON", status) from None
    if not isinstance(document, dict):
        raise bad_answer("is not a JSON object", status)
    return document


def check_crowd(body: bytes, status: int) -> None:
    """Check the number of values in an answer.

    Raises:
        ProviderError: BAD_RESPONSE; it has too many.
    """
    crowd = crowd_in(body, MAX_ANSWER_VALUES, MAX_ANSWER_CONTAINERS)
    if crowd is not None:
        raise bad_answer(f"has {crowd}", status)


def encode(body: Json) -> bytes:
    """Serialize a body as JSON bytes.

    Raises:
        ProviderError: INVALID_REQUEST; it contains a value that JSON can't express.
    """
    try:
        return exact_json.dumps(body)
    except TypeError:
        raise ProviderError(
            ErrorClass.INVALID_REQUEST,
            "the request contains a value without a JSON form",
            sent=False,
        ) from None


def _few_enough(values: list[T], most: int, too_many: str) -> list[T]:
    """Return the values if there are at most `most`.

    Raises:
        ProviderError: BAD_RESPONSE; there are more, as described by `too_many`.
    """
    if len(values) > most:
        raise bad_answer(f"has {too_many}")
    return values


def few_calls(calls: list[T]) -> list[T]:
    """Return the tool calls of an answer. Raises as `_few_enough`."""
    return _few_enough(calls, MAX_TOOL_CALLS, f"more than {MAX_TOOL_CALLS} tool calls")


def few_parts(content: list[T]) -> list[T]:
    """Return the parts of an answer's content. Raises as `_few_enough`."""
    return _few_enough(content, MAX_PARTS, f"content of more than {MAX_PARTS} parts")


def bad_answer(what: str, status: int = 200) -> ProviderError:
    """Return the error of a received but unusable answer."""
    return ProviderError(ErrorClass.BAD_RESPONSE, f"the answer {what}", status=status)


@contextmanager
def keeping_usage(used: Usage) -> Iterator[None]:
    """Attach the call's usage to the error of an unusable answer: the call is billed."""
    try:
        yield
    except ProviderError as error:
        if error.usage is None and used != Usage():
            error.usage = used
        raise


def with_extra(body: dict[str, Any], extra: object) -> dict[str, Any]:
    """Set the fields of `extra_body` in `body`, in place.

    Raises:
        ProviderError: INVALID_REQUEST; `extra_body` sets one of the call's own fields.
    """
    if not isinstance(extra, Mapping):
        return body
    taken = sorted(NEVER.intersection(extra))
    if taken:
        raise ProviderError(
            ErrorClass.INVALID_REQUEST, f"extra_body must not set {', '.join(taken)}", sent=False
        )
    body.update(extra)
    return body


def count(value: object) -> int | None:
    """Return a token count; `None` for an invalid or implausible value."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MAX_TOKENS else None


def believable(usage: Usage, message: Json) -> Usage:
    """Return the usage without implausible values, which become unknown, never zero.

    A prompt has tokens, and so has an answer with content; a part is no larger than its whole.
    """
    has_content = any(message.get(name) for name in ("content", "tool_calls", "refusal"))
    given, made = usage.input_tokens, usage.output_tokens
    if given == 0:
        given = None
    if made == 0 and has_content:
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
    """Return a name that is short enough to store; `None` for anything else."""
    return value if isinstance(value, str) and len(value) <= MAX_NAME_CHARACTERS else None


def json_text(value: Any) -> str:
    """Return a value as JSON text.

    Raises:
        ProviderError: BAD_RESPONSE; it is nested too deeply for JSON.
    """
    try:
        return exact_json.dumps(value).decode()
    except TypeError:
        raise bad_answer("is nested too deeply") from None


def kept(value: Any) -> Any:
    """Return a value of an answer that is passed on unchanged.

    Raises:
        ProviderError: BAD_RESPONSE; it is nested too deeply for JSON.
    """
    json_text(value)
    return value


MAX_DETAILS = 1_024
"""Maximum number of reasoning details kept of one answer; a request accepts as many."""


def objects(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list, empty for anything else."""
    if not isinstance(value, list):
        return []
    return [each for each in value if isinstance(each, dict)][:MAX_DETAILS]


def text(value: object) -> str | None:
    """Return a string, `None` for anything else."""
    return value if isinstance(value, str) else None


def words_of(piece: Json) -> str:
    """Return the text of a text part; null is empty.

    Raises:
        ProviderError: BAD_RESPONSE; it has another type.
    """
    content = piece.get("text")
    if not isinstance(content, str | None):
        raise bad_answer("has a text part without text")
    return content or ""


def part(document: Json, name: str) -> Json:
    """Return an object of a document, empty if it is missing or has another type."""
    value = document.get(name)
    return value if isinstance(value, dict) else {}
