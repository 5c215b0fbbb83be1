"""Redaction of secrets: private keys, vendors' API keys, tokens, passwords.

A key has its own form (`streams.redaction.key_forms`), or its name identifies it (`api_key=`). A
form is tried only if the text has one of its hints, because most texts have no key of most forms.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from streams.redaction.key_forms import FORMS, PREFIX, PREFIXES, Judge
from streams.redaction.token_shapes import is_plain_words, is_random, is_reference, is_template

MARK = "<key>"

_FOUND = tuple((hints, re.compile(pattern), judge) for hints, pattern, judge in FORMS)

_LONG = re.compile(r"[A-Za-z0-9_+/.=-]{23,}")
"""Candidates for keys of these forms: few words are so long."""

_IN_LONG = re.compile(
    r"\b(?:SK|AC|dapi|key-)[0-9a-f]{32}\b|\b[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,40}"
)

_ASSIGNED = re.compile(
    r"(?::=|=>|=|(?<!/):)\s{0,3}\\{0,7}(?:\"(?P<double>[^\"\n<]{4,2000})|'(?P<single>[^'\n<]{4,2000})"
    r"|(?P<plain>[^\s\"',;&<>(){}\[\]]{4,2000}))"
)
_NAME_CHARACTERS = 40
_QUOTED = r"\\{0,7}[\"']?\]?"
"""A name may be quoted, escaped as in JSON within JSON."""
_ANNOTATION = r"\s{0,3}(?::\s{0,2}[A-Za-z][\w.|]{0,15}\s{0,3})?\Z"
"""A type may be between a name and its value: `password: str = "..."`."""
_KEY_NAME = re.compile(
    r"(?:(?:api|access|account|secret|private|auth|signing|shared|master|service|subscription"
    r"|encryption|storage|deploy|license)[_ -]?key|api[_ -]?secret|secret[_ -]?access[_ -]?key"
    r"|(?:client|app|consumer|webhook)[_ -]?secret|secret|token|credentials?)"
    + _QUOTED
    + _ANNOTATION,
    re.IGNORECASE,
)
_PASSWORD_NAME = re.compile(
    r"(?:passw(?:or)?d|passwd|pwd|passphrase|passwort|[_-]pass)" + _QUOTED + _ANNOTATION,
    re.IGNORECASE,
)
_ENVIRONMENT_NAME = re.compile(r"(?:\A|[\s;'\"])[A-Z][A-Z0-9_]{2,60}\Z")
_KEY_VALUE = re.compile(r"[A-Za-z0-9_+/=.~%-]{16,2000}")
_DIGIT = re.compile(r"[0-9]")
_MORE_THAN_LETTERS = re.compile(r"[A-Za-z]{0,60}[^A-Za-z.,;:!?]")
_LONGEST_LETTERS = 6
_KEY_NAMES = ("key", "secret", "token", "credential")
_PASSWORD_NAMES = ("passw", "pwd", "passphrase", "_pass", "-pass")
_NAMES = (*_KEY_NAMES, *_PASSWORD_NAMES)

_PEM_BEGIN = re.compile(r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_PEM_BODY = re.compile(r"[A-Za-z0-9+/=:,.>|\s\\-]*")
_PEM_END = re.compile(r"-{4,5} ?END [A-Z0-9 ]{0,40}(?:-{4,5})?")
_PUTTY = re.compile(
    r"(?i:private-lines:)\s{0,3}\d{1,3}\s{1,3}(?:[A-Za-z0-9+/=]{1,80}(?:\s|\\[nr]){1,4}){1,400}"
)
_MOST_PEM = 40_000


def without_keys(text: str) -> str:
    """Return the text with each key replaced by its mark."""
    text = _without_private_keys(text)
    small = text.lower()
    for hints, form, judge in _FOUND:
        if any(hint in small for hint in hints):
            text = form.sub(_marker(judge), text)
    text = _LONG.sub(_without_tokens, text)
    return _without_named(text) if any(name in small for name in _NAMES) else text


def _without_tokens(match: re.Match[str]) -> str:
    """Return a long word without the keys in it."""
    word = match[0]
    if any(prefix in word for prefix in PREFIXES):
        word = PREFIX.sub(_without_prefixed, word)
    return _IN_LONG.sub(MARK, word)


def _without_prefixed(match: re.Match[str]) -> str:
    value = match["value"]
    is_secret = is_random(value) if match["name_like"] else not is_plain_words(value)
    return MARK if is_secret else match[0]


def _without_named(text: str) -> str:
    """Redact values whose names identify them as secret."""
    parts, at = [], 0
    for found in _ASSIGNED.finditer(text):
        name = text[max(at, found.start() - _NAME_CHARACTERS) : found.start()]
        secret = _secret_in(name, found)
        if secret is not None:
            parts += [text[at : secret[0]], MARK]
            at = secret[1]
    return "".join((*parts, text[at:]))


def _secret_in(name: str, found: re.Match[str]) -> tuple[int, int] | None:
    """Return the span of an assignment's secret, if its name or form identifies one."""
    group = found.lastgroup or "plain"
    value = found[group]
    first, end = found.span(group)
    end -= len(value) - len(value.rstrip("\\"))
    small = name.lower()
    # The value of an environment variable is no code.
    is_code = group == "plain" and not (found[0][0] == "=" and _ENVIRONMENT_NAME.search(name))
    if is_template(value) or (
        is_code and is_reference(value.rstrip("."), found.string[end : end + 1])
    ):
        return None
    # In prose a word may follow: `password: please`, `token: see-chapter-2`.
    is_prose = group == "plain" and found[0].startswith(":") and not found[0].startswith(":=")
    if any(map(small.__contains__, _KEY_NAMES)) and _KEY_NAME.search(name):
        key = _KEY_VALUE.match(value)
        if key is not None and _is_key_value(key[0], is_prose=is_prose):
            return first, first + key.end()
    if not any(map(small.__contains__, _PASSWORD_NAMES)) or not _PASSWORD_NAME.search(name):
        return None
    if is_prose and (len(value) < _LONGEST_LETTERS or not _MORE_THAN_LETTERS.match(value)):
        return None
    return first, end


