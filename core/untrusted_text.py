"""Sanitizing of untrusted text for terminals, logs and spreadsheets.

Answers, ids and comments can contain escape sequences that control a terminal (clear the screen,
write the clipboard), line breaks that forge log lines, and bidirectional control characters
(Unicode TR 36, "Trojan Source"). A spreadsheet evaluates cells that begin like a formula.
"""

from __future__ import annotations

_MARK = "\ufffd"
_TURNS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_BREAKS = "\n\r\t\x0b\x0c\x85\u2028\u2029"
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_UNSEEN = dict.fromkeys((0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))
"""Zero-width characters: a spreadsheet may drop them before it checks the start of a cell."""


_CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), *map(ord, _TURNS)], _MARK)
_CONTROLS |= dict.fromkeys(range(0xD800, 0xE000), _MARK)
_LINE = _CONTROLS | dict.fromkeys(map(ord, _BREAKS), " ")
_LINES = _CONTROLS | {ord("\u2028"): "\n", ord("\u2029"): "\n", ord("\n"): "\n", ord("\t"): "\t"}
_LINES |= {ord("\r"): ""}

_ESCAPES = {number: f"\\u{number:04x}" for number in _CONTROLS if number >= 0x7F}
_ESCAPES |= {ord(sign): f"\\u{ord(sign):04x}" for sign in "\u2028\u2029"}


def one_line(text: str) -> str:
    """Return a text without control and bidirectional characters, with line breaks as blanks."""
    return text if text.isascii() and text.isprintable() else text.translate(_LINE)


def whole_text(text: str) -> str:
    """Return a text without control and bidirectional characters; keep line breaks and tabs."""
    return text if text.isascii() and text.isprintable() else text.translate(_LINES)


def escaped_json(text: str) -> str:
    """Return equivalent JSON with control and bidirectional characters escaped."""
    # JSON leaves one ASCII control character unescaped.
    return text if text.isascii() and "\x7f" not in text else text.translate(_ESCAPES)


def spreadsheet_cell(value: object) -> object:
    """Return a value as a CSV cell: a text that a spreadsheet would evaluate gets a leading
    apostrophe (OWASP, CSV injection); numbers are unchanged.
    """
    if not isinstance(value, str):
        return value
    shown = one_line(value)
    begins = shown.translate(_UNSEEN).lstrip().startswith(_FORMULA)
    return f"'{shown}" if begins and not _is_number(shown) else shown


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
