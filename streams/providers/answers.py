"""Reading what a provider sent, without trusting its shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from streams.providers.base import ErrorClass, ProviderError

Json = Mapping[str, Any]

RESERVED = frozenset(
    {"model", "messages", "n", "stream", "stream_options", "max_tokens", "max_completion_tokens"}
)
"""What `extra_body` may not set: the call's own choices, on which routing and prices rest."""


def decode(body: bytes, status: int) -> dict[str, Any]:
    """The JSON object in an answer.

    Raises:
        ProviderError: BAD_RESPONSE; it is not JSON, or not an object.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise bad_answer("is not JSON", status) from None
    if not isinstance(document, dict):
        raise bad_answer("is not a JSON object", status)
    return document


def encode(body: Json) -> bytes:
    """A body as JSON bytes.

    Raises:
        ProviderError: BAD_REQUEST; it holds what JSON cannot.
    """
    try:
        return orjson.dumps(body)
    except TypeError:
        raise ProviderError(
            ErrorClass.BAD_REQUEST, "the request holds a value that JSON cannot express"
        ) from None


def bad_answer(what: str, status: int = 200) -> ProviderError:
    """The error of an answer that came but can't be used."""
    return ProviderError(ErrorClass.BAD_RESPONSE, f"the answer {what}", status=status)


def with_extra(body: dict[str, Any], extra: object) -> dict[str, Any]:
    """`body` with the fields of `extra_body` laid over it, in place.

    Raises:
        ProviderError: BAD_REQUEST; `extra_body` sets a field that is the call's own.
    """
    if not isinstance(extra, Mapping):
        return body
    taken = sorted(RESERVED.intersection(extra))
    if taken:
        raise ProviderError(
            ErrorClass.BAD_REQUEST, f"extra_body may not set {', '.join(taken)}", status=None
        )
    body.update(extra)
    return body


def count(value: object) -> int | None:
    """A token count, `None` for anything that is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def text(value: object) -> str | None:
    """A string, `None` for anything else."""
    return value if isinstance(value, str) else None


def part(document: Json, name: str) -> Json:
    """An object inside a document, empty if it isn't one."""
    value = document.get(name)
    return value if isinstance(value, dict) else {}
