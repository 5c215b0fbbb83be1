"""Signals of wording for a question's difficulty: concepts, their phrases and their weights.

Weights were set by hand, starting from the article's signals, to match reviewers' ratings of a
golden set of everyday work. One half of the set was used for tuning, the other only for
measurement. The phrases are in `phrases`, one file a language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streams.routing.rules.amounts import AMOUNT, AMOUNT_PHRASES, NUMBER_PHRASES, NUMBER_WORDS
from streams.routing.rules.lexicon import ANY_ENDING, Lexicon
from streams.routing.rules.phrases import PHRASES

MAKES, HANDS, CODE_NOUNS, CONDITIONS, SOFTWARE = "makes", "hands", "code", "conditions", "software"
EXTRACT, BRIEF, TRANSFORM, MANNER = "extract", "brief", "transform", "manner"
PROOF, LOOKUP, SERVICE, PAPERS, GREETING = "proof", "lookup", "service", "papers", "greeting"
PERSONAL, NOTATION, ACCESS = "personal", "notation", "access"
COMPUTATION = "computation"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplexitySignal:
    """One meaning: the weight of its first phrase, of each further one, and the reason."""

    weight: float
    more: float = 0.0
    reason: str


MOST_PHRASES = 4
"""Different phrases of a meaning that count."""

SIGNALS: Mapping[str, ComplexitySignal] = {
    "proof": ComplexitySignal(weight=0.42, more=0.06, reason="asks for a proof or a derivation"),
    "mathematics": ComplexitySignal(weight=0.16, more=0.1, reason="speaks of mathematics"),
    "notation": ComplexitySignal(weight=0.16, more=0.04, reason="holds mathematical notation"),
    "puzzle": ComplexitySignal(weight=0.2, more=0.06, reason="is a puzzle of logic"),
    "faults": ComplexitySignal(weight=0.22, more=0.08, reason="asks to find a fault"),
    "systems": ComplexitySignal(
        weight=0.16, more=0.09, reason="speaks of systems under load or failure"
    ),
    "design": ComplexitySignal(weight=0.26, more=0.06, reason="asks for a design"),
    "judgement": ComplexitySignal(
        weight=0.16, more=0.09, reason="asks for grounds, risks or evidence"
    ),
    "analysis": ComplexitySignal(weight=0.16, more=0.05, reason="asks for analysis"),
    "steps": ComplexitySignal(weight=0.14, reason="asks for several steps"),
    COMPUTATION: ComplexitySignal(weight=0.1, reason="asks for a computation"),
    "expertise": ComplexitySignal(
        weight=0.12, more=0.08, reason="speaks of law, money, medicine or science"
    ),
    SOFTWARE: ComplexitySignal(weight=0.08, more=0.05, reason="speaks of software"),
    "depth": ComplexitySignal(weight=0.12, more=0.04, reason="asks for depth"),
    "plan": ComplexitySignal(weight=0.1, more=0.03, reason="asks for a plan"),
    "explanation": ComplexitySignal(weight=0.12, reason="asks for an explanation"),
    "prose": ComplexitySignal(weight=0.14, reason="asks for a text of its own"),
    "transform": ComplexitySignal(weight=-0.04, reason="transforms a given text"),
    MANNER: ComplexitySignal(weight=0.24, more=0.04, reason="says how the text is to sound"),
    "extract": ComplexitySignal(weight=-0.15, reason="extracts, labels or formats"),
    "brief": ComplexitySignal(weight=-0.12, reason="wants a short answer"),
}


HARD = frozenset({"proof", "puzzle", "faults", "systems", "design", "mathematics", "notation"})
"""Concepts that exclude an everyday question."""

SOFT = frozenset({"explanation", "judgement", "expertise", "analysis", "plan", "steps", "depth"})
"""Concepts with little weight in a customer's question about an order or a card."""

WORKS_OVER = frozenset({EXTRACT, BRIEF, TRANSFORM})
"""Concepts of work on a given text."""

SUBJECTS = frozenset(
    {"faults", "systems", "judgement", "analysis", "expertise", "software", "depth", "plan"}
    | {"explanation", "prose", "design", "mathematics", "proof", "puzzle", "steps", "computation"}
)
"""Concepts that a given text may be about, independent of the task."""

SURELY_PROVES = frozenset({"mathematics", NOTATION, "puzzle"})
"""Concepts beside which a proof counts as one, even in a text about papers."""

VOUCHERS = frozenset(
    {"voucher", "coupon", "gift card", "gutschein*", "gutschein", "code promo", "cupón"}
    | {"buono sconto", "cupom", "クーポン", "优惠券", "쿠폰", "कूपन", "قسيمة"}
)
"""Phrases of a customer's business that have a code, as doors have."""

LOOKUPS = frozenset(
    {"who", "who's", "when", "where", "which", "what's", "do", "does", "did", "is", "are", "was"}
    | {"can", "my", "i", "turn", "set", "name", "please", "what"}
    | {"wer", "wann", "wo", "wie", "welche", "welcher", "was", "kann", "ist", "gibt", "nenne"}
    | {"qui", "quand", "où", "quel", "quelle", "combien", "puis", "est"}
    | {"quién", "cuándo", "dónde", "cuál", "cuánto", "cuántos", "puedo", "qué"}
    | {"chi", "quando", "dove", "quale", "quanto", "quem", "onde", "qual", "wanneer", "waar"}
    | {"kto", "kiedy", "gdzie", "jak", "ile", "кто", "когда", "где", "сколько", "как", "какой"}
    | {"vem", "när", "var", "hur"}
)
"""First words of most lookup questions or small tasks."""


def _all_phrases() -> dict[str, tuple[str, ...]]:
    phrases: dict[str, tuple[str, ...]] = {}
    known: set[str] = set()
    amounts = {AMOUNT: AMOUNT_PHRASES, NUMBER_WORDS: NUMBER_PHRASES}
    for source in (*PHRASES.values(), amounts):
        for meaning, listed in source.items():
            new = []
            for each in listed:
                if each.strip(ANY_ENDING) not in known:
                    known.add(each.strip(ANY_ENDING))
                    new.append(each)
            phrases[meaning] = (*phrases.get(meaning, ()), *new)
    return phrases


LEXICON = Lexicon(_all_phrases())
"""All phrases of all languages; one that two languages share has its first meaning."""
