"""Text of strangers as it may be shown: on a terminal, in a log, in a spreadsheet.

Answers, ids and comments can hold escape sequences, which a terminal obeys (it clears the screen,
writes the clipboard), line breaks, which forge log lines, and signs that turn the direction of what
follows (Unicode TR 36, "Trojan Source"). A spreadsheet calculates cells that begin like a formula.
"""

from __future__ import annotations

_MARK = "\ufffd"
_TURNS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_BREAKS = "\n\r\t\x0b\x0c\x85\u2028\u2029"
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_UNSEEN = dict.fromkeys((0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))
"""What has no width: a spreadsheet may drop it before it looks at a cell's beginning."""


_CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), *map(ord, _TURNS)], _MARK)
_CONTROLS |= dict.fromkeys(range(0xD800, 0xE000), _MARK)
_LINE = _CONTROLS | dict.fromkeys(map(ord, _BREAKS), " ")
_LINES = _CONTROLS | {ord("\u2028"): "\n", ord("\u2029"): "\n", ord("\n"): "\n", ord("\t"): "\t"}
_LINES |= {ord("\r"): ""}

_ESCAPES = {number: f"\\u{number:04x}" for number in _CONTROLS if number >= 0x7F}
_ESCAPES |= {ord(sign): f"\\u{ord(sign):04x}" for sign in "\u2028\u2029"}


def one_line(text: str) -> str:
    """A text without control and direction signs, its line breaks as blanks."""
    return text if text.isascii() and text.isprintable() else text.translate(_LINE)


def whole_text(text: str) -> str:
    """A text without control and direction signs; line breaks and tabs stay."""
    return text if text.isascii() and text.isprintable() else text.translate(_LINES)


def escaped_json(text: str) -> str:
    """JSON whose strings hold no control and direction signs but as escapes: the same JSON."""
    # JSON leaves one control sign of ASCII as it is.
    return text if text.isascii() and "\x7f" not in text else text.translate(_ESCAPES)


def spreadsheet_cell(value: object) -> object:
    """A value as a cell of CSV: a text that a spreadsheet would calculate gets an apostrophe
    before it (OWASP, CSV injection); numbers stay as they are.
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
