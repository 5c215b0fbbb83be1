"""Untrusted text is shown as plain text without control sequences."""

from __future__ import annotations

import json
import logging
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.process_log import SafeLines
from core.untrusted_text import escaped_json, one_line, spreadsheet_cell, whole_text

HOSTILE = "a\x1b]52;c;cm0gLXJm\x07\x1b[2Jb\nINFO forged\r\x9b31m\u202egnp.exe\u2028c\ud800"


def test_escape_sequences_line_breaks_and_bidi_marks_are_removed() -> None:
    assert one_line(HOSTILE) == (
        "a\ufffd]52;c;cm0gLXJm\ufffd\ufffd[2Jb INFO forged \ufffd31m\ufffdgnp.exe c\ufffd"
    )
    assert whole_text("a\tb\r\nc\x1b[0m") == "a\tb\nc\ufffd[0m"


@given(st.text())
def test_no_terminal_control_characters_remain(text: str) -> None:
    assert all(unicodedata.category(char) not in {"Cc", "Cs"} for char in one_line(text))
    kept = whole_text(text).replace("\n", "").replace("\t", "")
    assert all(unicodedata.category(char) not in {"Cc", "Cs"} for char in kept)


@example("\x7f")
@given(st.recursive(st.text(), lambda inner: st.dictionaries(st.text(), inner, max_size=3)))
def test_escaped_json_is_the_same_json(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False)
    shown = escaped_json(text)
    assert json.loads(shown) == value
    assert not set(shown) & {"\x7f", "\x9b", "\u202e", "\u2028"}


@given(st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp"))))
def test_plain_text_of_any_language_stays(text: str) -> None:
    assert one_line(text) == whole_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", " =1", "\t=1", "\r\n=1", "\u2028=1"),
        *("\uff1d1+1", "\ufeff=1", " \u200b =1", "\u00ad\uff20SUM(1)"),
    ],
)
def test_a_formula_is_a_text_in_a_spreadsheet(text: str) -> None:
    assert str(spreadsheet_cell(text)).startswith("'")


@pytest.mark.parametrize("value", ["-1.5", "+2", "plain", "a=b", -3, None, 1.5])
def test_numbers_and_plain_texts_are_no_formula(value: object) -> None:
    assert spreadsheet_cell(value) == value


def test_a_log_message_is_one_line() -> None:
    record = logging.makeLogRecord({"msg": "user %s", "args": ("x\n2026 ERROR forged\x1b[2J",)})
    line = SafeLines("%(message)s").format(record)
    assert line == "user x 2026 ERROR forged\ufffd[2J"