def _is_key_value(value: str, *, is_prose: bool) -> bool:
    """Return whether the value of a key's name is a key: it has digits, or is random."""
    if is_random(value):
        return True
    return _DIGIT.search(value) is not None and not (is_prose and is_plain_words(value))


def _marker(judge: Judge | None) -> Callable[[re.Match[str]], str]:
    """Replace a secret by the mark, after the form's name, if there is one."""

    def marked(match: re.Match[str]) -> str:
        if judge is not None and not judge(match):
            return match[0]
        return f"{match.groupdict().get('name') or ''}{MARK}"

    return marked


def _without_private_keys(text: str) -> str:
    """Redact private keys, whole blocks with their headers, or truncated ones."""
    if "PRIVATE KEY" not in text and "rivate-" not in text:
        return text
    parts, at = [], 0
    ends = _Ends(text)
    while (begin := _PEM_BEGIN.search(text, at)) is not None:
        parts += [text[at : begin.start()], MARK]
        at = _end_of_pem(text, begin.end(), ends.after(begin.end()))
    return _PUTTY.sub(f"{MARK}\n", "".join((*parts, text[at:])))


class _Ends:
    """Ends of blocks, requested in ascending order: each part of the text is searched once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._next = -1

    def after(self, at: int) -> int:
        """Return the start of the next end, or the end of the text."""
        if self._next < at:
            found = _PEM_END.search(self._text, at)
            self._next = len(self._text) if found is None else found.start()
        return self._next


def _end_of_pem(text: str, at: int, end: int) -> int:
    """Return the end of the block whose header ends at `at`, if the next end starts at `end`."""
    if end == len(text) or end - at > _MOST_PEM:
        body = _PEM_BODY.match(text, at, at + _MOST_PEM)
        return at if body is None else body.end()
    found = _PEM_END.match(text, end)
    return end if found is None else found.end()
