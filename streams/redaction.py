"""Takes what identifies people, and what opens doors, out of text before it is stored.

Patterns find what has a form of its own; where Presidio is installed, its analyzer finds names and
places as well (https://microsoft.github.io/presidio). What is found is replaced by its kind:
`<email>`. Patterns are linear, and only the first 100,000 characters are kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache, partial
from importlib import import_module
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Any

MOST_CHARACTERS = 100_000

Finder = Callable[[str], str]
"""Gives a text with what it finds replaced."""

_KEY_FORMS: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        # PEM: the whole block; one that is cut off is taken as far as it goes.
        ("-----begin",),
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[A-Za-z0-9+/=:,\s]*"
        r"(?:[^\n]{0,40}PRIVATE KEY-----)?",
    ),
    (("bearer",), r"(?i:\bbearer\s{1,4})[\w.~+/=-]{16,2000}"),
    (
        ("sk-", "sk_", "pk-", "pk_", "rk-", "rk_"),
        r"\b(?:sk|pk|rk)[-_](?:(?:live|test|proj|ant|or|svcacct)[-_])?[A-Za-z0-9_-]{16,256}",
    ),
    (("akia", "asia", "abia", "acca"), r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b"),
    (
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"\bgh[pousr]_[A-Za-z0-9]{30,255}|\bgithub_pat_[A-Za-z0-9_]{22,255}",
    ),
    (("glpat-", "glrt-", "gldt-", "glcbt-"), r"\bgl(?:pat|rt|dt|cbt)-[A-Za-z0-9_-]{20,100}"),
    (("xox", "xapp-"), r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}|\bxapp-[A-Za-z0-9-]{10,250}"),
    (
        ("aiza", "ya29.", "gocspx-"),
        r"\bAIza[A-Za-z0-9_-]{35}|\bya29\.[A-Za-z0-9_-]{20,500}|\bGOCSPX-[A-Za-z0-9_-]{20,60}",
    ),
    (
        ("npm", "hf", "pypi", "dop_v1", "shpat", "glc", "gsk", "xai", "r8", "lsv2_pt"),
        r"\b(?:npm|hf|pypi|dop_v1|shpat|glc|gsk|xai|r8|lsv2_pt)[_-][A-Za-z0-9_-]{30,300}",
    ),
    (("sg.",), r"\bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,128}"),
    (("eyj",), r"(?<![\w.-])eyJ[\w.=-]{20,4000}"),
    # A password in a URL: what stands between the user and the host.
    (("://",), r"(?<=://)[^\s/:@]{1,64}:[^\s/@]{1,128}(?=@)"),
)
"""Forms of keys, each with small letters of which one is in every text that has such a key: a
pattern is tried only where one is, since most texts have no key of most forms."""

_PATTERNS: Mapping[str, str] = {
    "email": r"\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}\b",
    "iban": r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b",
    "card": r"(?<![\w.])\d(?:[ .-]?\d){12,18}(?![\w])",
    "ip": r"(?<![\w:.])(?=[0-9A-Fa-f]{0,4}[:.])[0-9A-Fa-f:.]{3,45}(?![\w:])",
    "phone": (
        r"(?<![\w.])(?:\+\d{8,15}"
        r"|(?:\+|00)\d{1,3}[ ./-]\(?\d{1,5}\)?(?:[ ./-]\d{2,8}){1,4}"
        r"|(?:\(\d{1,5}\)[ ./-]?)?\d{2,5}(?:[ ./-]\d{2,5}){1,4}"
        r"|\(\d{2,5}\)[ ./-]?\d{3,5}[ ./-]?\d{3,5})(?![\w.])"
    ),
}
KEY = "key"
KINDS = (KEY, *_PATTERNS)
"""What can be taken out, in the order in which it is looked for."""

_DATE = re.compile(
    r"(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d\d"
    r"|(?:19|20)\d\d-(?:19|20)\d\d"
)

_COMPILED = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}
_KEYS = tuple((hints, re.compile(pattern)) for hints, pattern in _KEY_FORMS)

_DOTTED = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}", re.ASCII)
_PRESIDIO = "presidio_analyzer"
_SIGN_CHARACTERS = 3
"""`::1` and shorter is more often a sign of a programming language than an address."""

_CARD_DIGITS = range(13, 20)


def redact(text: str, kinds: Sequence[str]) -> str:
    """The text without what is of these kinds."""
    kept = text[:MOST_CHARACTERS]
    if KEY in kinds:
        kept = _without_keys(kept)
    for kind in _PATTERNS:
        if kind in kinds:
            kept = _COMPILED[kind].sub(partial(_replaced, kind), kept)
    return _names_out(kept) if kinds else kept


def _without_keys(text: str) -> str:
    small = text.lower()
    for hints, form in _KEYS:
        if any(hint in small for hint in hints):
            text = form.sub(f"<{KEY}>", text)
    return text


def _replaced(kind: str, match: re.Match[str]) -> str:
    found = match[0]
    if kind == "card" and not _is_card(found):
        return found
    if kind == "ip":
        address = found.rstrip(".:")
        return f"<{kind}>{found[len(address) :]}" if _is_address(address) else found
    if kind == "phone" and not _is_phone(found):
        return found
    return f"<{kind}>"


@lru_cache(maxsize=4_096)
def _is_address(text: str) -> bool:
    """Whether a text is an IPv4 or IPv6 address; `::` alone is the sign of a programming language
    as well.
    """
    if len(text) <= _SIGN_CHARACTERS or (":" not in text and not _DOTTED.fullmatch(text)):
        return False
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_phone(text: str) -> bool:
    """Whether digits may be a telephone number: 7 to 15 of them (ITU-T E.164), and no date."""
    digits = sum(each.isdecimal() for each in text)
    return 7 <= digits <= 15 and not _DATE.fullmatch(text)


def _is_card(text: str) -> bool:
    """Whether digits keep Luhn's rule (ISO/IEC 7812-1), as card numbers do."""
    digits = [int(each) for each in text if each.isdigit()]
    if len(digits) not in _CARD_DIGITS:
        return False
    doubled = [
        digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4)
        for place, digit in enumerate(reversed(digits))
    ]
    return sum(doubled) % 10 == 0


def _names_out(text: str) -> str:
    finder = _presidio()
    return text if finder is None else finder(text)


@cache
def _presidio() -> Finder | None:
    """Presidio's analyzer, if it is installed."""
    if find_spec(_PRESIDIO) is None:
        return None
    engine: Any = import_module(_PRESIDIO).AnalyzerEngine()

    def find(text: str) -> str:
        for each in sorted(engine.analyze(text, language="en"), key=lambda one: -one.start):
            text = f"{text[: each.start]}<{each.entity_type.lower()}>{text[each.end :]}"
        return text

    return find
