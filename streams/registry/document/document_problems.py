"""Conversion of pydantic's errors on a registry document to problems: path, line, expected
value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from schemas.encoding.field_messages import field_errors, field_message
from schemas.errors import ArtifactError
from schemas.identity import NAME
from streams.registry.document.models import API_VERSION
from streams.registry.document.problems import InvalidRegistryError, Problem
from streams.registry.document.yaml_text import YamlText

_NAME = "expected 1 to 64 letters, digits and . _ : -"
PATTERNS = {
    f"^{NAME.pattern}$": _NAME,
    rf"^(\*|{NAME.pattern})$": f"{_NAME}, or * for all tenants",
    r"^[a-z0-9][a-z0-9_-]{0,31}$": "expected 1 to 32 small letters, digits, _ and -",
    r"^https?://[!-~]+$": "expected an address http(s)://host[:port]/path without credentials",
    r"^[A-Z][A-Z0-9_]*$": "expected the name of an environment variable, such as OPENAI_API_KEY",
    API_VERSION: "expected 1 to 64 letters, digits and . _ -, such as 2024-10-21",
    r"^(default|[0-9a-f]{16})$": "expected `default`, or the hash of an artifact in quotes",
}
"""Descriptions of the registry file's regular expressions."""

_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven")
_PATHED = re.compile(r"(?P<path>[A-Za-z_][^\s:]{0,300}): (?P<message>.+)", re.DOTALL)


def problems_in(error: ValidationError, text: YamlText, under: Sequence[str] = ()) -> list[Problem]:
    """Return the problems of a document; `under` is its path in the text."""
    return list(_problems(error, text, tuple(under)))


def artifact_missing(name: str, error: ArtifactError, text: YamlText) -> InvalidRegistryError:
    """Return the error of a document whose learned artifact is missing or invalid."""
    path = ("policy", "learned", "artifact")
    problem = Problem(path=".".join(path), message=str(error), line=text.line(path))
    return InvalidRegistryError(name, [problem])


def _problems(error: ValidationError, text: YamlText, under: tuple[str, ...]) -> Iterator[Problem]:
    errors = field_errors(error)
    wrong = {tuple(item["loc"]) for item in errors}
    for item in errors:
        if item["type"] == "too_short" and any(
            loc[: len(item["loc"])] == item["loc"] for loc in wrong - {item["loc"]}
        ):
            # pydantic counts the valid entries only; invalid ones have errors of their own.
            continue
        path = tuple(str(part) for part in item["loc"] if part != "[key]")
        message = _message(item, path, text)
        for inner, detail in _split(message) if item["type"] == "value_error" else (("", message),):
            whole = (*path, *inner.split(".")) if inner else path
            yield Problem(
                path=".".join(whole) or "document", message=detail, line=text.line((*under, *whole))
            )


def _message(item: dict[str, Any], path: Sequence[str], text: YamlText) -> str:
    message = field_message(item, PATTERNS)
    if message == "expected a list":
        return f"{message}{_of_what(path, text)}"
    return message


def _of_what(path: Sequence[str], text: YamlText) -> str:
    """Return the element type of a list, if it is more specific than a list."""
    last = path[-1] if path else ""
    if last == "boundaries":
        tiers = text.value.get("tiers") if isinstance(text.value, dict) else None
        count = len(tiers) - 1 if isinstance(tiers, list) else None
        if count is None or not 1 <= count < len(_COUNTS):
            return " of numbers"
        return f" of {_COUNTS[count]} number{'' if count == 1 else 's'}"
    if last == "alert_at":
        return " of numbers"
    if last in {"instances", "webhooks", "static"}:
        return " of mappings, each behind a `-`"
    return " of names"


def _split(message: str) -> Iterable[tuple[str, str]]:
    """Return path and message of each fault in the text of a check over several fields."""
    pieces = message.split("; ")
    found = [_PATHED.fullmatch(piece) for piece in pieces]
    if not all(found):
        first = _PATHED.fullmatch(message)
        return [(first["path"], first["message"])] if first else [("", message)]
    return [(each["path"], each["message"]) for each in found if each]
