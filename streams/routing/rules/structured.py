"""Structured data in a question: JSON such as function definitions, records, or schemas.

Words in it are names and descriptions, not the task.
"""

from __future__ import annotations

_FIELD = '":'
_LEAST_FIELDS = 6
"""Fields in the examined part from which a text consists of data."""


def beside_structured_data(question: str) -> str | None:
    """Return the text before and after JSON with several fields; `None` if there is none."""
    if question.count(_FIELD) < _LEAST_FIELDS:
        return None
    begins = [place for mark in "{[" if (place := question.find(mark)) >= 0]
    end = max(question.rfind(mark) for mark in "}]")
    if not begins or end < min(begins):
        return None
    return f"{question[: min(begins)]}\n{question[end + 1 :]}"
