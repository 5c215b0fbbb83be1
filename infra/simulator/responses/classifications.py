"""Answers of simulated models to routing's own questions: the tier of a request, the quality of an
answer.

They use the scores of the sample and of recorded answers, and err in a share of the cases by the
model's strength, reproducibly. The shares are set by hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b

import orjson

from infra.simulator.call_facts import CheckedCall
from infra.simulator.responses.model_tiers import COMPLEX, MODERATE, SIMPLE, strength_of
from infra.simulator.responses.recorded_responses import AnswerBook, SimulatedAnswer, answer_of

ERRS: Mapping[str, float] = {SIMPLE: 0.15, MODERATE: 0.1, COMPLEX: 0.05}
"""Share of the cases (0..1) in which a model of this strength is wrong."""

GOOD = 0.7
"""Score from which an answer suffices."""

_STRENGTHS = (SIMPLE, MODERATE, COMPLEX)
_REQUEST = re.compile(r"\AREQUEST-([0-9a-f]{20})\n(.*?)\nREQUEST-\1\n", re.DOTALL)
_ANSWER = re.compile(r"ANSWER-([0-9a-f]{20})\n(.*)\nANSWER-\1\Z", re.DOTALL)


def opinion_of(checked: CheckedCall, book: AnswerBook) -> SimulatedAnswer | None:
    """Return the answer to a question of routing; `None` for any other prompt."""
    request = _REQUEST.match(checked.prompt)
    if request is None:
        return None
    answer = _ANSWER.search(checked.prompt, request.end())
    if answer is not None:
        return _says({"score": _judged(checked.model, request[2], answer[2].strip(), book)})
    if "Choose the first that answers" in checked.text:
        return _says(_classified(checked.model, request[2], book))
    return None


def _says(document: Mapping[str, object]) -> SimulatedAnswer:
    return answer_of({"text": orjson.dumps(document).decode()}, "opinion")


def _judged(model: str, question: str, answer: str, book: AnswerBook) -> float:
    known = book.score_of(question, answer)
    if known is None:
        return 0.5
    return round(1 - known if _is_wrong(model, f"{question}\n{answer}") else known, 3)


def _classified(model: str, question: str, book: AnswerBook) -> Mapping[str, object]:
    place = book.first_good(question, _STRENGTHS, GOOD)
    place = 1 if place is None else place
    if _is_wrong(model, question):
        place = place + 1 if place == 0 else place - 1
    return {"tier": _STRENGTHS[place], "score": round((place + 0.5) / 3, 3), "reason": "simulated"}


def _is_wrong(model: str, case: str) -> bool:
    digest = blake2b(f"{model}\n{case}".encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64 < ERRS[strength_of(model)]
