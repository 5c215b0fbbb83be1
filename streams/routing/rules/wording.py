"""Combined weight of the phrases of a question.

One phrase can cancel another: a request to prove one's identity needs no proof, "why" in a question
about an order is not hard, and a text for extraction may have any subject.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

from streams.routing.rules.amounts import is_arithmetic, is_word_problem
from streams.routing.rules.context import Weighed
from streams.routing.rules.lexicon import Hit
from streams.routing.rules.question_hits import Concepts, QuestionHits, scan_hits
from streams.routing.rules.signals import (
    COMPUTATION,
    EXTRACT,
    HARD,
    LOOKUP,
    LOOKUPS,
    MANNER,
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
    TRANSFORM,
)
from streams.routing.rules.size import words_of

_BETWEEN = 0.4
"""Factor of a signal between them."""

_MATERIAL = 0.3
"""Factor of the subject of a text that is only processed."""

_MATERIAL_LENGTH = 0.35
"""Factor of the length of such a text, and of a personal story."""

_TELLING = 2
"""Personal phrases from which a text is a story: "please" or "my" alone tell nothing."""

_OF_STRUCTURED_DATA = 0.1
"""Evidence for length of structured data: the more functions or fields there are, the harder."""

_EVERYDAY = 0.3
"""Factor of an explanation or a judgement in a customer's everyday question."""

_EVERYDAY_DEDUCTION = 0.08
"""Evidence that a short everyday question cancels. It deducts no more than there is: without
evidence, length alone orders such questions.
"""

_CODE_ASKED = 0.32
_MAKING = 0.08
_EQUATION = re.compile(r"[=+*^×÷](?<=[0-9a-z)²³ ].) ?[0-9a-z(√?-]")
"""An operator between two terms. The pattern starts with the operator, since operators are rare."""

_QUANTITIES = 0.16
"""Weight of quantities to reckon with."""

_SAID_TWICE = 0.0
"""Factor of a concept that says what another has said: a computation beside quantities, software
beside a request for code.
"""

_OF_QUANTITIES = 0.7
"""Share of their weight that is no evidence for length."""

_UNDILUTED = 400
"""Latin characters up to which a signal has full weight."""

_EVERYDAY_WORDS = 30
_SERVICE_WORDS = 150
_LOOKUP_WORDS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionWording:
    """Signals with their weights, the share (0..1) at which the question's length counts, and the
    weight of the signals that are no evidence for length: easy texts contain numbers too.
    `evidence` for length, if it does not follow from the signals.
    """

    signals: tuple[Weighed, ...]
    share_of_length: float
    doubtful: float = 0.0
    evidence: float | None = None


