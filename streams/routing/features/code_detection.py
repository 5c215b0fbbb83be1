"""Detection of program code in a text, and its size.

Prose also mentions classes, functions and imports, so a word alone is no evidence: each sign is a
literal together with the text that must follow it in code. One pass searches all literals. Each
expression is matched at its literal only and is bounded, so the time is linear for any text.
"""

from __future__ import annotations

import re

from ahocorasick_rs import AhoCorasick, MatchKind

_FENCE = "```"
_MODULES = (
    "os|sys|re|json|math|time|random|datetime|typing|asyncio|logging|numpy|pandas|torch|sklearn"
    "|requests|django|flask|react|java|javax|org|com"
)
_SIGNS: dict[str, str] = {
    _FENCE: "",
    "#include": r"\s?[<\"]",
    "#!/": r"(usr/)?bin/",
    "<?php": "",
    "def ": r"\w{1,80}\s?\(",
    "class ": r"[A-Z]\w{0,80}( ?\{|(\([^()\n]{0,80}\))?:\s{0,9}(\n|$|pass|def))",
    "function": r"( \w{1,80})?\s?\([^()\n]{0,120}\)\s?\{",
    "func ": r"(\([^()\n]{0,80}\) )?\w{1,80}\(",
    "fn ": r"\w{1,80}[(<]",
    "import ": (
        rf"(({_MODULES})\b|[\w.]{{1,80}} as \w|\*|\{{|[A-Z]\w{{0,80}} from ['\"]|[\w.]{{1,80}};)"
    ),
    "SELECT ": r"[^;]{1,300}?\bFROM\b",
    "select ": r"\* from\b",
    "INSERT INTO ": "",
    "CREATE TABLE ": "",
    "ALTER TABLE ": "",
    "=> ": r"[\w({\[\"']",
    ") {": "",
    "){": "",
    "();": "",
    "</": r"(div|p|span|a|li|ul|body|head|html|table|script|style|h[1-6]|td|tr|button|form)>",
    "console.log(": "",
    "System.out.": "",
    "std::": "",
    "print(": r"['\"\w]",
    "public static ": "",
    "private final ": "",
    "const ": r"[\w{},: \[\]]{1,80}=",
    "var ": r"\w{1,80} ?=",
    "    return ": "",
    "\treturn ": "",
    " in range(": "",
    " in enumerate(": "",
    "lambda ": r"[\w, ]{0,60}: ",
    "async def ": "",
    "Traceback (most recent call last)": "",
    "NullPointerException": "",
}
_LITERALS = tuple(_SIGNS)
_BEHIND = tuple(re.compile(behind) if behind else None for behind in _SIGNS.values())
_find = AhoCorasick(
    list(_LITERALS), matchkind=MatchKind.LeftmostLongest, store_patterns=False
).find_matches_as_indexes


def holds_code(text: str) -> bool:
    """Return whether a text contains program code, fenced or not. JSON and tables are data, not
    code.
    """
    for number, begin, end in _find(text):
        behind = _BEHIND[number]
        if begin and text[begin - 1].isalnum() and _LITERALS[number][0].isalpha():
            continue
        if behind is None or behind.match(text, end):
            return True
    return False


def code_lines(text: str) -> int:
    """Count the lines of code in a text with code: those in fences, else all."""
    if _FENCE in text:
        return sum(part.count("\n") for part in text.split(_FENCE)[1::2])
    return 1 + text.count("\n")
