"""Differences between two registry versions, by path. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

_ABSENT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One different path; `before` or `after` is missing if it was added or removed."""

    path: str
    before: Any = _ABSENT
    after: Any = _ABSENT

    def in_words(self) -> str:
        """Return a line: `+ path: value`, `- path: value` or `~ path: value -> value`."""
        if self.before is _ABSENT:
            return f"+ {self.path}: {_shown(self.after)}"
        if self.after is _ABSENT:
            return f"- {self.path}: {_shown(self.before)}"
        return f"~ {self.path}: {_shown(self.before)} -> {_shown(self.after)}"

    def as_document(self) -> dict[str, Any]:
        """Return the document for `--json`."""
        values = {"before": self.before, "after": self.after}
        present = {name: value for name, value in values.items() if value is not _ABSENT}
        return {"path": self.path, **present}


def differences(before: Any, after: Any) -> list[Difference]:
    """Return every difference between two JSON documents, in order of their paths.

    Items of lists are matched by their `name` if they have one, else by their position.
    """
    return list(_walk("", before, after))


def _walk(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if before == after:
        return
    left, right = _parts(before), _parts(after)
    if left is None or right is None:
        yield Difference(path=path or "document", before=before, after=after)
        return
    for name in (*left, *(name for name in right if name not in left)):
        inner = f"{path}.{name}" if path else name
        if name not in right:
            yield Difference(path=inner, before=left[name])
        elif name not in left:
            yield Difference(path=inner, after=right[name])
        else:
            yield from _walk(inner, left[name], right[name])


def _parts(value: Any) -> Mapping[str, Any] | None:
    """Return a container's parts by name; `None` for plain values and lists of them."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, list) and all(isinstance(item, Mapping) for item in value):
        return {str(item.get("name", number)): item for number, item in enumerate(value)}
    return None


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
