"""What the phrases of a question say together.

One phrase can take another one's meaning: who has to prove an identity wants no proof, who asks
what became of an order asks nothing hard with "why", and what is only to be extracted from a text
may itself be about anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

from streams.routing.rules.context import Weighed
from streams.routing.rules.lexicon import Hit
from streams.routing.rules.signals import (
    BRIEF,
    CODE_NOUNS,
    CONDITIONS,
    EXTRACT,
    GREETING,
    HANDS,
    HARD,
    LOOKUP,
    LOOKUPS,
    MAKES,
    MOST_PHRASES,
    NOTATION,
    PAPERS,
    PERSONAL,
    PROOF,
    SERVICE,
    SIGNALS,
    SOFT,
    SOFTWARE,
    SUBJECTS,
    SURELY_PROVES,
    WORKS_OVER,
)
from streams.routing.rules.size import words_of

_ASKED_FIRST, _ASKED_LAST = 350, 350
"""What is wanted stands in the first or last of these characters; between lies what it is about."""

_BETWEEN = 0.4
"""What a signal between them counts."""

_MATERIAL = 0.3
"""What the subject of a text counts that is only to be worked over."""

_MATERIAL_LENGTH = 0.35
"""What the length of such a text counts, and that of a story that somebody tells of himself."""

_PLAIN = -0.08
"""What is taken off where such a text holds nothing that weighs more than `_TELLING`."""

_TELLING = 0.03

_EVERYDAY = 0.3
"""What an explanation or a judgement counts in a customer's everyday question."""

_MADE_WITHIN = 60
"""Characters between "write" and "function" for it to be one request."""

_CODE_ASKED = 0.3
_MAKING = 0.08
_BEGINS = 40
_EQUATION = re.compile(r"[0-9a-z)²³] ?[=+*^×÷] ?[0-9a-z(√?-]")
"""An operator between two terms."""

_UNDILUTED = 200
"""Latin characters up to which a signal counts whole."""