def wording_signals(
    text: str,
    hits: list[Hit],
    size: float,
    *,
    pasted: bool = False,
    given: bool = False,
    structured: bool = False,
) -> QuestionWording:
    """Return the weights of the hits in a plain text. `size` is the question's length in Latin
    characters; `pasted` is a text of many lines without code: a log, a table, a list; `given` a
    text with retrieved passages; `structured`: the plain text is what stands beside structured
    data.
    """
    found = scan_hits(hits, len(text))
    concepts = found.concepts
    if not pasted and NOTATION not in concepts and _holds_equations(text):
        concepts[NOTATION] = {"=": True}
    if (
        PAPERS in concepts
        and len(concepts.get(PROOF, ())) == 1
        and not concepts.keys() & SURELY_PROVES
    ):
        del concepts[PROOF]
    if not found.works_over:
        concepts.pop(EXTRACT, None)
    if not (found.works_over and TRANSFORM in concepts):
        concepts.pop(MANNER, None)
    deep = found.makes_code or not HARD.isdisjoint(concepts)
    hard = deep or SOFTWARE in concepts
    words = words_of(size)
    short = words < _EVERYDAY_WORDS
    personal = PERSONAL in concepts or SERVICE in concepts
    is_problem = found.asks_amount and is_word_problem(
        text, size, words=found.number_words, personal=personal
    )
    service = (
        not (hard or is_problem) and words < _SERVICE_WORDS and _is_service(concepts, short=short)
    )
    reckons = not (service or found.works_over or pasted or given or structured) and (
        is_problem or is_arithmetic(text, size, personal=personal)
    )
    factors = dict.fromkeys(SOFT, _EVERYDAY) if service else {}
    if reckons:
        factors[COMPUTATION] = _SAID_TWICE
    if found.makes_code:
        factors |= {COMPUTATION: _SAID_TWICE, SOFTWARE: _SAID_TWICE}
    if found.works_over or structured:
        factors = dict.fromkeys(SUBJECTS, _MATERIAL)
    dilution = _dilution(size)
    counted = {
        concept: _diluted(weight * factors.get(concept, 1.0), dilution)
        for concept, weight in _weights(concepts)
    }
    signals = [(weight, SIGNALS[concept].reason) for concept, weight in counted.items()]
    # A required manner is as hard in a short text as in a long one.
    doubtful = counted.get(MANNER, 0.0)
    signals.extend(_of_structure(found, dilution))
    if reckons:
        signals.append((_QUANTITIES, "quantities to reckon with"))
        doubtful += _QUANTITIES * _OF_QUANTITIES
    if service:
        signals.append((-0.14, "a customer's everyday question"))
    elif short and not hard and _is_everyday(text, concepts):
        evidence = sum(weight for weight, _ in signals if weight > 0)
        signals.append((-min(_EVERYDAY_DEDUCTION, evidence), "a short everyday question"))
    if found.greets and words < _LOOKUP_WORDS and not hard:
        signals.append((-0.12, "a greeting or thanks"))
    is_material = (
        found.works_over
        or (pasted and not deep)
        or (len(concepts.get(PERSONAL, ())) >= _TELLING and not (hard or reckons or structured))
    )
    return QuestionWording(
        signals=tuple(signals),
        share_of_length=_MATERIAL_LENGTH if is_material else 1.0,
        doubtful=doubtful,
        evidence=_OF_STRUCTURED_DATA if structured and not found.works_over else None,
    )


def _of_structure(found: QuestionHits, dilution: float) -> Iterator[Weighed]:
    if found.makes_code:
        yield _CODE_ASKED * dilution, "asks for code"
    if found.works_over:
        return
    if found.begins_making and not found.makes_code:
        yield _MAKING, "asks for something to be made"
    if found.conditions >= 2 and not SUBJECTS.isdisjoint(found.concepts):
        weight = min(0.01 * found.conditions, 0.06)
        yield weight, f"{found.conditions} conditions to hold together"


def _weights(concepts: Concepts) -> list[tuple[str, float]]:
    """Return the weight of each concept: its first phrase, and the addition of further ones."""
    weights = []
    for concept, phrases in concepts.items():
        signal = SIGNALS.get(concept)
        if signal is not None:
            weight = signal.weight + signal.more * (min(len(phrases), MOST_PHRASES) - 1)
            weights.append((concept, weight if True in phrases.values() else weight * _BETWEEN))
    return weights


def _is_everyday(text: str, concepts: Concepts) -> bool:
    if LOOKUP in concepts:
        return True
    first = text[:40].split(None, 1)
    return bool(first) and first[0].strip("¿¡,.!?:;") in LOOKUPS


def _is_service(concepts: Concepts, *, short: bool) -> bool:
    """Return whether the text mentions the user's own order, card or flight, or asks for one."""
    return SERVICE in concepts and (PERSONAL in concepts or (short and LOOKUP in concepts))


def _holds_equations(text: str) -> bool:
    return "=" in text and len(_EQUATION.findall(text)) >= 2


def _diluted(weight: float, dilution: float) -> float:
    return weight * dilution if weight > 0 else weight


def _dilution(size: float) -> float:
    """Return the factor of signals, lower in a longer text: more of them occur by chance."""
    return min(sqrt(_UNDILUTED / max(size, 1.0)), 1.0)
