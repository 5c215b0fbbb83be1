"""One pass over the phrases found in a question: its concepts, and what their order says."""

from __future__ import annotations

from dataclasses import dataclass

from streams.routing.rules.amounts import AMOUNT_PHRASES, NUMBER_WORDS
from streams.routing.rules.lexicon import ANY_ENDING, Hit
from streams.routing.rules.signals import (
    ACCESS,
    CODE_NOUNS,
    COMPUTATION,
    CONDITIONS,
    GREETING,
    HANDS,
    HARD,
    MAKES,
    SERVICE,
    SOFTWARE,
    TRANSFORM,
    VOUCHERS,
    WORKS_OVER,
)

_ASKED_FIRST, _ASKED_LAST = 250, 250
"""The task is in the first or last of these characters, its material between them."""

_MADE_WITHIN = 60
"""Characters between "write" and "function" within which they are one request."""

_OPENS_WITHIN, _OPENS_BEFORE, _OPENS_AT_ONCE = 24, 6, 8
"""Characters from a code to the door that it opens: after it, before it, and after it where the two
are one name ("discount code").
"""

_VERB_LAST_FROM = 0x0900
"""Scripts from Devanagari on belong to languages that put "write" after its object."""

_BEGINS = 40
_GREETED_WITHIN = 3

_ASKS_AMOUNT = frozenset(phrase.rstrip(ANY_ENDING) for phrase in AMOUNT_PHRASES)
"""Some are phrases of a lookup as well."""

Concepts = dict[str, dict[str, bool]]
"""Phrases by concept, and whether each is at a position where the task is."""


@dataclass(slots=True, kw_only=True)
class QuestionHits:
    """Result of one pass over the hits.

    `makes_code`: "write" or a synonym is soon followed by something made of code. `begins_making`:
    the question begins with it. `works_over`: a given text is extracted from, labelled, shortened
    or translated; stated before anything hard, or at the end of a long text. `number_words` counts
    numbers and multiples in words; `asks_amount`: its end asks how many or how
    much.
    """

    concepts: Concepts
    makes_code: bool = False
    begins_making: bool = False
    works_over: bool = False
    greets: bool = False
    conditions: int = 0
    number_words: int = 0
    asks_amount: bool = False


def scan_hits(hits: list[Hit], size: int) -> QuestionHits:
    """Return what the hits in a text of `size` characters say about its question."""
    concepts: Concepts = {}
    found = QuestionHits(concepts=concepts)
    behind = size - _ASKED_LAST
    code = _CodeRequest()
    easy_so_far = True
    for concept, phrase, begin, end in hits:
        _note_amount(found, concept, phrase, at_the_end=begin > behind)
        phrases = concepts.get(concept)
        if phrases is None:
            phrases = concepts[concept] = {}
        if begin < _ASKED_FIRST or end > behind:
            phrases[phrase] = True
        else:
            phrases.setdefault(phrase, False)
        if concept == SERVICE and phrase in VOUCHERS:
            code.see(ACCESS, phrase, begin, end)
        elif concept in _OF_CODE:
            code.see(concept, phrase, begin, end)
            if begin < _BEGINS and concept == MAKES:
                found.begins_making = True
        elif concept == CONDITIONS:
            found.conditions += 1
        elif concept in WORKS_OVER:
            at_the_end = concept != TRANSFORM and behind > _ASKED_FIRST and begin > behind
            if at_the_end or (easy_so_far and begin < _ASKED_FIRST):
                found.works_over = True
        elif concept in HARD or concept == SOFTWARE:
            easy_so_far = False
    found.makes_code = code.surely or (code.perhaps and SOFTWARE in concepts)
    found.works_over = found.works_over and not found.makes_code
    found.greets = bool(hits) and hits[0][0] == GREETING and hits[0][2] < _GREETED_WITHIN
    return found


def _note_amount(found: QuestionHits, concept: str, phrase: str, *, at_the_end: bool) -> None:
    if concept in _COUNTED:
        found.number_words += 1
    elif at_the_end and phrase in _ASKS_AMOUNT:
        found.asks_amount = True


_COUNTED = frozenset({NUMBER_WORDS, COMPUTATION})
_OF_CODE = frozenset({MAKES, HANDS, CODE_NOUNS, ACCESS})


class _CodeRequest:
    """Scans the hits of a text for a request for something made of code.

    `perhaps`: the requested code may be that of a door, a discount or a country.
    """

    __slots__ = ("_made", "_made_by", "_named", "_open", "_opened", "_opens", "perhaps", "surely")

    def __init__(self) -> None:
        self.surely = self.perhaps = False
        self._made, self._made_by = -_MADE_WITHIN - 1, ""
        self._named = -_MADE_WITHIN - 1
        self._opens, self._opened = -_OPENS_BEFORE - 1, False
        self._open: int | None = None

    def see(self, concept: str, phrase: str, begin: int, end: int) -> None:
        """Process the next hit."""
        if concept == ACCESS:
            self._opens = end
            if self._open is not None:
                near = _OPENS_WITHIN if self._made_by == HANDS else _OPENS_AT_ONCE
                if begin - self._open <= near:
                    self.surely, self.perhaps = False, True
                self._open = None
        elif concept == CODE_NOUNS:
            self._named, self._opened = end, begin - self._opens <= _OPENS_BEFORE
            if begin - self._made <= _MADE_WITHIN:
                self._note_request(end)
        else:
            self._made, self._made_by = end, concept
            if ord(phrase[0]) >= _VERB_LAST_FROM and begin - self._named <= _MADE_WITHIN:
                self._note_request(end)

    def _note_request(self, end: int) -> None:
        if self._opened:
            self.perhaps = True
        elif not self.surely:
            self.surely = True
            self._open = end
