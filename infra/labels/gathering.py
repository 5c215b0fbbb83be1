"""Collection of label rows: scored answers, their prompts, and the number of missing ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from infra.labels.judged_answers import AskedRequest, JudgedAnswer
from infra.labels.prompts import Learn, prompts_of
from infra.labels.request_log import PromptLog
from infra.labels.rows import LabelRow, label_rows
from schemas.encoding.codec import Codec


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Rows and their sources: requests by the source of the prompt, answers by signal."""

    rows: tuple[LabelRow, ...]
    requests: int
    stored: int
    from_log: int
    gone: int
    unreadable: int
    signals: Counter[str]
    missing_topics: tuple[str, ...] = ()

    def both(self, weak: str, strong: str) -> int:
        """Return the number of rows that score both."""
        return sum(weak in row.scores and strong in row.scores for row in self.rows)

    def in_words(self) -> str:
        """Return the number of found and missing prompts in a line."""
        lost = f"; {self.gone} are no longer in the log{self.why_gone}" if self.gone else ""
        lost += f"; {self.unreadable} are unreadable" if self.unreadable else ""
        return (
            f"{self.signals.total()} scored answers of {self.requests} requests; prompts of "
            f"{self.stored} were stored, of {self.from_log} were in the log{lost}"
        )

    @property
    def why_gone(self) -> str:
        """Return the topics that do not exist, in parentheses; empty if all do."""
        if not self.missing_topics:
            return ""
        verb = "does" if len(self.missing_topics) == 1 else "do"
        return f" ({', '.join(self.missing_topics)} {verb} not exist; see SLUICE_REQUEST_TOPICS)"

    def as_document(self) -> dict[str, Any]:
        """Return the document of `sluice train --json`."""
        return {
            "rows": len(self.rows),
            "requests": self.requests,
            "prompts": {
                "stored": self.stored,
                "from_log": self.from_log,
                "gone": self.gone,
                "missing_topics": list(self.missing_topics),
                "unreadable": self.unreadable,
            },
            "answers_by_signal": dict(sorted(self.signals.items())),
        }


async def gather(
    answers: Sequence[JudgedAnswer],
    log: PromptLog,
    codec: Codec,
    *,
    by: str,
    learn: Learn | None = None,
) -> Gathered:
    """Return label rows; the log is read only for prompts that the tables do not have."""
    requests = list(dict.fromkeys(answer.request for answer in answers))
    stored: dict[AskedRequest, str] = {
        answer.request: answer.prompt for answer in answers if answer.prompt
    }
    missing = [request for request in requests if request not in stored]
    found = await prompts_of(missing, log, codec, learn)
    return Gathered(
        rows=tuple(label_rows(answers, stored | found.texts, by=by)),
        requests=len(requests),
        stored=len(stored),
        from_log=len(found.texts),
        gone=found.gone,
        unreadable=found.unreadable,
        signals=Counter(answer.signal for answer in answers),
        missing_topics=found.missing_topics,
    )
