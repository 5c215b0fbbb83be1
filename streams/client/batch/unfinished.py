"""Requests of a file that ended without an answer, by line. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from schemas.journal_headers import JournalKind
from streams.client.batch.request_file import Identity, identity_of
from streams.client.request_outcome import RequestOutcome

MOST_KEPT = 1_000
MOST_SHOWN = 20
_SILENT = "no reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedLine:
    """One such request: its line (from 1), its end, and the code and message of its error."""

    line: int | None
    request_id: str
    status: str
    code: str = ""
    message: str = ""

    def in_words(self) -> str:
        """Return the request as a line of text."""
        place = f"line {self.line}" if self.line is not None else self.request_id
        why = f": {self.message} ({self.code})" if self.code else ""
        return f"{place}: {self.status}{why}"


@dataclass(slots=True, kw_only=True)
class Unfinished:
    """Collects such requests while replies arrive; `lines` maps requests to their lines."""

    lines: Mapping[Identity, int]
    count: int = 0
    _kept: list[UnfinishedLine] = field(default_factory=list)

    def take(self, outcome: RequestOutcome) -> None:
        """Add a request, unless it has an answer."""
        if outcome.reply is None:
            self._add(outcome.request, _SILENT, "", "")
            return
        reply = outcome.reply.reply
        if reply.status != JournalKind.REPLIED:
            error = reply.error
            code, message = ("", "") if error is None else (error.code, error.message)
            self._add(outcome.request, reply.status, code, message)

    def as_document(self) -> list[dict[str, Any]]:
        """Return the requests as JSON, by line."""
        return [asdict(each) for each in self._sorted()]

    def in_words(self) -> list[str]:
        """Return the first of them in the file as lines of text."""
        shown = [each.in_words() for each in self._sorted()[:MOST_SHOWN]]
        more = self.count - len(shown)
        return [*shown, f"and {more} more"] if more > 0 else shown

    def _sorted(self) -> list[UnfinishedLine]:
        return sorted(self._kept, key=lambda each: each.line or 0)

    def _add(self, request: Mapping[str, Any], status: str, code: str, message: str) -> None:
        self.count += 1
        if len(self._kept) < MOST_KEPT:
            line = self.lines.get(identity_of(request))
            self._kept.append(
                UnfinishedLine(
                    line=line,
                    request_id=str(request["request_id"]),
                    status=status,
                    code=code,
                    message=message,
                )
            )
