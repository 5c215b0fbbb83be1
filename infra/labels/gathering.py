"""All of it together: judged answers, their prompts, rows of labels, and what was lost."""

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
    """Rows, and what they were made of: requests by where their prompt was, answers by signal."""

    rows: tuple[LabelRow, ...]
    requests: int
    stored: int
    from_log: int
    gone: int
    unreadable: int
    signals: Counter[str]

    def both(self, weak: str, strong: str) -> int:
        """Rows that score both."""
        return sum(weak in row.scores and strong in row.scores for row in self.rows)

    def in_words(self) -> str:
        """What was found, and what is lost, in a line."""
        lost = f"; {self.gone} are no longer in the log" if self.gone else ""
        lost += f"; {self.unreadable} can't be read" if self.unreadable else ""
        return (
            f"{self.signals.total()} judged answers of {self.requests} requests; prompts of "
            f"{self.stored} were stored, of {self.from_log} lay in the log{lost}"
        )

    def as_document(self) -> dict[str, Any]:
        """As `sluice train --json` prints it."""
        return {
            "rows": len(self.rows),
            "requests": self.requests,
            "prompts": {
                "stored": self.stored,
                "from_log": self.from_log,
                "gone": self.gone,
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
    """Rows of labels; the log is asked only for prompts that the tables do not hold."""
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
    )