_EVERYDAY_WORDS = 30
_SERVICE_WORDS = 150
_LOOKUP_WORDS = 25
_GREETED_WITHIN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Signals with their weights, and the share (0..1) that the length of the question counts."""

    signals: tuple[Weighed, ...]
    share_of_length: float


def said_in(text: str, hits: list[Hit], size: float, *, pasted: bool = False) -> Wording:
    """What the hits in a plain text say; `size` is the question's length in Latin characters;
    `pasted` is a text of many lines that are no code: a log, a table, a list.
    """
    asked = _concepts(hits, len(text))
    words = words_of(size)
    if not pasted and NOTATION not in asked and _holds_equations(text):
        asked[NOTATION] = {"=": True}
    makes_code = _makes_code(hits)
    if PAPERS in asked and len(asked.get(PROOF, ())) == 1 and not asked.keys() & SURELY_PROVES:
        del asked[PROOF]
    deep = makes_code or not HARD.isdisjoint(asked)
    hard = deep or SOFTWARE in asked
    works_over = not makes_code and _works_over(hits, len(text))
    if not works_over:
        asked.pop(EXTRACT, None)
    short = words < _EVERYDAY_WORDS
    service = not hard and words < _SERVICE_WORDS and _is_service(asked, short=short)
    everyday = service or (short and not hard and _is_everyday(text, asked))
    factors = dict.fromkeys(SOFT, _EVERYDAY) if service else {}
    if works_over:
        factors = dict.fromkeys(SUBJECTS, _MATERIAL)
    dilution = _dilution(size)
    signals = []
    for concept, weight in _weights(asked):
        counted = weight * factors.get(concept, 1.0)
        signals.append((counted * dilution if counted > 0 else counted, SIGNALS[concept].reason))
    if makes_code:
        signals.append((_CODE_ASKED * dilution, "asks for code"))
    if not works_over:
        signals.extend(_conditions(hits))
        if not makes_code and _begins_making(hits):
            signals.append((_MAKING, "asks for something to be made"))
    if everyday:
        signals.append(_everyday(service))
    if _greets(hits) and words < _LOOKUP_WORDS and not hard:
        signals.append((-0.12, "a greeting or thanks"))
    tells = works_over or (pasted and not deep) or (PERSONAL in asked and not hard)
    if tells and size > _UNDILUTED and not any(weight > _TELLING for weight, _ in signals):
        signals.append((_PLAIN, "a plain question beside a longer text"))
    return Wording(signals=tuple(signals), share_of_length=_MATERIAL_LENGTH if tells else 1.0)


_Asked = dict[str, dict[str, bool]]
"""By concept its phrases, and whether each stands where a question is asked."""


def _concepts(hits: list[Hit], size: int) -> _Asked:
    found: _Asked = {}
    for concept, phrase, begin, end in hits:
        said = found.setdefault(concept, {})
        said[phrase] = begin < _ASKED_FIRST or end > size - _ASKED_LAST or said.get(phrase, False)
    return found


def _weights(asked: _Asked) -> Iterator[tuple[str, float]]:
    """Each concept once: its first phrase, and what further ones add."""
    for concept, said in asked.items():
        signal = SIGNALS.get(concept)
        if signal is None:
            continue
        weight = signal.weight + signal.more * (min(len(said), MOST_PHRASES) - 1)
        yield concept, weight if any(said.values()) else weight * _BETWEEN


def _makes_code(hits: list[Hit]) -> bool:
    """Whether "write" or its like is followed soon by something made of code."""
    made: int | None = None
    for concept, _, begin, end in hits:
        if concept in (MAKES, HANDS):
            made = end
        elif concept == CODE_NOUNS and made is not None and begin - made <= _MADE_WITHIN:
            return True
    return False


def _begins_making(hits: list[Hit]) -> bool:
    return any(concept == MAKES and begin < _BEGINS for concept, _, begin, _ in hits)


def _works_over(hits: list[Hit], size: int) -> bool:
    """Whether a given text is to be extracted from, labelled, shortened or translated: said before
    anything hard is, or at the end of a long text.
    """
    for concept, _, begin, _ in hits:
        if concept in HARD or concept == SOFTWARE:
            break
        if concept in WORKS_OVER and begin < _ASKED_FIRST:
            return True
    behind = size - _ASKED_LAST
    return behind > _ASKED_FIRST and any(
        concept in (EXTRACT, BRIEF) and begin > behind for concept, _, begin, _ in hits
    )


def _is_everyday(text: str, asked: _Asked) -> bool:
    if LOOKUP in asked:
        return True
    first = text[:40].split(None, 1)
    return bool(first) and first[0].strip("¿¡,.!?:;") in LOOKUPS


def _is_service(asked: _Asked, *, short: bool) -> bool:
    """Whether somebody speaks of an order, a card or a flight of his own, or asks for one."""
    return SERVICE in asked and (PERSONAL in asked or (short and LOOKUP in asked))


def _everyday(service: bool) -> Weighed:
    if service:
        return -0.14, "a customer's everyday question"
    return -0.08, "a short everyday question"


def _greets(hits: list[Hit]) -> bool:
    return bool(hits) and hits[0][0] == GREETING and hits[0][2] < _GREETED_WITHIN


def _conditions(hits: list[Hit]) -> Iterator[Weighed]:
    conditions = sum(concept == CONDITIONS for concept, *_ in hits)
    if conditions >= 2:
        yield min(0.01 * conditions, 0.06), f"{conditions} conditions to hold together"


def _holds_equations(text: str) -> bool:
    return "=" in text and len(_EQUATION.findall(text)) >= 2


def _dilution(size: float) -> float:
    """What is found in a text counts less the longer it is: more is found by chance."""
    return min(sqrt(_UNDILUTED / max(size, 1.0)), 1.0)
