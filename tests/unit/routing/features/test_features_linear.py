"""Every regular expression takes at most linear time on any text.

Each compiled expression runs over texts so long that quadratic time would take an hour, in a
process that is killed after a minute; linear time takes a second or two. Those of `code_signs` are
matched at their literals only, so they run through its function.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import importlib, re, sys
module = importlib.import_module(sys.argv[1])
found = []
for value in vars(module).values():
    found += value if isinstance(value, tuple) else [value]
expressions = [each for each in found if isinstance(each, re.Pattern)]
assert expressions
words = ("a", " ", "\\n", "i'm sorry ", "i think ", "SELECT ", "{ ", "{", "import ", "def a",
    "class A", "function", "function(", "func (", "const a", "lambda a, ", "```", "not ", "wait,",
    "i can't help", "as an ai ", "<", "=> ", "select * ", "'", "a.", "\\u3042")
for expression in expressions:
    for word in words:
        text = word * (500_000 // len(word))
        sum(1 for _ in expression.finditer(text))
"""
LOOKS = """
from streams.routing.features.code_detection import _LITERALS, code_lines, holds_code
from streams.routing.features.request_features import extract_features
from streams.routing.confidence.language import language_of
from streams.routing.confidence.checks import faults
for word in (*_LITERALS, "{", "import ", "SELECT a", "function(", "a", " ", "\\n"):
    text = word * (200_000 // len(word))
    holds_code(text), code_lines(text), language_of(text)
    body = {"messages": [{"role": "user", "content": text}]}
    extract_features(body)
    faults(body, {"role": "assistant", "content": text}, "stop")
"""
GENEROUS_SECONDS = 60


@pytest.mark.parametrize("module", ["confidence.checks", "confidence.scorers", "rules.article"])
def test_every_expression_takes_linear_time(module: str) -> None:
    name = f"streams.routing.{module}"
    subprocess.run([sys.executable, "-c", SCRIPT, name], check=True, timeout=GENEROUS_SECONDS)


def test_every_text_function_takes_linear_time() -> None:
    subprocess.run([sys.executable, "-c", LOOKS], check=True, timeout=GENEROUS_SECONDS)
