"""Problems of a registry file: path, line, and the expected value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from schemas.errors import RegistryError


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem; `path` is empty for the file as a whole, `line` counts from 1."""

    message: str
    path: str = ""
    line: int | None = None

    def in_words(self) -> str:
        """Format as a line of text."""
        place = f"{self.path}: " if self.path else ""
        where = "" if self.line is None else f" (line {self.line})"
        return f"  {place}{self.message}{where}"

    def as_document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


class InvalidRegistryError(RegistryError):
    """An invalid registry file, with its problems."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        super().__init__(
            f"{name} does not validate:\n" + "\n".join(each.in_words() for each in problems)
        )
        self.problems = tuple(problems)


def problems_of(error: RegistryError) -> tuple[Problem, ...]:
    """Return the problems of an error; one without a path if it has none."""
    if isinstance(error, InvalidRegistryError):
        return error.problems
    return (Problem(message=str(error)),)
