"""Distinguishes random tokens from chosen names, and from code that refers to a secret.

Secrets are drawn from an alphabet: both cases and digits are mixed. Names are words: one case or
camel case, with at most a number at the end. A token is judged by its segments, the runs of letters
and digits between other signs.
"""

from __future__ import annotations

import re

_SEGMENT = re.compile(r"[A-Za-z0-9]+")
_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_PLAIN = re.compile(r"(?:[A-Za-z]?[a-z]{0,17}|[A-Z]{1,18})[0-9]{0,4}\Z")

_LEAST_RANDOM = 10
"""Characters in segments that are no words, from which a text counts as a random token."""
_LONGEST_NAME = 27
_LONGEST_NUMBERED = 23
_LONGEST_WORD = 18
_LONGEST_NUMBER = 8
_MOST_DIGITS = 4
_SHORT = 5
_LEAST_PIECE = 3

_SIGIL = re.compile(
    r"(?:\$\{{1,2}(?P<shell>[^{}\r\n]{1,100})\}{1,2}|\{\{(?P<braces>[^{}\r\n]{1,100})\}\}"
    r"|\$(?P<small>[a-z_]{2,40})|%\([A-Za-z_]{1,60}\)s|\$[A-Z_][A-Z0-9_]{1,60}"
    r"|%[A-Z_][A-Z0-9_]{1,60}%|\$\(.{0,100})"
)
_UPPER = re.compile(r"[A-Z_][A-Z0-9_]{1,60}(?::?[-?].{0,60})?")
_PATH = re.compile(r"[A-Za-z_]\w{0,60}(?:\.[A-Za-z_]\w{0,60}){0,8}", re.ASCII)
_CONSTANT = re.compile(r"[A-Z][A-Z0-9]{0,30}(?:_[A-Z0-9]{1,30}){1,10}")
_HEADS = frozenset(
    (
        *("app", "args", "cfg", "conf", "config", "constants", "context", "credentials", "ctx"),
        "data",
        *("deno", "environ", "event", "form", "input", "kwargs", "options", "opts", "os", "params"),
        *("process", "props", "req", "request", "secrets", "self", "session", "settings", "state"),
        *("sys", "this", "user", "var", "vars"),
    )
)
"""Names whose attributes hold secrets in code."""
_SECRET_WORDS = ("key", "token", "secret", "pass", "pwd", "credential")
_SECRET_PARTS = frozenset(
    (
        *("key", "keys", "apikey", "token", "tokens", "secret", "secrets", "pass", "passwd"),
        *("password", "passphrase", "pwd", "credential", "credentials"),
    )
)
_DIGIT = re.compile(r"[0-9]")
_NAME_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_NO_VALUES = frozenset(
    ("none", "null", "true", "false", "undefined", "string", "bytes", "optional", "required")
)


def is_random(token: str) -> bool:
    """Return whether a token looks random, in contexts where names of programs are as likely."""
    strange = 0
    for segment in _SEGMENT.findall(token):
        if len(segment) > _LONGEST_NAME:
            return True
        if not _is_name(segment):
            strange += len(segment)
    return strange >= _LEAST_RANDOM


def _is_name(segment: str) -> bool:
    """Return whether letters and digits are words in camel case, or a number of few digits."""
    pieces = _PIECE.findall(segment)
    numbers = [piece for piece in pieces if piece.isdecimal()]
    words = [piece for piece in pieces if not piece.isdecimal()]
    if not words:
        return len(segment) <= _LONGEST_NUMBER
    if len(segment) <= _SHORT:
        return len(numbers) <= 1
    if numbers and len(segment) > _LONGEST_NUMBERED:
        return False
    if len(numbers) > 1 or sum(map(len, numbers)) > _MOST_DIGITS:
        return False
    average = sum(map(len, words)) / len(words)
    return average >= _LEAST_PIECE and max(map(len, words)) <= _LONGEST_WORD


def is_plain_words(token: str) -> bool:
    """Return whether each segment is one word of one case, or a number: stricter than `not
    is_random`.
    """
    return all(map(_PLAIN.match, _SEGMENT.findall(token)))


def is_template(value: str) -> bool:
    """Return whether a value is a placeholder: `${PASSWORD}`, `{{ password }}`, `$KEY`.

    A password may hold the same signs: the enclosed text must name a secret or a variable.
    """
    found = _SIGIL.fullmatch(value)
    if found is None:
        return False
    inside = next((each for each in found.groups() if each is not None), None)
    if inside is None or _UPPER.fullmatch(inside.strip()):
        return True
    return any(part.lower() in _SECRET_PARTS for part in _NAME_PARTS.findall(inside))


def is_reference(value: str, after: str = "") -> bool:
    """Return whether code or a template refers to a value instead of holding it: `$KEY`,
    `settings.KEY`.

    `after` is the character after the value: a name before a bracket is called or indexed. Digits
    end passwords rather than names: with one in the last part, only constants are references.
    """
    if is_template(value) or value.lower() in _NO_VALUES:
        return True
    if _CONSTANT.fullmatch(value):
        return names_secret(value) and not is_random(value)
    if not _PATH.fullmatch(value) or is_random(value):
        return False
    last = value.rpartition(".")[2]
    if _DIGIT.search(last) and not _CONSTANT.fullmatch(last):
        return False
    if after in ("(", "["):
        return True
    head, dot, rest = value.partition(".")
    return bool(dot) and (head.lower() in _HEADS or names_secret(rest))


def names_secret(name: str) -> bool:
    """Return whether a name denotes a secret."""
    small = name.lower()
    return any(word in small for word in _SECRET_WORDS)
