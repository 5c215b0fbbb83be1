"""Strict reader of a provider's usage object: unread fields are reported, never ignored.

Vendors add billed fields without notice. An unread field with a value makes the usage unknown by
name, so the cost is NULL instead of too low.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from streams.providers.answer_fields import Json, count, name

Path = tuple[str, ...]

MAX_REPORTED = 8
"""Maximum number of reported fields: their names come from the provider."""

_MAX_LEAVES = 512
_MAX_LEVELS = 6
_PRINTABLE = re.compile(r"[^A-Za-z0-9_.\[\]-]")
_SHOWN_CHARACTERS = 80

_BY_TIME = re.compile(
    r"audio|video|image|billed|cost|price|surge|gpu|cpu|compute|session|container"
)
"""Names of services billed by time or rate: such a value is not a mere measurement."""

_MEASURED = re.compile(
    r"(^|_)(time|times|latency|duration|ms|throughput|speedup)(_|$)|per_sec|_rate$|^time_to_"
)
"""Names of timings and rates, which servers report beside billed fields."""


class UsageFields:
    """A usage object and the fields of it that were read."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._read: set[Path] = set()
        self._broken: dict[str, None] = {}

    def count(self, *path: str) -> int | None:
        """Return a token or request count; report an invalid one as unknown."""
        value = self._take(path)
        found = count(value)
        if found is None and is_informative(value):
            self.report(".".join(path))
        return found

    def counts(self, *paths: Path) -> int | None:
        """Return a count that vendors report under several names; report contradictory ones as
        unknown.
        """
        self._read.update(paths)
        document = self._document
        # Of some fifty names that vendors use, an answer has about five.
        found = {path: self.count(*path) for path in paths if path[0] in document}
        distinct = {value for value in found.values() if value}
        if len(distinct) > 1:
            self.report(next(".".join(path) for path, value in found.items() if value))
        if distinct:
            return max(distinct)
        return 0 if 0 in found.values() else None

    def word(self, *path: str) -> str | None:
        """Return a name, such as a service tier; report any other value as unknown."""
        value = self._take(path)
        found = name(value)
        if found is None and is_informative(value):
            self.report(".".join(path))
        return found or None

    def value(self, *path: str) -> Any:
        """Return a field of another type; the caller validates it."""
        return self._take(path)

    def passes(self, *paths: Path) -> None:
        """Mark fields that are known to change no price as read."""
        self._read.update(paths)

    def report(self, field: str) -> None:
        """Report a field as unknown: its value contradicts others, or has no known price."""
        self._broken.setdefault(_PRINTABLE.sub("?", field[:_SHOWN_CHARACTERS]))

    def unknown(self) -> tuple[str, ...]:
        """Return the unread fields with a value, and the reported ones."""
        for number, (path, value) in enumerate(_leaves(self._document, ())):
            if number >= _MAX_LEAVES:
                self.report("fields beyond the limit")
                break
            if (
                is_informative(value)
                and not any(path[:size] in self._read for size in range(1, len(path) + 1))
                and not _is_measured(path[-1])
            ):
                self.report(".".join(path))
        return tuple(self._broken)[:MAX_REPORTED]

    def _take(self, path: Path) -> Any:
        self._read.add(path)
        value: Any = self._document
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        return value


def _is_measured(field: str) -> bool:
    return _MEASURED.search(field) is not None and _BY_TIME.search(field) is None


def is_informative(value: Any) -> bool:
    """Return whether a value may represent billed usage: neither null, zero, false nor empty."""
    if not value:
        return False
    left = [value]
    # An explicit stack: an answer may nest a thousand levels, beyond the recursion limit.
    while left:
        each = left.pop()
        if isinstance(each, dict):
            left.extend(each.values())
        elif isinstance(each, list):
            left.extend(each)
        elif each:
            return True
    return False


def _leaves(document: Json, above: Path) -> Iterator[tuple[Path, Any]]:
    for field, value in document.items():
        path = (*above, field)
        if isinstance(value, dict) and value and len(path) < _MAX_LEVELS:
            yield from _leaves(value, path)
        else:
            yield path, value
