"""Language detection: by script, else by the most frequent words.

It detects answers in the wrong language and prefers no result to a guess: short texts, mixed texts
and close scores return `None`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from streams.routing.features.wording import Wording

_EXAMINED_CHARACTERS = 2_000
_MIN_LETTERS = 12
_MIN_SHARE = 0.6
_MIN_HITS = 3
_MIN_LEAD = 1.6


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_COMMON_WORDS: Mapping[str, frozenset[str]] = {
    "en": _words(
        "the and of to is are was you your that this with for it not have has be on what how",
        "which can from they we there would should i my me do does if or at by an but so no all",
    ),
    "de": _words(
        "der die das und ist sind nicht ein eine einen mit für auf von zu den dem sie ich wir",
        "wie was auch werden wird bei nach über aus kann",
    ),
    "fr": _words(
        "le la les des et est sont une un du que qui dans pour pas vous nous avec sur ce",
        "cette au aux par plus être votre quel quelle",
    ),
    "es": _words(
        "el la los las y es son una un del que en para no con por su se como más está usted",
        "cuál qué puede este esta al",
    ),
    "it": _words(
        "il lo la gli le e è sono una un di che per non con del della nel si come più questo",
        "questa può qual quale al dei",
    ),
    "pt": _words(
        "o a os as e é são uma um do da que em para não com por seu sua se como mais está",
        "você qual pode este esta ao no na dos",
    ),
    "nl": _words(
        "de het een en is zijn niet van voor met op te dat die ik wij hoe wat ook worden",
        "wordt bij naar over uit kan u uw deze",
    ),
    "pl": _words(
        "i w na z do nie się jest są to że jak co dla po od ale czy przez oraz może które",
        "który ten ta proszę",
    ),
    "sv": _words(
        "och är det att en ett på som för med inte av den till jag vi hur vad kan från om",
        "eller har du din",
    ),
}

_SCRIPTS = (
    (0x0400, 0x04FF, "cyrillic"),
    (0x0370, 0x03FF, "greek"),
    (0x0590, 0x05FF, "hebrew"),
    (0x0600, 0x06FF, "arabic"),
    (0x0900, 0x097F, "devanagari"),
    (0x0E00, 0x0E7F, "thai"),
    (0x1100, 0x11FF, "korean"),
    (0xAC00, 0xD7AF, "korean"),
    (0x3040, 0x30FF, "japanese"),
    (0x4E00, 0x9FFF, "han"),
)
_LATIN = "latin"
_LATIN_END = 0x024F
_NO_LETTERS = bytes(code for code in range(128) if not chr(code).isalpha())


def language_of(text: str) -> str | None:
    """Return a language code for Latin script, else the script's name; `None` if unclear."""
    examined = text[:_EXAMINED_CHARACTERS]
    scripts = _scripts(examined)
    letters = sum(scripts.values())
    if scripts["japanese"] and scripts["han"]:
        scripts["japanese"] += scripts.pop("han")
    if not letters:
        return None
    script, count = scripts.most_common(1)[0]
    if count < _MIN_SHARE * letters:
        return None
    if script != _LATIN:
        return script
    return _latin_language(examined) if letters >= _MIN_LETTERS else None


def _scripts(text: str) -> Counter[str]:
    """Count the letters of each script."""
    if text.isascii():
        return Counter({_LATIN: len(text.encode().translate(None, _NO_LETTERS))})
    scripts: Counter[str] = Counter()
    # The distinct characters of a text are few.
    for char, count in Counter(text).items():
        if char.isalpha():
            scripts[_script(ord(char))] += count
    return scripts


def _script(code: int) -> str:
    if code <= _LATIN_END:
        return _LATIN
    for first, last, name in _SCRIPTS:
        if first <= code <= last:
            return name
    return "other"


def _latin_language(text: str) -> str | None:
    words = Wording.of(text).words
    known = set(words)
    hits = Counter({name: len(known & common) for name, common in _COMMON_WORDS.items()})
    (best, most), (_, second) = hits.most_common(2)
    if most < _MIN_HITS or most < _MIN_LEAD * second:
        return None
    return best
