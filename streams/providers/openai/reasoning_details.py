"""Assembly of OpenRouter's `reasoning_details` from the chunks of a stream.

Source: https://openrouter.ai/docs/use-cases/reasoning-tokens. A detail has a type and, in a stream,
an index; parts with the same index and type are one detail, whose texts are joined.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from streams.providers.answer_fields import MAX_DETAILS

_JOINED = ("text", "summary", "data")


class ReasoningDetails:
    """Details so far, in the order of their first parts; at most `MAX_DETAILS`."""

    def __init__(self) -> None:
        self._details: list[dict[str, Any]] = []
        self._pieces: list[dict[str, list[str]]] = []
        self._places: dict[tuple[int, object], int] = {}

    def add(self, parts: Iterable[dict[str, Any]]) -> None:
        """Add the parts of a chunk."""
        for each in parts:
            place = self._place_of(each)
            if place is None:
                continue
            for name, value in each.items():
                if value is None:
                    self._details[place].setdefault(name, None)
                elif name in _JOINED and isinstance(value, str):
                    self._pieces[place].setdefault(name, []).append(value)
                else:
                    self._details[place][name] = value

    def whole(self) -> list[dict[str, Any]]:
        """Return the joined details."""
        return [
            {**detail, **{name: "".join(texts) for name, texts in pieces.items()}}
            for detail, pieces in zip(self._details, self._pieces, strict=True)
        ]

    def _place_of(self, part: dict[str, Any]) -> int | None:
        index, kind = part.get("index"), part.get("type")
        key = (index, kind) if isinstance(index, int) and isinstance(kind, str | None) else None
        if key is not None and key in self._places:
            return self._places[key]
        place = len(self._details)
        if place == MAX_DETAILS:
            return None
        if key is not None:
            self._places[key] = place
        self._details.append({})
        self._pieces.append({})
        return place
