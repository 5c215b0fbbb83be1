"""Redaction of telephone numbers among other grouped numbers.

Dates, times, versions, book numbers, object identifiers and order numbers use the same signs; the
context of a number identifies them.
"""

from __future__ import annotations

import re

SPACES = " \u00a0\u2007\u2009\u202f"
DASHES = "\u2010\u2011\u2012\u2013-"
_SEP = f"[{SPACES}./{DASHES}]"

_DOI = r"(?P<doi>\b10\.\d{4,9}/[^\s\"'<>]{1,200})"
_PHONE = re.compile(
    _DOI + r"|(?<![\w.])(?:\+\d{8,15}"
    rf"|(?:\+|00)\d{{1,3}}(?:{_SEP}?\(\d{{1,5}}\){_SEP}?\d{{1,8}}|{_SEP}\d{{1,8}})"
    rf"(?:{_SEP}\d{{2,8}}){{0,5}}"
    rf"|1{_SEP}\d{{3}}{_SEP}\d{{3}}{_SEP}\d{{4}}"
    rf"|(?:\(\d{{1,5}}\){_SEP}?)?\d{{2,5}}(?:{_SEP}\d{{2,5}}){{1,4}}"
    rf"|\(\d{{2,5}}\){_SEP}?\d{{3,8}}(?:{_SEP}\d{{2,8}}){{0,3}}"
    rf"|\d{{3,5}}[{SPACES}/{DASHES}]\d{{6,8}})(?![\w.])"
)
_DATE = re.compile(
    r"(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d\d"
    r"|(?:19|20)\d\d-(?:19|20)\d\d"
)

_DATE_BEGINS = re.compile(
    r"(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}(?!\d)|\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d\d(?!\d)"
)
_YEARS = re.compile(r"(?:19|20)\d\d(?:[^\d](?:19|20)\d\d){1,8}")
_TIME = re.compile(r":\d")
_ISBN = re.compile(r"(?i:\bisbn(?:-1[03])?:?[\s\d-]{0,12})\Z")
_VERSION = re.compile(r"(?i:\b(?:version|release|build|ver|v)[ .:=]{0,3})\Z")
_DOTTED = re.compile(r"\d{3}\.\d{3}\.\d{4}|0\d{1,4}(?:\.\d{2,8}){1,5}|00\d[\d.]{6,20}")
_DOTS = re.compile(r"[0-9.]{1,60}")
_RUN_CHARACTERS = 40
_NUMBER_NAMES = re.compile(r"(?i:tel|telephone|phone|mobile|cell|fax|call|sms|whatsapp)-?\Z")
_EXTENSION = re.compile(r"-?(?i:ext|x)\.?\d{1,6}\Z")
_MOST_DIGITS = 15


def without_phones(text: str) -> str:
    """Redact telephone numbers."""
    return _PHONE.sub(lambda found: "<phone>" if _is_phone(found) else found[0], text)


def _is_phone(match: re.Match[str]) -> bool:
    """Return whether digits can be a telephone number: 7 to 15 of them (ITU-T E.164)."""
    found = match[0]
    digits = sum(each.isdecimal() for each in found)
    if match["doi"] or not 7 <= digits <= _MOST_DIGITS:
        return False
    text, first, end = match.string, match.start(), match.end()
    before, after = text[max(first - _RUN_CHARACTERS, 0) : first], text[end : end + _RUN_CHARACTERS]
    # A text may hold ten thousand numbers: expensive checks run last.
    if ("19" in found or "20" in found) and _is_date(found):
        return False
    if _TIME.match(after) or (before.endswith(":") and before[-2:-1].isdecimal()):
        return False
    if _is_named_otherwise(before):
        return False
    if _DOTS.fullmatch(found) and "." in found and not _DOTTED.fullmatch(found):
        return False
    is_joined = before.endswith("-") or after.startswith("-")
    return not (is_joined and _is_part_of_run(before, after, digits))


def _is_named_otherwise(before: str) -> bool:
    """Return whether the words before a number mark a version or a book number."""
    if before.rstrip(" .:=")[-1:].isalpha() and _VERSION.search(before):
        return True
    return "isbn" in before.lower() and _ISBN.search(before) is not None


def _is_date(found: str) -> bool:
    return bool(_DATE.fullmatch(found) or _YEARS.fullmatch(found) or _DATE_BEGINS.match(found))


def _is_part_of_run(before: str, after: str, digits: int) -> bool:
    """Return whether hyphens join the number to more than a telephone number."""
    head = _joined(before[::-1])[::-1]
    tail = _joined(after)
    if _NUMBER_NAMES.fullmatch(head):
        head = ""
    if _EXTENSION.fullmatch(tail):
        tail = ""
    around = head + tail
    if any(each.isalpha() for each in around):
        return True
    more = sum(each.isdecimal() for each in around)
    return digits + more > _MOST_DIGITS or _is_isbn(head, tail, digits + more)


def _joined(text: str) -> str:
    """Return what a hyphen joins to a number, from the number on."""
    if text[:1] != "-" or not text[1:2].isalnum():
        return ""
    end = 1
    while end < len(text) and (text[end].isalnum() or text[end] in "-_"):
        end += 1
    return text[:end]


def _is_isbn(head: str, tail: str, digits: int) -> bool:
    """Return whether a check digit ends ten or thirteen digits, as in book numbers (ISO 2108)."""
    return digits in (10, 13) and len(tail) == 2 and tail[1].isdecimal() and bool(head or tail)
