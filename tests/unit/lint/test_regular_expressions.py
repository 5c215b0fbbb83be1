"""The check of regular expressions separates linear patterns from super-linear ones."""

from __future__ import annotations

import re

import pytest

from tests.lint.regular_expressions import problems_of

FREEZE = {
    r"^\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*$": re.DOTALL,
    r"(a+)+b": 0,
    r"(?:x{1,5}){1,5}y": 0,
    r"(?:ab*)*c": 0,
    r"(a|a)*b": 0,
    r"\d+x": 0,
    r"\s+$": 0,
    r"\s*+\(version": 0,
    r".*foo": 0,
    r"[a-z]{0,50}[a-z0-9]{0,50}!": 0,
    r"(?:a?){30}a{30}": 0,
    r"^[ \t\n]*x": re.MULTILINE,
}
LINEAR = {
    r"\d+": 0,
    r"a{1,64}@b": 0,
    r"\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}\b": 0,
    r"\{[^{}]*\}": 0,
    r'"answer"\s*:\s*': 0,
    r"^[ \t]*(?:def |class )": re.MULTILINE,
    r"\A\s*\{": 0,
    r"(?:19|20)\d\d": 0,
}


@pytest.mark.parametrize("pattern", FREEZE)
def test_a_pattern_with_catastrophic_backtracking_is_found(pattern: str) -> None:
    assert problems_of(pattern, FREEZE[pattern])


@pytest.mark.parametrize("pattern", LINEAR)
def test_a_linear_pattern_passes(pattern: str) -> None:
    assert problems_of(pattern, LINEAR[pattern]) == []
